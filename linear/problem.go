package linear

import (
	"math"
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// problem is a logistic regression in standardised columns: column j is
// (x_j - center_j) / scale_j, which leaves the optimum where it is once the
// penalties are scaled alike, and makes the Hessian well conditioned on raw
// units. Parameters are laid out class by class: q of them, the p coefficients
// and then the intercept when there is one.
type problem struct {
	x       *table.Matrix
	class   []int32   // class of each row, 0 to k-1
	y       []float64 // the same for two classes, else nil
	rows    int       // the first rows of x, those that count
	kernels kernels
	spare   sync.Pool // of *scratch
	weight  []float64 // of each row, summing to 1; nil when all are alike
	k       int       // classes
	blocks  int       // parameter blocks: 1 for two classes, else k
	p, q    int
	centred bool
	center  []float64
	scale   []float64
	ridge   []float64 // q: the l2 strength of each parameter
	lasso   []float64 // q: the l1 strength; nil when there is none
	workers int
	chunks  int // parts of the rows whose sums are kept apart; a function of the shape alone
}

// dim is the number of parameters.
func (pr *problem) dim() int { return pr.blocks * pr.q }

// newProblem checks the data and standardises it.
func newProblem(x *table.Matrix, y, weights []float64, o Options) (*problem, []float64, error) {
	labels, class, err := classesOf(y)
	if err != nil {
		return nil, nil, err
	}
	if err := checkShape(x, y, weights); err != nil {
		return nil, nil, err
	}
	if o.Solver == "liblinear" && len(labels) > 2 {
		return nil, nil, errs.New(errs.Invalid, "solver liblinear takes two classes, the target has %d", len(labels))
	}
	row, total, err := rowWeights(class, labels, weights, o)
	if err != nil {
		return nil, nil, err
	}
	pr := &problem{x: x, class: class, weight: row, k: len(labels), blocks: 1, p: x.Cols, q: x.Cols, rows: x.Rows, kernels: kernels{haveAVX2}}
	if pr.k > 2 {
		pr.blocks = pr.k
	} else {
		pr.y = make([]float64, len(class))
		for i, c := range class {
			pr.y[i] = float64(c)
		}
	}
	if o.FitIntercept {
		pr.q++
	}
	if pr.workers = o.Workers; pr.workers <= 0 {
		pr.workers = runtime.GOMAXPROCS(0)
	}
	d := pr.dim()
	if d > maxDim {
		return nil, nil, errs.New(errs.TooLarge, "%d parameters: logistic regression takes at most %d; leave columns out", d, maxDim)
	}
	pr.chunks = max(1, min((x.Rows+chunkRows-1)/chunkRows, 64, 1<<25/(d*d)))
	if err := pr.standardise(o, total); err != nil {
		return nil, nil, err
	}
	return pr, labels, nil
}

const (
	chunkRows = 4096
	maxDim    = 16384 // a Hessian of 2 GiB
)

func checkShape(x *table.Matrix, y, weights []float64) error {
	switch {
	case x.Cols == 0:
		return errs.New(errs.Invalid, "no columns to learn from")
	case len(y) != x.Rows:
		return errs.New(errs.Invalid, "%d rows but %d targets", x.Rows, len(y))
	case weights != nil && len(weights) != x.Rows:
		return errs.New(errs.Invalid, "%d rows but %d weights", x.Rows, len(weights))
	}
	return nil
}

// classesOf returns the distinct labels in ascending order and the class of each
// row.
func classesOf(y []float64) (labels []float64, class []int32, err error) {
	if len(y) == 0 {
		return nil, nil, errs.New(errs.Invalid, "no rows to learn from")
	}
	first, second := y[0], math.NaN() // two labels that were seen: most rows have one of them
	for i, v := range y {
		if i > 0 && (v == first || v == second) {
			continue
		}
		if v-v != 0 {
			return nil, nil, &errs.Input{Row: i + 2, Column: "target", Problem: "the target is missing or infinite", Mend: "fill it or leave the row out"}
		}
		first, second = v, first
		at, found := slices.BinarySearch(labels, v)
		if !found {
			if len(labels) == maxDim {
				return nil, nil, errs.New(errs.Invalid, "the target has more than %d distinct values: it is not a class", maxDim)
			}
			labels = slices.Insert(labels, at, v)
		}
	}
	if len(labels) == 1 {
		return nil, nil, errs.New(errs.Invalid, "the target has one class only (%s): at least 2 are needed", formatLabel(labels[0]))
	}
	class = make([]int32, len(y))
	if len(labels) == 2 {
		for i, v := range y {
			var c int32
			if v == labels[1] {
				c = 1
			}
			class[i] = c
		}
		return labels, class, nil
	}
	for i, v := range y {
		at, _ := slices.BinarySearch(labels, v)
		class[i] = int32(at)
	}
	return labels, class, nil
}

func formatLabel(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }

// rowWeights multiplies sample and class weights, and returns them divided by
// their sum, with the sum. nil stands for equal weights.
func rowWeights(class []int32, labels, weights []float64, o Options) (row []float64, total float64, err error) {
	for i, w := range weights {
		if !(w >= 0) || math.IsInf(w, 1) {
			return nil, 0, &errs.Input{Row: i + 2, Column: "weight", Problem: "the weight is " + formatLabel(w), Mend: "use finite weights of 0 or more"}
		}
	}
	perClass, err := classWeights(class, labels, weights, o)
	if err != nil {
		return nil, 0, err
	}
	if weights == nil && perClass == nil {
		return nil, float64(len(class)), nil
	}
	row = make([]float64, len(class))
	for i, c := range class {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		if perClass != nil {
			w *= perClass[c]
		}
		row[i] = w
		total += w
	}
	if !(total > 0) || math.IsInf(total, 1) {
		return nil, 0, errs.New(errs.Invalid, "the weights sum to %v", total)
	}
	for i := range row {
		row[i] /= total
	}
	return row, total, nil
}

// classWeights returns the weight of each class, or nil when all are 1.
func classWeights(class []int32, labels, weights []float64, o Options) ([]float64, error) {
	if !o.Balanced && len(o.ClassWeight) == 0 {
		return nil, nil
	}
	out := make([]float64, len(labels))
	if o.Balanced {
		total := 0.0
		for i, c := range class {
			w := 1.0
			if weights != nil {
				w = weights[i]
			}
			out[c] += w
			total += w
		}
		for c, w := range out {
			if w == 0 {
				return nil, errs.New(errs.Invalid, "class %s has weight 0: it cannot be balanced", formatLabel(labels[c]))
			}
			out[c] = total / (float64(len(labels)) * w)
		}
		return out, nil
	}
	named := 0
	for c, l := range labels {
		out[c] = 1
		if w, ok := o.ClassWeight[l]; ok {
			out[c] = w
			named++
		}
	}
	if named < len(labels) && named != len(o.ClassWeight) {
		return nil, errs.New(errs.Invalid, "class_weight names classes that the target has not, and leaves out some that it has")
	}
	return out, nil
}

// standardise finds center and scale of each column, and the penalties in those
// units. Without an intercept, or with a penalised one, columns stay uncentred:
// centring would change the problem.
func (pr *problem) standardise(o Options, total float64) error {
	pr.center, pr.scale = make([]float64, pr.p), make([]float64, pr.p)
	pr.centred = o.FitIntercept && o.Solver != "liblinear"
	bad := make([]int, pr.p)
	parallel(pr.workers, pr.p, func(j int) {
		pr.center[j], pr.scale[j], bad[j] = pr.kernels.columnMoments(pr.x.Col(j), pr.weight, pr.centred)
	})
	for j, r := range bad {
		if r >= 0 {
			return notFinite(pr.x, r, j)
		}
	}
	pr.ridge = make([]float64, pr.q)
	if math.IsInf(o.C, 1) {
		return nil
	}
	strength := 1 / (o.C * total)
	if o.L1Ratio > 0 {
		pr.lasso = make([]float64, pr.q)
	}
	for j := range pr.q {
		s := o.InterceptScaling
		if j < pr.p {
			s = pr.scale[j]
		} else if o.Solver != "liblinear" {
			break
		}
		pr.ridge[j] = strength * (1 - o.L1Ratio) / (s * s)
		if pr.lasso != nil {
			pr.lasso[j] = strength * o.L1Ratio / s
		}
	}
	return nil
}
