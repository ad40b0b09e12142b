package ci

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"math"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/audit"
	"github.com/drivecast/drivecast/errs"
)

// RulesFile is where rules are looked for when no file is named.
const RulesFile = "drivecast.yaml"

// Rules say what a candidate must show. A rule that is nil is not applied.
type Rules struct {
	Detection   *DetectionRule   `yaml:"detection"`
	Champion    *ChampionRule    `yaml:"champion"`
	Calibration *CalibrationRule `yaml:"calibration"`
	Audit       *AuditRule       `yaml:"audit"`
	Slices      *SlicesRule      `yaml:"slices"`
	Latency     *LatencyRule     `yaml:"latency"`
	Bootstrap   BootstrapRule    `yaml:"bootstrap"`
}

// DetectionRule asks for a share of the failures at a budget of alarms.
type DetectionRule struct {
	Budget float64 `yaml:"alarm_budget"` // share of the healthy rows that may be called failing, in (0, 1)
	Min    float64 `yaml:"min"`          // share of the failing rows that must be, in [0, 1]
}

// ChampionRule asks that the candidate be no worse than the champion by more than
// a bound, shown on the same rows: the lower end of the interval of the difference
// must not be below -MaxDrop (a test of non-inferiority).
type ChampionRule struct {
	Metric  string  `yaml:"metric"`   // one of Metrics but ece; "" stands for roc_auc
	MaxDrop float64 `yaml:"max_drop"` // in [0, 1]
}

// CalibrationRule bounds how far probabilities may be from what came true.
type CalibrationRule struct {
	MaxECE float64 `yaml:"max_ece"` // expected calibration error in ten bins of equal width, in [0, 1]
}

// AuditRule asks that no check of the data audit blocks.
type AuditRule struct {
	Override []string `yaml:"override"` // checks that may block without consequence
}

// SlicesRule asks for a ROC AUC in each group of rows that is large enough to tell.
type SlicesRule struct {
	Column      string  `yaml:"column"`       // such as the drive family
	MinAUC      float64 `yaml:"min_auc"`      // in [0, 1]
	MinFailures int     `yaml:"min_failures"` // smaller slices are shown and not judged; 0 stands for 10
}

// LatencyRule bounds the time of scoring one row.
type LatencyRule struct {
	P99 float64 `yaml:"p99_ms"` // milliseconds, above 0
}

// BootstrapRule says how intervals are found.
type BootstrapRule struct {
	Samples    int     `yaml:"samples"`    // 0 stands for 1000
	Confidence float64 `yaml:"confidence"` // in (0, 1); 0 stands for 0.95
	Seed       uint64  `yaml:"seed"`
}

// ReadRules reads the part "gate" of a rules file. Keys that it does not know and
// values out of range are of kind Invalid, with the line or the key.
func ReadRules(path string) (*Rules, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, absent(err, path, "name the file of the gate's rules with --file, or write one; docs/delivery.md has an example")
	}
	r, err := ParseRules(text)
	return r, errs.Wrap(err, "%s", path)
}

// ParseRules is ReadRules of a file's content.
func ParseRules(text []byte) (*Rules, error) {
	var file struct {
		Gate *Rules `yaml:"gate"`
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return nil, errs.New(errs.Invalid, "%s", inWords(err))
	}
	if file.Gate == nil || file.Gate.empty() {
		return nil, errs.New(errs.Invalid, "no rule under gate: give one of detection, champion, calibration, audit, slices and latency")
	}
	return file.Gate, file.Gate.check()
}

// absent says of a file that cannot be read what to do when it is not there.
func absent(err error, path, mend string) error {
	if errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, "%s: there is no such file; %s", path, mend)
	}
	return errs.Wrap(err, "read %s", path)
}

// inWords says what YAML's decoder found in the terms of the file, not of its types.
func inWords(err error) string {
	text := strings.TrimPrefix(strings.Join(strings.Fields(err.Error()), " "), "yaml: ")
	text = strings.TrimPrefix(text, "unmarshal errors: ")
	return unknownKey().ReplaceAllString(text, `the key "$1" is not known`)
}

var unknownKey = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`field (\S+) not found in type (struct \{.*?\}|\S+)`) })

func (r *Rules) empty() bool {
	return r.Detection == nil && r.Champion == nil && r.Calibration == nil && r.Audit == nil && r.Slices == nil && r.Latency == nil
}

func (r *Rules) check() error {
	if d := r.Detection; d != nil && !(d.Budget > 0 && d.Budget < 1) {
		return outOfRange("detection.alarm_budget", d.Budget, "above 0 and below 1, a share of the healthy rows")
	} else if d != nil && !unit(d.Min) {
		return outOfRange("detection.min", d.Min, "from 0 to 1")
	}
	if c := r.Champion; c != nil {
		if c.Metric == "" {
			c.Metric = "roc_auc"
		}
		if !slices.Contains(Metrics(), c.Metric) || c.Metric == metricECE || c.Metric == metricDetection && r.Detection == nil {
			return errs.New(errs.Invalid, "gate.champion.metric %q: want roc_auc, average_precision, brier or, beside the rule detection, detection", c.Metric)
		}
		if !unit(c.MaxDrop) {
			return outOfRange("champion.max_drop", c.MaxDrop, "from 0 to 1")
		}
	}
	if c := r.Calibration; c != nil && !unit(c.MaxECE) {
		return outOfRange("calibration.max_ece", c.MaxECE, "from 0 to 1")
	}
	if a := r.Audit; a != nil {
		if _, err := (&audit.Report{}).Left(a.Override); err != nil {
			return errs.New(errs.Invalid, "gate.audit.override: %w", err)
		}
	}
	if s := r.Slices; s != nil {
		if s.Column == "" || !unit(s.MinAUC) || s.MinFailures < 0 {
			return errs.New(errs.Invalid, "gate.slices: want a column, min_auc from 0 to 1 and min_failures of at least 0")
		}
		if s.MinFailures == 0 {
			s.MinFailures = 10
		}
	}
	if l := r.Latency; l != nil && (!(l.P99 > 0) || math.IsInf(l.P99, 1)) {
		return outOfRange("latency.p99_ms", l.P99, "above 0")
	}
	return r.Bootstrap.check()
}

func (b *BootstrapRule) check() error {
	if b.Samples == 0 {
		b.Samples = 1000
	}
	if b.Confidence == 0 {
		b.Confidence = .95
	}
	if b.Samples < 100 || b.Samples > 100_000 || !(b.Confidence > 0 && b.Confidence < 1) {
		return errs.New(errs.Invalid, "gate.bootstrap: want from 100 to 100000 samples and a confidence between 0 and 1")
	}
	return nil
}

func unit(v float64) bool { return v >= 0 && v <= 1 }

func outOfRange(key string, v float64, want string) error {
	return errs.New(errs.Invalid, "gate.%s is %v; want a number %s", key, v, want)
}
