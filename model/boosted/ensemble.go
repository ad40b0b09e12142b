package boosted

import (
	"math"
	"strings"

	"github.com/drivecast/drivecast/tree/kernel"
)

// Model is an ensemble that was read. See model.Estimator, which it satisfies.
type Model struct {
	Names     []string // column names, or nil
	Labels    []string // class labels that are text, or nil
	LabelType string   // "long", "double" or "string"; "" for a regressor
	Texts     []Text   // columns whose values are text
	Codes     []Coded  // columns whose values are categories that are numbers
	Library   string   // as in "XGBoost 3.2.0"
	Raw       bool     // a plain prediction is the score, not the label
	Label     bool     // with Raw: it is the label even so, as a float

	classes []float64
	cols    int
	outputs int // raw answers a row
	raw     func(dst, row []float64)
	fast    *fast                    // sums many rows as raw does; nil: there is no such form
	divide  float64                  // what sums of fast are divided by, 0 standing for 1
	answer  func(dst, raw []float64) // raw answers to probabilities or a value
	explain *kernel.Ensemble         // trees of the last output; nil: cannot be explained
	base    float64                  // raw answer without trees, of the last output
	scale   float64                  // what the trees' values are multiplied by, 0 standing for 1

	absent  []float32 // values that are missing, beside NaN
	sparse  bool      // zeros are missing
	margins bool      // the library's classifier has a decision function

	paths kernel.Paths // prepared by the first Explain
}

// Text says that a column holds text, and which values were seen: the ensemble
// takes the value's place in the list instead.
type Text struct {
	Column int
	Values []string
	Strict bool // the library refuses another text; else it is missing
}

// Features returns the number of columns a row must have.
func (m *Model) Features() int { return m.cols }

// Classes returns the class labels in ascending order, or nil.
func (m *Model) Classes() []float64 { return m.classes }

// Relabel replaces the class labels by others of the same number, in the same
// order.
func (m *Model) Relabel(classes []float64) error {
	if len(classes) != len(m.classes) {
		return invalid("%d labels for %d classes", len(classes), len(m.classes))
	}
	m.classes = classes
	return nil
}

// Scores writes the class probabilities or the value of each row of x.
func (m *Model) Scores(dst, x []float64) {
	x = m.input(x)
	if c := m.fast.sums(); c != nil {
		m.scores(c, dst, x)
		return
	}
	k := max(len(m.classes), 1)
	raw := make([]float64, m.outputs)
	for r := range len(x) / m.cols {
		m.raw(raw, x[r*m.cols:(r+1)*m.cols])
		m.answer(dst[r*k:(r+1)*k], raw)
	}
}

// Explainable reports whether Explain works.
func (m *Model) Explainable() bool { return m.explain != nil }

// Explain writes each column's Shapley value for one row to dst and returns the
// base value: of the raw answer of the last class (space "log-odds") or of the
// raw value (space "value"). It panics unless Explainable.
func (m *Model) Explain(dst, row []float64) (base float64, space string) {
	return m.paths.Explain(m.treeSum(), dst, m.input(row))
}

// TreeSum returns how the trees make the raw answer of the last class, or the raw
// value, and what it is turned into; ok is false when the answer is no such sum
// over the row as it is.
func (m *Model) TreeSum() (s kernel.Sum, ok bool) {
	if m.explain == nil || m.altered() {
		return s, false
	}
	return m.treeSum(), true
}

func (m *Model) treeSum() kernel.Sum {
	s := kernel.Sum{Ensemble: m.explain, Base: m.base, Scale: m.scale, Space: "value"}
	if m.scale == 0 {
		s.Scale = 1
	}
	if m.classes != nil {
		s.Space = "log-odds"
	}
	if n := len(m.classes); n == 2 && m.outputs == 1 {
		s.Link = func(raw float64) float64 {
			out := make([]float64, n)
			m.answer(out, []float64{raw})
			return out[n-1]
		}
	}
	return s
}

// Unlinked makes the raw answers of a classifier the answers, as catboost.CatBoost
// gives them. It reports whether there is one a row, which is what it can do.
func (m *Model) Unlinked() bool {
	if m.outputs != 1 {
		return false
	}
	m.classes, m.Labels, m.LabelType = nil, nil, ""
	m.answer = func(dst, raw []float64) { dst[0] = raw[0] }
	return true
}

// Marginal reports whether the library's classifier has a decision function.
func (m *Model) Marginal() bool { return m.margins && m.classes != nil }

// Width returns the number of raw answers a row.
func (m *Model) Width() int { return m.outputs }

// Margins writes the raw answers of each row, which are its decision function.
func (m *Model) Margins(dst, x []float64) {
	x = m.input(x)
	for r := range len(x) / m.cols {
		m.raw(dst[r*m.outputs:(r+1)*m.outputs], x[r*m.cols:(r+1)*m.cols])
	}
}

// SetMargins says that the library's classifier has a decision function.
func (m *Model) SetMargins() { m.margins = true }

// checkTree refuses trees that cannot be walked: children in range, after no
// cycle, columns that exist.
func checkTree(t *kernel.Tree, cols int) error {
	n := len(t.Left)
	if n == 0 || len(t.Right) != n || len(t.Feature) != n || len(t.Threshold) != n || len(t.Value) != n || len(t.MissingLeft) != n {
		return invalid("a tree's arrays differ in length or are empty")
	}
	seen := make([]bool, n)
	todo := []int32{0}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if seen[i] {
			return invalid("node %d has two parents", i)
		}
		seen[i] = true
		if t.Left[i] < 0 {
			continue
		}
		if int(t.Left[i]) >= n || t.Right[i] < 0 || int(t.Right[i]) >= n {
			return invalid("node %d has the children %d and %d of %d", i, t.Left[i], t.Right[i], n)
		}
		if f := int(t.Feature[i]); f < 0 || f >= cols {
			return invalid("node %d tests column %d of %d", i, f, cols)
		}
		todo = append(todo, t.Left[i], t.Right[i])
	}
	return nil
}

func sigmoid(z float64) float64 { return 1 / (1 + math.Exp(-z)) }

// softmax writes the softmax of raw to dst.
func softmax(dst, raw []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range raw {
		top = math.Max(top, v)
	}
	for c, v := range raw {
		dst[c] = math.Exp(v - top)
		sum += dst[c]
	}
	for c := range raw {
		dst[c] /= sum
	}
}

// counted returns the classes 0 to k-1.
func counted(k int) []float64 {
	out := make([]float64, k)
	for c := range out {
		out[c] = float64(c)
	}
	return out
}

func int32s(v []float64) ([]int32, bool) {
	out := make([]int32, len(v))
	for i, f := range v {
		out[i] = int32(f)
		if float64(out[i]) != f {
			return nil, false
		}
	}
	return out, true
}

// Single reports whether the library sums in float32.
func (m *Model) Single() bool { return strings.HasPrefix(m.Library, "XGBoost") }
