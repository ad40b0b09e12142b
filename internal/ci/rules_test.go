package ci

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestParseRules(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"gate:\n  detection: {alarm_budget: 0.01, min: 0.5}", ""},
		{"gate:\n  champion: {max_drop: 0.01}", ""},
		{"", "no rule under gate"},
		{"gate: {}", "no rule under gate"},
		{"gate:\n  detection: {alarm_budget: 0, min: 0.5}", "gate.detection.alarm_budget is 0"},
		{"gate:\n  detection: {alarm_budget: .nan, min: 0.5}", "gate.detection.alarm_budget is NaN"},
		{"gate:\n  detection: {alarm_budget: 0.1, min: 1.5}", "gate.detection.min is 1.5"},
		{"gate:\n  champion: {metric: ece, max_drop: 0.1}", `gate.champion.metric "ece"`},
		{"gate:\n  champion: {metric: detection, max_drop: 0.1}", "beside the rule detection"},
		{"gate:\n  calibration: {max_ece: -1}", "gate.calibration.max_ece is -1"},
		{"gate:\n  audit: {override: [nothing]}", "gate.audit.override"},
		{"gate:\n  slices: {min_auc: 0.5}", "want a column"},
		{"gate:\n  latency: {p99_ms: 0}", "gate.latency.p99_ms is 0"},
		{"gate:\n  latency: {p99_ms: fast}", "line 2"},
		{"gate:\n  audit: {}\n  bootstrap: {samples: 5}", "from 100 to 100000"},
		{"gates:\n  audit: {}", `line 1: the key "gates" is not known`},
	} {
		r, err := ParseRules([]byte(c.text))
		switch {
		case c.want == "" && (err != nil || r.Bootstrap.Samples != 1000 || r.Bootstrap.Confidence != .95):
			t.Errorf("%q: %+v, %v", c.text, r, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !errs.Is(err, errs.Invalid)):
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

func TestReadRulesSaysWhatIsMissing(t *testing.T) {
	dir := t.TempDir()
	if _, err := ReadRules(filepath.Join(dir, "none.yaml")); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "there is no such file; name the file of the gate's rules") {
		t.Errorf("a file that is not there: %v", err)
	}
	if _, err := ReadDecision(filepath.Join(dir, "none.json")); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), "ci gate --out") {
		t.Errorf("a decision that is not there: %v", err)
	}
	_, err := ParseRules([]byte("gate:\n  calibratoin:\n    max: 1\n"))
	if want := `line 2: the key "calibratoin" is not known`; err == nil || err.Error() != want {
		t.Errorf("a misspelt rule: %v, want %s", err, want)
	}
}

func FuzzParseRules(f *testing.F) {
	f.Add([]byte("gate:\n  slices: {column: family, min_auc: 0.7}"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := ParseRules(text)
		if err == nil && (r.empty() || r.check() != nil) {
			t.Fatalf("%q: accepted %+v, which does not hold", text, r)
		}
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}

func TestAgainstChampion(t *testing.T) {
	at := func(v, low, high float64) *Span { return &Span{Number(v), Number(low), Number(high)} }
	for _, c := range []struct {
		name, metric string
		diff         *Span
		want         string
	}{
		{"surely better", "roc_auc", at(.05, .01, .09), Passed},
		{"equal within the bound", "roc_auc", at(0, -.02, .02), Passed},
		{"better, but not shown to be", "roc_auc", at(.01, -.03, .05), Failed},
		{"less is better: worse", "brier", at(.05, .01, .09), Failed},
		{"less is better: better", "brier", at(-.05, -.09, -.01), Passed},
		{"no interval", "roc_auc", at(.05, math.NaN(), math.NaN()), Failed},
		{"no champion", "roc_auc", nil, Skipped},
	} {
		d := Decision{Metrics: []Measure{{Name: c.metric, Difference: c.diff}}}
		d.againstChampion(&ChampionRule{Metric: c.metric, MaxDrop: .02})
		if got := d.Rules[0].Verdict; got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
