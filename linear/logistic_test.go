package linear_test

import (
	"context"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

var _ model.Explainer = (*linear.Logistic)(nil)

func matrix(cols ...[]float64) *table.Matrix {
	m := table.NewMatrix(len(cols[0]), len(cols))
	for j, c := range cols {
		copy(m.Col(j), c)
	}
	return m
}

func noisy(seed uint64, rows, cols, classes int) (*table.Matrix, []float64) {
	r := rand.New(rand.NewPCG(seed, 7))
	x, y := table.NewMatrix(rows, cols), make([]float64, rows)
	for i := range x.Data {
		x.Data[i] = r.NormFloat64()
	}
	for i := range y {
		z := r.NormFloat64()
		for j := range cols {
			z += x.At(i, j) * (1 - float64(j)/2)
		}
		y[i] = math.Min(math.Max(math.Floor(z)+1, 0), float64(classes-1))
	}
	return x, y
}

func fit(t *testing.T, x *table.Matrix, y, w []float64, change func(*linear.Options)) *linear.Logistic {
	t.Helper()
	o := linear.Defaults()
	if change != nil {
		change(&o)
	}
	m, err := linear.FitLogistic(context.Background(), x, y, w, o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func distance(a, b *linear.Logistic) float64 {
	d := 0.0
	for k := range a.Coef {
		d = math.Max(d, math.Abs(a.Intercept[k]-b.Intercept[k]))
		for j := range a.Coef[k] {
			d = math.Max(d, math.Abs(a.Coef[k][j]-b.Coef[k][j]))
		}
	}
	return d
}

// With one column of zeros the optimum of the intercept is the log-odds.
func TestInterceptAloneIsTheLogOdds(t *testing.T) {
	m := fit(t, matrix([]float64{0, 0, 0, 0}), []float64{3, 7, 7, 7}, nil, nil)
	if d := math.Abs(m.Intercept[0] - math.Log(3)); d > 1e-12 || m.Coef[0][0] != 0 {
		t.Errorf("got %v %v", m.Coef, m.Intercept)
	}
	if !reflect.DeepEqual(m.Classes(), []float64{3, 7}) || !m.Converged {
		t.Errorf("got %+v", m)
	}
}

func TestWeightsEqualDuplicates(t *testing.T) {
	for _, classes := range []int{2, 3} {
		x, y := noisy(1, 90, 3, classes)
		w := make([]float64, 90)
		var rows []int
		for i := range w {
			w[i] = float64(i % 3)
			for range i % 3 {
				rows = append(rows, i)
			}
		}
		y2 := make([]float64, len(rows))
		for i, r := range rows {
			y2[i] = y[r]
		}
		for _, ratio := range []float64{0, .5, 1} {
			set := func(o *linear.Options) { o.L1Ratio, o.C = ratio, .2 }
			if d := distance(fit(t, x, y, w, set), fit(t, x.Take(rows), y2, nil, set)); d > 1e-10 {
				t.Errorf("%d classes, l1 ratio %v: differ by %g", classes, ratio, d)
			}
		}
	}
}

func TestOrderOfRowsAndColumnsDoesNotMatter(t *testing.T) {
	x, y := noisy(2, 500, 4, 3)
	rows := rand.New(rand.NewPCG(1, 1)).Perm(500)
	y2 := make([]float64, 500)
	for i, r := range rows {
		y2[i] = y[r]
	}
	a, b := fit(t, x, y, nil, nil), fit(t, x.Take(rows), y2, nil, nil)
	if d := distance(a, b); d > 1e-11 {
		t.Errorf("rows: differ by %g", d)
	}
	c := fit(t, matrix(x.Col(3), x.Col(2), x.Col(1), x.Col(0)), y, nil, nil)
	for k := range c.Coef {
		slices.Reverse(c.Coef[k])
	}
	if d := distance(a, c); d > 1e-11 {
		t.Errorf("columns: differ by %g", d)
	}
}

func TestWorkersDoNotShow(t *testing.T) {
	x, y := noisy(3, 30000, 5, 2)
	one := fit(t, x, y, nil, func(o *linear.Options) { o.Workers = 1 })
	for _, n := range []int{2, 3, 8} {
		if many := fit(t, x, y, nil, func(o *linear.Options) { o.Workers = n }); !reflect.DeepEqual(one, many) {
			t.Errorf("%d workers: %v, one: %v", n, many, one)
		}
	}
}

// Problems without a single optimum must end, with finite numbers.
func TestIllPosedProblemsEnd(t *testing.T) {
	x, y := noisy(4, 200, 2, 2)
	constant := slices.Repeat([]float64{5}, 200)
	twice := make([]float64, 200)
	sharp := make([]float64, 200)
	for i, v := range x.Col(0) {
		twice[i] = 2 * v
		if v > 0 {
			sharp[i] = 1
		}
	}
	huge := make([]float64, 200)
	for i := range huge {
		huge[i] = 1e300 * float64(i-100) / 100
	}
	for name, c := range map[string]struct {
		x *table.Matrix
		y []float64
	}{
		"constant": {matrix(x.Col(0), constant), y}, "collinear": {matrix(x.Col(0), twice, x.Col(0)), y},
		"separable": {matrix(x.Col(0)), sharp}, "wide": {x.Take([]int{0, 1, 2, 3}), []float64{0, 1, 1, 0}},
		"huge": {matrix(huge), y}, "all constant": {matrix(constant), y},
	} {
		for _, o := range []linear.Options{
			{Penalty: "none", C: 1, FitIntercept: true}, {Penalty: "none", C: 1}, {Penalty: "l2", C: 1e6, FitIntercept: true},
			{Penalty: "l1", C: 1, FitIntercept: true}, {Penalty: "elasticnet", L1Ratio: .5, C: 1e6}, {C: 1e-12, FitIntercept: true, Solver: "liblinear"},
		} {
			m, err := linear.FitLogistic(context.Background(), c.x, c.y, nil, o)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			for _, v := range append(m.Coef[0], m.Intercept[0]) {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Errorf("%s %+v: got %v %v", name, o, m.Coef, m.Intercept)
				}
			}
		}
	}
}

func TestCollinearColumnsShareTheWeight(t *testing.T) {
	x, y := noisy(5, 300, 1, 2)
	m := fit(t, matrix(x.Col(0), x.Col(0)), y, nil, func(o *linear.Options) { o.Penalty = "none" })
	alone := fit(t, x, y, nil, func(o *linear.Options) { o.Penalty = "none" })
	if a, b := m.Coef[0][0], m.Coef[0][1]; math.Abs(a-b) > 1e-6 || math.Abs(a+b-alone.Coef[0][0]) > 1e-8 {
		t.Errorf("got %v, alone %v", m.Coef, alone.Coef)
	}
}

func TestL1LeavesColumnsOut(t *testing.T) {
	x, y := noisy(6, 400, 6, 2)
	m := fit(t, x, y, nil, func(o *linear.Options) { o.L1Ratio, o.C = 1, .05 })
	zeros := 0
	for _, v := range m.Coef[0] {
		if v == 0 {
			zeros++
		}
	}
	if zeros == 0 || zeros == 6 {
		t.Errorf("got %v", m.Coef)
	}
	none := fit(t, x, y, nil, func(o *linear.Options) { o.L1Ratio, o.C = 1, 1e-6 })
	for _, v := range none.Coef[0] {
		if v != 0 {
			t.Errorf("got %v", none.Coef)
		}
	}
}

func TestExplainAddsUp(t *testing.T) {
	for _, classes := range []int{2, 4} {
		x, y := noisy(7, 300, 3, classes)
		m := fit(t, x, y, nil, nil)
		row, dst, p := x.Row(make([]float64, 3), 17), make([]float64, 3), make([]float64, classes)
		base, space := m.Explain(dst, row)
		m.Scores(p, row)
		sum, logs := base, 0.0
		for _, v := range dst {
			sum += v
		}
		for _, v := range p {
			logs += math.Log(v) / float64(classes)
		}
		want := math.Log(p[classes-1]) - logs
		if classes == 2 {
			want = math.Log(p[1] / p[0])
		}
		if space != "log-odds" || math.Abs(sum-want) > 1e-12 {
			t.Errorf("%d classes: sums to %v, want %v (%s)", classes, sum, want, space)
		}
	}
}

func TestBadInputIsNamed(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ok := matrix([]float64{1, 2, 3}, []float64{2, 1, 2})
	ok.Names = []string{"age", "heat"}
	hole := matrix([]float64{1, 2, 3}, []float64{2, nan, 2})
	hole.Names = ok.Names
	far := matrix([]float64{1, 2, inf})
	y := []float64{0, 1, 0}
	def := linear.Defaults()
	for name, c := range map[string]struct {
		x    *table.Matrix
		y, w []float64
		o    linear.Options
		want string
	}{
		"missing":    {hole, y, nil, def, `line 3: column "heat": the value is missing`},
		"infinite":   {far, y, nil, def, `line 4: column "column 1": the value is infinite`},
		"one class":  {ok, []float64{1, 1, 1}, nil, def, "one class only (1)"},
		"target":     {ok, []float64{1, nan, 1}, nil, def, "line 3"},
		"length":     {ok, []float64{1, 0}, nil, def, "3 rows but 2 targets"},
		"weights":    {ok, y, []float64{1}, def, "3 rows but 1 weights"},
		"negative":   {ok, y, []float64{1, -1, 1}, def, "the weight is -1"},
		"no weight":  {ok, y, []float64{0, 0, 0}, def, "weights sum to 0"},
		"C":          {ok, y, nil, linear.Options{}, "C=0"},
		"penalty":    {ok, y, nil, linear.Options{C: 1, Penalty: "l3"}, "penalty=l3"},
		"solver":     {ok, y, nil, linear.Options{C: 1, Solver: "magic"}, "solver=magic"},
		"ratio":      {ok, y, nil, linear.Options{C: 1, L1Ratio: 2}, "l1_ratio=2"},
		"liblinear":  {ok, []float64{0, 1, 2}, nil, linear.Options{C: 1, Solver: "liblinear"}, "two classes"},
		"no columns": {table.NewMatrix(3, 0), y, nil, def, "no columns"},
		"no rows":    {table.NewMatrix(0, 1), nil, nil, def, "no rows"},
		"class":      {ok, y, nil, linear.Options{C: 1, ClassWeight: map[float64]float64{9: 1}}, "class_weight"},
	} {
		_, err := linear.FitLogistic(context.Background(), c.x, c.y, c.w, c.o)
		if k := errs.KindOf(err); k != errs.Invalid && k != errs.Usage || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := linear.FitLogistic(ctx, ok, y, nil, def); !errs.Is(err, errs.Canceled) {
		t.Errorf("got %v", err)
	}
}
