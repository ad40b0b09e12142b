package train

import (
	"github.com/drivecast/drivecast/eval"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// Spec says what to train. Start from the zero value; Data and Learner are
// needed.
type Spec struct {
	Data     string       // a CSV file, or a folder or file of Backblaze daily statistics
	Target   string       // target column of a CSV file; not used for daily statistics
	Features []string     // columns to learn from; nil: see chooseFeatures
	Learner  string       // a scikit-learn class name; see Learners. "": the default recipe, of daily statistics only
	Params   []Param      // its parameters
	Seed     uint32       // random_state of split and learner
	TestSize float64      // share of rows (daily statistics: of days) held out, in [0, 1); 0 holds none out
	Split    string       // daily statistics: what keeps held-out rows apart, one of Splits; "": time
	Horizon  int          // daily statistics: days ahead; 0 stands for DefaultHorizon
	Until    smart.Date   // daily statistics: the last day that is learned from; 0: the last whose label is known
	Alarms   Alarms       // the default recipe: what alarms may cost
	Compare  *model.Model // the default recipe: judged on the same rows; nil: none
	Binary   bool         // a target of other than two classes is an error
	Compat   string       // "sklearn-1.9" or "", "sklearn-1.8": whose trees exact learners grow
	Workers  int          // goroutines; 0: one a processor
	Progress Progress     // may be nil
	// Drives says how daily statistics are read: its Mapping, MaxBad and
	// Quarantine count. Data with a Mapping is taken for daily statistics.
	Drives smart.Options
	// Importance is what is measured about columns: ImportanceModel or "",
	// ImportancePermutation, ImportanceNone.
	Importance       string
	ImportanceMetric string // by which permutations are judged; "": the target's usual one
	Peers            *Peers // other processes that train the same Spec; nil: there are none
}

// Peers are the processes over which one fit is spread. All of them read the same
// data and get the same model; each learns from its part of the training rows.
type Peers struct {
	Rank, Processes int // this process's number, from 0, and how many there are
	Reducer         hist.Reducer
}

// DefaultHorizon is how many days ahead a failure is predicted.
const DefaultHorizon = 7

// Progress is told how far a step has come. Steps follow one another; total is 0
// when it is not known.
type Progress func(step, unit string, done, total int64)

func (p Progress) tell(step, unit string) func(done, total int) {
	if p == nil {
		return nil
	}
	return func(done, total int) { p(step, unit, int64(done), int64(total)) }
}

// Result is a fitted model with its evidence.
type Result struct {
	Model    *model.Model
	Learner  string
	Settings []Setting // every parameter that shaped the model, in order
	Metrics  []Metric  // on the held-out rows; empty when there are none
	AUC      eval.Interval
	Split    Split
	Data     Data
	LeftOut  []LeftOut
	Example  *table.Table      // some held-out rows as the model takes them
	Samples  []Sample          // three held-out drives: the riskiest, a middling one, the safest
	Extra    map[string][]byte // further files of the model's folder
	// Importances says how much the columns matter; nil when it was not asked for,
	// or when the model has none and no permutation was.
	Importances *Importances
	Evidence    *Evidence // of the default recipe; nil otherwise
}

// Setting is a name and a value as text.
type Setting struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Metric is a named figure.
type Metric struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"`
}

// Metric returns the figure of that name, and whether there is one.
func (r *Result) Metric(name string) (float64, bool) {
	for _, m := range r.Metrics {
		if m.Name == name {
			return m.Value, true
		}
	}
	return 0, false
}

// Split says which rows were held out. Two results whose Digest is equal were
// judged on the same rows of the same data.
type Split struct {
	Kind   string  `json:"kind"` // "stratified", "random", one of Splits, or "none"
	Size   float64 `json:"test_size"`
	Seed   uint32  `json:"seed"`
	Detail string  `json:"detail,omitempty"` // of daily statistics: the days, drives or families
	Train  int     `json:"train_rows"`
	Test   int     `json:"test_rows"`
	Digest string  `json:"digest"`
}

// Data describes what was learned from.
type Data struct {
	Path       string   `json:"path"`
	Hash       string   `json:"sha256"` // see table.HashPath
	Rows       int      `json:"rows"`
	Features   []string `json:"features"`
	Target     string   `json:"target"`
	Prevalence float64  `json:"prevalence"` // share of rows of the last class; NaN for a regressor
}

// Sample is one held-out drive, ready to be asked about.
type Sample struct {
	ID     string             `json:"id"`     // serial number, or the row
	Which  string             `json:"which"`  // "riskiest", "middle" or "safest"
	Values map[string]float64 `json:"values"` // one a feature; missing ones are absent
	Actual string             `json:"actual"` // the true class
}
