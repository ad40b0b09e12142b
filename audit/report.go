package audit

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Severity is how bad a finding is.
type Severity uint8

// The severities, in rising order.
const (
	Note  Severity = iota // good to know
	Warn                  // look at it before you rely on the figures
	Block                 // the figures would be wrong
)

// String returns note, warn or block.
func (s Severity) String() string { return [...]string{"note", "warn", "block"}[min(s, Block)] }

// MarshalText writes what String returns.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// The checks, by the names that --override-audit takes.
const (
	CheckFailures    = "failures"     // too few failures for any claim
	CheckBothClasses = "both-classes" // one drive at one time is in both classes
	CheckDuplicates  = "duplicates"   // rows that occur again, whole
	CheckCopies      = "copies"       // rows that are nearly others, across classes
	CheckLattice     = "lattice"      // the classes' numbers are of different make
	CheckSpike       = "fill-value"   // one exact value that one class alone has, often
	CheckSingle      = "single"       // one column tells the target
	CheckMissing     = "missing"      // where values are missing tells the target
	CheckDates       = "dates"        // the date tells the target
	CheckIdentity    = "identity"     // the identifier tells the target
	CheckOrder       = "row-order"    // the order of the rows tells the target
	CheckCounts      = "row-counts"   // how many rows a drive has tells the target
	CheckConstant    = "constant"     // a column of one value
	CheckCorrupt     = "corrupt"      // numbers that no drive reports
	CheckVolume      = "volume"       // days with far fewer or more rows
	CheckUnits       = "units"        // a column changes its unit from one day to the next
)

// Checks returns the names of all checks.
func Checks() []string {
	return []string{CheckFailures, CheckBothClasses, CheckDuplicates, CheckCopies, CheckLattice, CheckSpike, CheckSingle, CheckMissing,
		CheckDates, CheckIdentity, CheckOrder, CheckCounts, CheckConstant, CheckCorrupt, CheckVolume, CheckUnits}
}

// Row is a row that shows a finding.
type Row struct {
	Where  string `json:"where"`  // file:line, or line
	Row    int    `json:"row"`    // 1-based row of the data, the header not counted
	Values string `json:"values"` // the fields that matter, as name=value
}

// Finding is one thing that is wrong.
type Finding struct {
	Check    string             `json:"check"`
	Severity Severity           `json:"severity"`
	Column   string             `json:"column,omitempty"`
	Says     string             `json:"says"`  // what was seen, with figures
	Means    string             `json:"means"` // what that does to a model
	Mend     string             `json:"mend"`
	Fix      string             `json:"fix,omitempty"` // what Repair takes, such as capacity_bytes=nominal
	Figures  map[string]float64 `json:"figures,omitempty"`
	Evidence []Row              `json:"evidence,omitempty"`
}

// Report is what an audit found.
type Report struct {
	Data     string    `json:"data"`
	Verdict  string    `json:"verdict"` // clean or blocked
	Rows     int       `json:"rows"`
	Columns  int       `json:"columns"`
	Target   string    `json:"target"`
	Failures int       `json:"failures"` // rows of the rarer class
	Group    string    `json:"group,omitempty"`
	Drives   int       `json:"drives,omitempty"`
	Time     string    `json:"time,omitempty"`
	History  bool      `json:"history"` // drives have rows of several days
	Findings []Finding `json:"findings"`
	Passed   []string  `json:"passed"` // checks that found nothing
	Skipped  []string  `json:"skipped,omitempty"`
}

// Blocked reports whether a finding blocks.
func (r *Report) Blocked() bool { return len(r.Blocking()) > 0 }

// Blocking returns the names of the checks that block, each once.
func (r *Report) Blocking() []string {
	var out []string
	for _, f := range r.Findings {
		if f.Severity == Block && !slices.Contains(out, f.Check) {
			out = append(out, f.Check)
		}
	}
	return out
}

// Left returns the blocking checks that override does not name. A name in
// override that is no check is an error of kind Usage.
func (r *Report) Left(override []string) ([]string, error) {
	for _, name := range override {
		if !slices.Contains(Checks(), name) {
			return nil, errs.New(errs.Usage, "--override-audit names %q, which is no check; the checks are %s", name, strings.Join(Checks(), ", "))
		}
	}
	return slices.DeleteFunc(r.Blocking(), func(c string) bool { return slices.Contains(override, c) }), nil
}

// Using returns the report for a model that learns from the named columns alone:
// what is wrong with one other column does not touch it.
func (r *Report) Using(features []string) *Report {
	out := *r
	out.Passed = nil
	out.Findings = slices.DeleteFunc(slices.Clone(r.Findings), func(f Finding) bool {
		ofColumn := slices.Contains([]string{CheckLattice, CheckSpike, CheckSingle, CheckMissing, CheckDates, CheckConstant, CheckCorrupt, CheckUnits}, f.Check)
		return ofColumn && f.Column != r.Target && !slices.Contains(features, f.Column)
	})
	out.settle()
	return &out
}

// JSON returns the report as indented JSON with a line feed at its end.
func (r *Report) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(r, "", "  ")
	return append(text, '\n'), err
}

// settle sorts the findings, worst first, and fills in the verdict.
func (r *Report) settle() {
	slices.SortStableFunc(r.Findings, func(a, b Finding) int {
		if a.Severity != b.Severity {
			return int(b.Severity) - int(a.Severity)
		}
		return slices.Index(Checks(), a.Check) - slices.Index(Checks(), b.Check)
	})
	r.Verdict = "clean"
	if r.Blocked() {
		r.Verdict = "blocked"
	}
	for _, c := range Checks() {
		found := slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Check == c && f.Severity > Note })
		if !found && !slices.Contains(r.Skipped, c) {
			r.Passed = append(r.Passed, c)
		}
	}
}
