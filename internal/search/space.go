// Package search draws the points that a search over settings tries next: the
// corners of a grid, random points, Sobol' points, or points that results so far
// speak for, by a Gaussian process or by Parzen estimators.
//
// Every distribution is a map from a number in [0, 1) to a value, so that each
// sampling algorithm only has to choose points of a cube. The i-th draw depends
// on nothing but the seed, i and the results that are known: a search that is
// taken up again goes on as it would have.
package search

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// Distribution is what one hyperparameter may be, in Azure ML's terms, and two
// kinds more: int and logint, whole numbers from Min to Max, both among them.
type Distribution struct {
	Kind    string            `json:"kind"`             // choice randint uniform quniform loguniform qloguniform normal qnormal lognormal qlognormal int logint
	Values  []json.RawMessage `json:"values,omitempty"` // of choice; may be any JSON
	Upper   int               `json:"upper,omitempty"`  // of randint: values are 0 to Upper-1
	Min     float64           `json:"min,omitempty"`    // of uniform, int and logint; for loguniform the logarithm of the least value
	Max     float64           `json:"max,omitempty"`
	Mu      float64           `json:"mu,omitempty"` // of normal; for lognormal of the logarithm
	Sigma   float64           `json:"sigma,omitempty"`
	Quantum float64           `json:"q,omitempty"` // values of the q… kinds are multiples of it; of int the step, 0 for 1
}

// Space is a search space by hyperparameter.
type Space map[string]Distribution

// Names are the hyperparameters in the order that draws use.
func (s Space) Names() []string { return slices.Sorted(maps.Keys(s)) }

// discrete returns how many values there are; 0 for infinitely many.
func (d Distribution) discrete() int {
	switch d.Kind {
	case "choice":
		return len(d.Values)
	case "randint":
		return d.Upper
	case "int":
		return int((d.Max-d.Min)/d.step()) + 1
	}
	return 0
}

func (d Distribution) step() float64 { return max(1, d.Quantum) }

// Whole reports whether every value is a whole number by its kind.
func (d Distribution) Whole() bool {
	return d.Kind == "randint" || d.Kind == "int" || d.Kind == "logint"
}

// At returns the value at u in [0, 1) as text: a number with the fewest digits
// that read back, or the text or JSON of a choice.
func (d Distribution) At(u float64) string {
	switch d.Kind {
	case "choice":
		return choiceText(d.Values[min(len(d.Values)-1, int(u*float64(len(d.Values))))])
	case "randint":
		return strconv.Itoa(min(d.Upper-1, int(u*float64(d.Upper))))
	case "int":
		n := d.discrete()
		return strconv.FormatFloat(d.Min+d.step()*float64(min(n-1, int(u*float64(n)))), 'f', -1, 64)
	case "logint": // each whole number has the share of the logarithmic scale that rounds to it
		lo, hi := math.Log(d.Min-0.5), math.Log(d.Max+0.5)
		return strconv.FormatFloat(min(max(math.Round(math.Exp(lo+u*(hi-lo))), d.Min), d.Max), 'f', -1, 64)
	}
	return strconv.FormatFloat(d.number(u), 'g', -1, 64)
}

func (d Distribution) number(u float64) float64 {
	span := d.Min + u*(d.Max-d.Min)
	bell := d.Mu + d.Sigma*math.Sqrt2*math.Erfinv(2*min(max(u, 1e-12), 1-1e-12)-1)
	switch d.Kind {
	case "uniform":
		return span
	case "loguniform":
		return math.Exp(span)
	case "normal":
		return bell
	case "lognormal":
		return math.Exp(bell)
	case "quniform":
		return quantized(span, d.Quantum)
	case "qloguniform":
		return quantized(math.Exp(span), d.Quantum)
	case "qnormal":
		return quantized(bell, d.Quantum)
	case "qlognormal":
		return quantized(math.Exp(bell), d.Quantum)
	}
	return math.NaN()
}

func quantized(x, q float64) float64 {
	if q <= 0 {
		return x
	}
	return math.Round(x/q) * q
}

// choiceText is the text of a JSON value: that of a string without its quotes.
func choiceText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(raw)
}

// Check reports what would stop a draw, as an error of kind Invalid.
func (s Space) Check() error {
	if len(s) == 0 {
		return errs.New(errs.Invalid, "the search space is empty")
	}
	for name, d := range s {
		if d.Kind == "choice" && len(d.Values) == 0 || d.Kind == "randint" && d.Upper < 1 || d.Kind == "int" && !(d.Min <= d.Max) {
			return errs.New(errs.Invalid, "search space: %s has no values", name)
		}
	}
	return nil
}
