package sklearn

import (
	"math"
	"sort"

	"github.com/drivecast/drivecast/model/pickle"
)

// calibrated is CalibratedClassifierCV: the mean of its members' calibrated
// probabilities.
type calibrated struct {
	cols    int
	labels  []float64
	members []calibratedMember
}

// calibratedMember is an estimator with one calibrator a class (one for two).
type calibratedMember struct {
	e   Estimator
	cal []func(float64) float64
	at  []int // place of each calibrator's class
	// beta is the inverse temperature where there are no calibrators.
	beta float64
}

// Features returns the number of columns a row must have.
func (m *calibrated) Features() int { return m.cols }

// Classes returns the class labels.
func (m *calibrated) Classes() []float64 { return m.labels }

// Scores writes the class probabilities of each row.
func (m *calibrated) Scores(dst, x []float64) {
	k, n := len(m.labels), len(x)/m.cols
	clear(dst[:n*k])
	p := make([]float64, n*k)
	for i := range m.members {
		m.members[i].scores(p, x, n, k)
		for j := range p {
			dst[j] += p[j]
		}
	}
	for j := range p {
		dst[j] /= float64(len(m.members))
	}
}

func (mb *calibratedMember) scores(p, x []float64, n, k int) {
	if mb.cal == nil {
		mb.temperature(p, x, n, k)
		return
	}
	z, w := response(mb.e, x, n)
	clear(p)
	for r := range n {
		row := p[r*k : (r+1)*k]
		for c, f := range mb.cal {
			row[mb.at[c]] = f(z[r*w+c])
		}
		if k == 2 {
			row[0] = 1 - row[1]
		} else if sum := npSum(row); sum != 0 {
			for c := range row {
				row[c] /= sum
			}
		} else {
			for c := range row {
				row[c] = 1 / float64(k)
			}
		}
		for c, v := range row {
			if v > 1 && v <= 1+1e-5 {
				row[c] = 1
			}
		}
	}
}

// response returns the decision function of each row, or the class
// probabilities (of the second class, for two) where there is none; w is how
// many values a row has.
func response(e Estimator, x []float64, n int) (z []float64, w int) {
	if mg := margins(e); mg != nil {
		z = make([]float64, n*mg.Width())
		mg.Margins(z, x)
		return z, mg.Width()
	}
	k := len(e.Classes())
	p := make([]float64, n*k)
	e.Scores(p, x)
	if k > 2 {
		return p, k
	}
	z = make([]float64, n)
	for r := range z {
		z[r] = p[2*r+1]
	}
	return z, 1
}

// calibratedOf reads CalibratedClassifierCV.
func calibratedOf(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	items, err := n.items("calibrated_classifiers_")
	if err != nil {
		return nil, err
	}
	m := &calibrated{labels: labels}
	for _, item := range items {
		o, ok := item.(*pickle.Object)
		if !ok {
			return nil, n.bad("a member is %s", pickle.Describe(item))
		}
		mb, err := b.calibratedMember(node{o, n.path}, labels, depth)
		if err != nil {
			return nil, err
		}
		if m.cols != 0 && m.cols != mb.e.Features() {
			return nil, n.bad("members take different columns")
		}
		m.cols = mb.e.Features()
		m.members = append(m.members, *mb)
	}
	if len(m.members) == 0 {
		return nil, n.bad("it has no members")
	}
	return m, nil
}

// first returns the first of the attributes that is there.
func (n node) first(names ...string) (any, string) {
	for _, name := range names {
		if v, ok := n.o.Attr(name); ok && v != nil {
			return v, name
		}
	}
	return nil, ""
}

func (b *builder) calibratedMember(n node, labels []float64, depth int) (*calibratedMember, error) {
	v, _ := n.first("estimator", "base_estimator")
	e, err := b.estimator(v, depth)
	if err != nil {
		return nil, err
	}
	_, name := n.first("calibrators", "calibrators_")
	items, err := n.items(name)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, n.bad("it has no calibrators")
	}
	mb := &calibratedMember{e: e}
	own := e.Classes()
	if n.text("method", "sigmoid") == "temperature" {
		o, ok := items[0].(*pickle.Object)
		if !ok || len(own) != len(labels) {
			return nil, n.bad("its temperature is missing, or it knows %d of %d classes", len(own), len(labels))
		}
		mb.beta = node{o, n.path}.float("beta_", math.NaN())
		return mb, nil
	}
	if len(own) < 2 || len(items) != len(own) && (len(items) != 1 || len(own) != 2) {
		return nil, n.bad("%d calibrators for %d classes", len(items), len(own))
	}
	for i, item := range items {
		o, ok := item.(*pickle.Object)
		if !ok {
			return nil, n.bad("a calibrator is %s", pickle.Describe(item))
		}
		f, err := calibrator(node{o, n.path})
		if err != nil {
			return nil, err
		}
		c := i
		if len(labels) == 2 {
			c = 1
		} else if c = indexOf(labels, own[i]); c < 0 {
			return nil, n.bad("a member knows the class %v", own[i])
		}
		mb.cal, mb.at = append(mb.cal, f), append(mb.at, c)
	}
	return mb, nil
}

func indexOf(v []float64, x float64) int {
	for i, y := range v {
		if x == y {
			return i
		}
	}
	return -1
}

// calibrator reads a sigmoid or an isotonic regression.
func calibrator(n node) (func(float64) float64, error) {
	if n.o.Class.Name == "_SigmoidCalibration" {
		a, c := n.float("a_", math.NaN()), n.float("b_", math.NaN())
		return func(z float64) float64 { return sigmoid(-(a*z + c)) }, nil
	}
	if n.o.Class.Name != "IsotonicRegression" {
		return nil, n.bad("a calibrator of class %s is not supported", n.o.Class)
	}
	xs, xn := n.first("X_thresholds_", "_necessary_X_")
	ys, yn := n.first("y_thresholds_", "_necessary_y_")
	if xs == nil || ys == nil {
		return nil, n.bad("an isotonic regression without thresholds")
	}
	x, _, err := n.floats(xn)
	if err != nil {
		return nil, err
	}
	y, err := n.vector(yn, len(x))
	if err != nil || len(x) == 0 || !sort.Float64sAreSorted(x) {
		return nil, n.bad("an isotonic regression with thresholds that do not ascend")
	}
	lo, hi := n.float("X_min_", x[0]), n.float("X_max_", x[len(x)-1])
	return func(z float64) float64 { return interpolate(math.Min(math.Max(z, lo), hi), x, y) }, nil
}

// interpolate is the piecewise linear function through (x, y), constant beyond
// its ends, as numpy.interp computes it.
func interpolate(z float64, x, y []float64) float64 {
	n := len(x)
	switch {
	case math.IsNaN(z):
		return z
	case z >= x[n-1]:
		return y[n-1]
	case z <= x[0] && z < x[0]:
		return y[0]
	}
	j := sort.Search(n, func(i int) bool { return x[i] > z }) - 1
	if x[j] == z {
		return y[j]
	}
	slope := (y[j+1] - y[j]) / (x[j+1] - x[j])
	return slope*(z-x[j]) + y[j]
}
