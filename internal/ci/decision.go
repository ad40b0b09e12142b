package ci

import (
	"encoding/json"
	"math"
	"os"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// Number is a float64 whose NaN, here "not known", is null in JSON.
type Number float64

// MarshalJSON writes a number that is not finite as null.
func (n Number) MarshalJSON() ([]byte, error) {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// UnmarshalJSON reads null as NaN.
func (n *Number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = Number(math.NaN())
		return nil
	}
	v, err := strconv.ParseFloat(string(text), 64)
	*n = Number(v)
	return err
}

// String prints four digits after the point, or a dash for what is not known.
func (n Number) String() string {
	if v := float64(n); math.IsNaN(v) || math.IsInf(v, 0) {
		return "–"
	}
	return strconv.FormatFloat(float64(n), 'f', 4, 64)
}

// Span is an estimate and the bounds of its interval.
type Span struct {
	Value Number `json:"value"`
	Low   Number `json:"low"`
	High  Number `json:"high"`
}

// Measure is one metric of the candidate and, when there is one, the champion.
type Measure struct {
	Name       string `json:"name"`
	Candidate  Span   `json:"candidate"`
	Champion   *Span  `json:"champion,omitempty"`
	Difference *Span  `json:"difference,omitempty"` // candidate less champion, on the same drawn rows
}

// The verdicts of a rule.
const (
	Passed  = "pass"
	Failed  = "fail"
	Skipped = "skip" // there was nothing to judge
)

// Outcome is what one rule found.
type Outcome struct {
	Rule    string `json:"rule"`
	Value   Number `json:"value"`
	Bound   string `json:"bound"`
	Verdict string `json:"verdict"`
	Reason  string `json:"reason"`
}

// Counts is a confusion matrix at a threshold.
type Counts struct {
	Threshold     Number `json:"threshold"`
	TruePositive  int    `json:"true_positive"`
	FalsePositive int    `json:"false_positive"`
	TrueNegative  int    `json:"true_negative"`
	FalseNegative int    `json:"false_negative"`
}

// Point is a point of a curve.
type Point struct {
	X Number `json:"x"`
	Y Number `json:"y"`
}

// Slice is the candidate on the rows of one value of a column.
type Slice struct {
	Value    string `json:"value"`
	Rows     int    `json:"rows"`
	Failures int    `json:"failures"`
	AUC      Number `json:"roc_auc"`
	Champion Number `json:"champion_roc_auc"`
	Judged   bool   `json:"judged"` // it has failures enough
}

// Audited is what the audit of the rows found.
type Audited struct {
	Verdict  string   `json:"verdict"` // clean, overridden or blocked
	Blocking []string `json:"blocking,omitempty"`
	Findings []string `json:"findings,omitempty"`
}

// Decision is what a gate found, and what it makes of that.
type Decision struct {
	Verdict     string    `json:"verdict"` // pass or fail
	Reason      string    `json:"reason"`
	Candidate   string    `json:"candidate"`
	ModelHash   string    `json:"model_hash"` // of the candidate: what HashModel says
	Champion    string    `json:"champion,omitempty"`
	Data        string    `json:"data"`
	DataHash    string    `json:"data_hash"`
	Target      string    `json:"target"`
	Rows        int       `json:"rows"`
	Failures    int       `json:"failures"`
	Drives      int       `json:"drives,omitempty"` // 0: rows are not known to belong to drives
	Confidence  float64   `json:"confidence"`
	Rules       []Outcome `json:"rules"`
	Metrics     []Measure `json:"metrics"`
	Confusion   Counts    `json:"confusion"`
	Calibration []Point   `json:"calibration"`      // predicted against observed
	Precision   []Point   `json:"precision_recall"` // recall against precision, at steps of recall
	SliceColumn string    `json:"slice_column,omitempty"`
	Slices      []Slice   `json:"slices,omitempty"`
	Audit       Audited   `json:"audit"`
	Runs        *Runs     `json:"-"` // what a report adds; nil: nothing
}

// ReadDecision reads what a gate has written. Anything else is of kind Invalid.
func ReadDecision(path string) (*Decision, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, absent(err, path, "name the file that ci gate --out wrote")
	}
	var d Decision
	if err := json.Unmarshal(text, &d); err != nil {
		return nil, errs.New(errs.Invalid, "%s is not the JSON of a gate: %w", path, err)
	}
	if d.Verdict != Passed && d.Verdict != Failed {
		return nil, errs.New(errs.Invalid, "%s is not the decision of a gate: its verdict is %q", path, d.Verdict)
	}
	return &d, nil
}
