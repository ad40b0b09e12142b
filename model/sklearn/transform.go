package sklearn

import (
	"math"
	"sort"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
)

// transformer builds an object that must be a Transformer.
func (b *builder) transformer(v any, depth int) (Transformer, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, errs.New(errs.Invalid, "%s where a transformer belongs", pickle.Describe(v))
	}
	part, err := b.build(node{o, o.Class.Name}, depth+1)
	if err != nil {
		return nil, err
	}
	t, ok := part.(Transformer)
	if !ok {
		return nil, errs.New(errs.Invalid, "%s where a transformer belongs", o.Class.Name)
	}
	return t, nil
}

// each transforms every value of a row by itself.
type each struct {
	cols int
	f    func(col int, v float64) float64
}

// In returns the columns of a row.
func (t *each) In() int { return t.cols }

// Out returns the columns of a row.
func (t *each) Out() int { return t.cols }

// Apply transforms rows.
func (t *each) Apply(dst, x []float64) {
	for i, v := range x {
		dst[i] = t.f(i%t.cols, v)
	}
}

// minMaxScaler reads MinMaxScaler.
func minMaxScaler(b *builder, n node, depth int) (any, error) {
	scale, _, err := n.floats("scale_")
	if err != nil {
		return nil, err
	}
	low, err := n.vector("min_", len(scale))
	if err != nil {
		return nil, err
	}
	lo, hi := math.Inf(-1), math.Inf(1)
	if v, ok := n.o.Attr("feature_range"); ok && n.flag("clip", false) {
		if pair, ok := v.(pickle.Tuple); ok && len(pair) == 2 {
			lo, _ = pickle.Float(pair[0])
			hi, _ = pickle.Float(pair[1])
		}
	}
	return &each{len(scale), func(c int, v float64) float64 {
		v *= scale[c]
		v += low[c]
		if v < lo {
			return lo
		} else if v > hi {
			return hi
		}
		return v
	}}, nil
}

// binarizer reads Binarizer.
func binarizer(b *builder, n node, depth int) (any, error) {
	limit := n.float("threshold", 0)
	return b.sized(n, func(_ int, v float64) float64 {
		if v > limit {
			return 1
		}
		return 0
	})
}

// sized makes an each of the columns that the object says it takes.
func (b *builder) sized(n node, f func(int, float64) float64) (any, error) {
	if n.features() == 0 {
		return nil, n.bad("it does not say how many columns it takes")
	}
	return &each{n.features(), f}, nil
}

// functions are the functions of NumPy that a FunctionTransformer may apply.
var functions = map[string]func(float64) float64{
	"log1p": math.Log1p, "log": math.Log, "log2": math.Log2, "log10": math.Log10, "sqrt": math.Sqrt, "exp": math.Exp,
	"cbrt": math.Cbrt, "tanh": math.Tanh, "arctan": math.Atan, "floor": math.Floor, "ceil": math.Ceil, "rint": math.RoundToEven,
	"negative": func(v float64) float64 { return -v }, "reciprocal": func(v float64) float64 { return 1 / v }, "sign": sign,
	"expm1": math.Expm1, "absolute": math.Abs, "square": func(v float64) float64 { return v * v }, "sin": math.Sin, "cos": math.Cos,
}

// functionName returns the name of a function that an object mentions; bare says
// that it is called with a row and nothing else.
func functionName(v any) (name string, bare bool) {
	switch f := v.(type) {
	case pickle.Global:
		return f.Name, true
	case *pickle.Object:
		if len(f.Args) == 0 {
			return f.Class.Name, true
		}
		if s, ok := f.Args[len(f.Args)-1].(string); ok {
			return s, true
		}
		name, bare = functionName(f.Args[0])
		state, _ := f.State.(pickle.Tuple)
		for _, more := range state[min(1, len(state)):] {
			if t, ok := more.(pickle.Tuple); ok && len(t) > 0 || hasKeys(more) {
				bare = false
			}
		}
	}
	return name, bare
}

// hasKeys reports whether v is a dict that is not empty.
func hasKeys(v any) bool {
	d, ok := v.(*pickle.Dict)
	return ok && len(d.Keys) > 0
}

func sign(v float64) float64 {
	switch {
	case v > 0:
		return 1
	case v < 0:
		return -1
	}
	return v // zero and NaN
}

// functionTransformer reads FunctionTransformer of nothing, of a check, or of
// one of NumPy's functions.
func functionTransformer(b *builder, n node, depth int) (any, error) {
	v, _ := n.o.Attr("func")
	same := func(_ int, v float64) float64 { return v }
	cols := n.features()
	if cols == 0 {
		cols = b.width
	}
	if cols == 0 {
		return nil, n.bad("it does not say how many columns it takes")
	}
	if v == nil {
		return &each{cols, same}, nil
	}
	name, bare := functionName(v)
	if name == "check_array" {
		return &each{cols, same}, nil
	}
	f := functions[name]
	if keywords, _ := n.o.Attr("kw_args"); f == nil || !bare || hasKeys(keywords) {
		return nil, n.bad("the function %s is not supported; export the model to ONNX", pickle.Describe(v))
	}
	return &each{cols, func(_ int, v float64) float64 { return f(v) }}, nil
}

// normalizer divides each row by its norm.
type normalizer struct {
	cols int
	norm string
}

// In returns the columns of a row.
func (t *normalizer) In() int { return t.cols }

// Out returns the columns of a row.
func (t *normalizer) Out() int { return t.cols }

// Apply transforms rows.
func (t *normalizer) Apply(dst, x []float64) {
	for r := 0; r < len(x); r += t.cols {
		s := 0.0
		for _, v := range x[r : r+t.cols] {
			switch t.norm {
			case "l1":
				s += math.Abs(v)
			case "max":
				s = math.Max(s, math.Abs(v))
			default:
				s += v * v
			}
		}
		if t.norm == "l2" {
			s = math.Sqrt(s)
		}
		if s == 0 {
			s = 1
		}
		for c := range t.cols {
			dst[r+c] = x[r+c] / s
		}
	}
}

// normalizerOf reads Normalizer.
func normalizerOf(b *builder, n node, depth int) (any, error) {
	if n.features() == 0 {
		return nil, n.bad("it does not say how many columns it takes")
	}
	return &normalizer{n.features(), n.text("norm", "l2")}, nil
}

// powerTransformer reads PowerTransformer.
func powerTransformer(b *builder, n node, depth int) (any, error) {
	lambda, _, err := n.floats("lambdas_")
	if err != nil {
		return nil, err
	}
	f := yeoJohnson
	if n.text("method", "yeo-johnson") == "box-cox" {
		f = boxCox
	}
	t := &each{len(lambda), func(c int, v float64) float64 { return f(v, lambda[c]) }}
	if !n.flag("standardize", true) {
		return t, nil
	}
	v, _ := n.o.Attr("_scaler")
	scaler, err := b.transformer(v, depth)
	if err != nil {
		return nil, err
	}
	if scaler.In() != len(lambda) {
		return nil, n.bad("%d exponents and %d scales", len(lambda), scaler.In())
	}
	return chain{t, scaler}, nil
}

// yeoJohnson is the transformation of Yeo and Johnson, Biometrika 87, 2000.
func yeoJohnson(v, lambda float64) float64 {
	const eps = 2.220446049250313e-16
	switch {
	case v >= 0 && math.Abs(lambda) < eps:
		return math.Log1p(v)
	case v >= 0:
		return math.Expm1(lambda*math.Log1p(v)) / lambda
	case math.Abs(lambda-2) > eps:
		return -math.Expm1((2-lambda)*math.Log1p(-v)) / (2 - lambda)
	}
	return -math.Log1p(-v)
}

// boxCox is the transformation of Box and Cox, 1964.
func boxCox(v, lambda float64) float64 {
	if lambda == 0 {
		return math.Log(v)
	}
	return math.Expm1(lambda*math.Log(v)) / lambda
}

// quantileTransformer reads QuantileTransformer.
func quantileTransformer(b *builder, n node, depth int) (any, error) {
	refs, _, err := n.floats("references_")
	if err != nil {
		return nil, err
	}
	rows, err := n.matrix("quantiles_")
	if err != nil {
		return nil, err
	}
	if len(rows) != len(refs) || len(refs) == 0 {
		return nil, n.bad("%d quantiles and %d references", len(rows), len(refs))
	}
	k := len(refs)
	up, down := make([][]float64, len(rows[0])), make([][]float64, len(rows[0]))
	backRefs := make([]float64, k)
	for i := range refs {
		backRefs[k-1-i] = -refs[i]
	}
	for c := range up {
		up[c], down[c] = make([]float64, k), make([]float64, k)
		for i := range rows {
			up[c][i], down[c][k-1-i] = rows[i][c], -rows[i][c]
		}
		if !sort.Float64sAreSorted(up[c]) {
			return nil, n.bad("the quantiles of column %d do not ascend", c)
		}
	}
	normal := n.text("output_distribution", "uniform") == "normal"
	return &each{len(up), func(c int, v float64) float64 {
		if math.IsNaN(v) {
			return v
		}
		q := 0.5 * (interpolate(v, up[c], refs) - interpolate(-v, down[c], backRefs))
		return quantile(v, q, up[c], normal)
	}}, nil
}

// quantile ends the transformation of v, whose place between the quantiles is q.
func quantile(v, q float64, up []float64, normal bool) float64 {
	const edge = 1e-7
	lo, hi := up[0], up[len(up)-1]
	if !normal {
		if v == hi {
			q = 1
		}
		if v == lo {
			q = 0
		}
		return q
	}
	if v+edge > hi {
		q = 1
	}
	if v-edge < lo {
		q = 0
	}
	const tiny = edge - 2.220446049250313e-16
	return math.Min(math.Max(normalQuantile(q), normalQuantile(tiny)), normalQuantile(1-tiny))
}

// normalQuantile is the inverse of the standard normal distribution function:
// math.Erfinv, made exact in the tails by two steps of Halley's method.
func normalQuantile(p float64) float64 {
	switch {
	case p <= 0:
		return math.Inf(-1)
	case p >= 1:
		return math.Inf(1)
	case p > 0.5:
		return -lowerQuantile(1 - p)
	}
	return lowerQuantile(p)
}

func lowerQuantile(p float64) float64 {
	z := math.Sqrt2 * math.Erfinv(2*p-1)
	if math.IsInf(z, 0) {
		z = -5.5
	}
	for range 3 {
		e := 0.5*math.Erfc(-z/math.Sqrt2) - p
		u := e * math.Sqrt(2*math.Pi) * math.Exp(z*z/2)
		z -= u / (1 + z*u/2)
	}
	return z
}
