package onnx

import (
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// build returns what computes a node.
func build(n *node) (operator, error) {
	if f := elementwise[n.op]; f != nil {
		logical := n.op == "Not" || n.op == "IsNaN" || n.op == "IsInf"
		return func(in []*tensor) ([]*tensor, error) {
			out, err := each(in, f)
			if logical {
				out[0].elem = typeBool
			}
			return out, err
		}, nil
	}
	if f := pairwise[n.op]; f != nil {
		logical := n.op == "Greater" || n.op == "Less" || n.op == "GreaterOrEqual" || n.op == "LessOrEqual" || n.op == "Equal" || n.op == "And" || n.op == "Or" || n.op == "Xor"
		return func(in []*tensor) ([]*tensor, error) {
			if n.op == "Equal" && (in[0].strings != nil || in[1].strings != nil) {
				return compareTexts(in)
			}
			return broadcast(in, f, logical)
		}, nil
	}
	if f := folds[n.op]; f != nil {
		return func(in []*tensor) ([]*tensor, error) { return folding(in, f, n.op == "Mean") }, nil
	}
	switch n.op {
	case "TreeEnsembleClassifier":
		return treeClassifier(n)
	case "TreeEnsembleRegressor":
		return treeRegressor(n)
	case "LinearClassifier", "LinearRegressor":
		return linearOp(n)
	case "SVMClassifier":
		return svmClassifier(n)
	case "SVMRegressor":
		return svmRegressor(n)
	case "OneHotEncoder":
		return oneHot(n)
	case "LabelEncoder":
		return labelEncoder(n)
	case "Constant":
		t := n.get("value").t
		if t == nil {
			return nil, errs.New(errs.Unsupported, "a constant that is no tensor")
		}
		return func([]*tensor) ([]*tensor, error) { return []*tensor{t}, nil }, nil
	case "Cast":
		to := int(n.integer("to", 0))
		return func(in []*tensor) ([]*tensor, error) { return cast(in[0], to) }, nil
	case "Identity", "ZipMap", "Dropout":
		return func(in []*tensor) ([]*tensor, error) { return in[:1], nil }, nil
	case "Scaler", "Imputer", "Normalizer", "Binarizer", "ArrayFeatureExtractor", "FeatureVectorizer":
		return feature(n)
	}
	return shapeOp(n)
}

var elementwise = map[string]func(float64) float64{
	"Sigmoid": sigmoid, "Exp": math.Exp, "Log": math.Log, "Neg": func(v float64) float64 { return -v }, "Abs": math.Abs, "Sqrt": math.Sqrt,
	"Floor": math.Floor, "Ceil": math.Ceil, "Tanh": math.Tanh, "Relu": func(v float64) float64 { return math.Max(v, 0) },
	"Reciprocal": func(v float64) float64 { return 1 / v }, "Sign": func(v float64) float64 {
		if v > 0 {
			return 1
		} else if v < 0 {
			return -1
		}
		return 0
	},
	"Sin": math.Sin, "Cos": math.Cos, "Erf": math.Erf, "Round": math.RoundToEven, "Softplus": func(v float64) float64 { return math.Log1p(math.Exp(v)) },
	"IsInf": func(v float64) float64 { return truth(math.IsInf(v, 0)) },
	"Not":   func(v float64) float64 { return truth(v == 0) }, "IsNaN": func(v float64) float64 { return truth(v != v) },
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

var pairwise = map[string]func(a, b float64) float64{
	"Add": func(a, b float64) float64 { return a + b }, "Sub": func(a, b float64) float64 { return a - b },
	"Mul": func(a, b float64) float64 { return a * b }, "Div": func(a, b float64) float64 { return a / b },
	"Pow": math.Pow, "Mod": math.Mod, "Xor": func(a, b float64) float64 { return truth((a != 0) != (b != 0)) },
	"Greater": func(a, b float64) float64 { return truth(a > b) }, "Less": func(a, b float64) float64 { return truth(a < b) },
	"GreaterOrEqual": func(a, b float64) float64 { return truth(a >= b) }, "LessOrEqual": func(a, b float64) float64 { return truth(a <= b) },
	"Equal": func(a, b float64) float64 { return truth(a == b) }, "And": func(a, b float64) float64 { return truth(a != 0 && b != 0) },
	"Or": func(a, b float64) float64 { return truth(a != 0 || b != 0) },
}

// folds are the operators of any number of operands.
var folds = map[string]func(a, b float64) float64{
	"Sum": func(a, b float64) float64 { return a + b }, "Mean": func(a, b float64) float64 { return a + b }, "Max": math.Max, "Min": math.Min,
}

func folding(in []*tensor, f func(a, b float64) float64, mean bool) ([]*tensor, error) {
	out := in[:1]
	for _, t := range in[1:] {
		var err error
		if out, err = broadcast([]*tensor{out[0], t}, f, false); err != nil {
			return nil, err
		}
		out[0] = out[0].rounded()
	}
	if mean {
		return each(out, func(v float64) float64 { return v / float64(len(in)) })
	}
	return out, nil
}

func each(in []*tensor, f func(float64) float64) ([]*tensor, error) {
	t := &tensor{elem: in[0].elem, shape: in[0].shape, nums: make([]float64, len(in[0].nums))}
	for i, v := range in[0].nums {
		t.nums[i] = f(v)
	}
	return []*tensor{t}, nil
}

// broadcast applies f to two tensors whose shapes fit by NumPy's rules.
func broadcast(in []*tensor, f func(a, b float64) float64, logical bool) ([]*tensor, error) {
	if len(in) != 2 || in[0] == nil || in[1] == nil {
		return nil, errs.New(errs.Unsupported, "%d operands", len(in))
	}
	a, b := in[0], in[1]
	rank := max(len(a.shape), len(b.shape))
	dim := func(t *tensor, d int) int64 {
		if k := d - (rank - len(t.shape)); k >= 0 {
			return t.shape[k]
		}
		return 1
	}
	out := &tensor{elem: a.elem, shape: make([]int64, rank)}
	if logical {
		out.elem = typeBool
	}
	for d := range rank {
		x, y := dim(a, d), dim(b, d)
		if x != y && x != 1 && y != 1 {
			return nil, invalid("the shapes %v and %v do not fit", a.shape, b.shape)
		}
		out.shape[d] = max(x, y)
		if x == 0 || y == 0 {
			out.shape[d] = 0
		}
	}
	total := out.count()
	if total < 0 || len(a.nums) == 0 && len(a.strings) > 0 {
		return nil, errs.New(errs.Unsupported, "operands of shape %v", out.shape)
	}
	out.nums = make([]float64, total)
	for i := range out.nums {
		ai, bi, as, bs, rest := 0, 0, 1, 1, i
		for d := rank - 1; d >= 0; d-- {
			at := rest % int(out.shape[d])
			rest /= int(out.shape[d])
			if n := int(dim(a, d)); n > 1 {
				ai += at * as
				as *= n
			}
			if n := int(dim(b, d)); n > 1 {
				bi += at * bs
				bs *= n
			}
		}
		out.nums[i] = f(a.nums[ai], b.nums[bi])
	}
	return []*tensor{out}, nil
}

func cast(t *tensor, to int) ([]*tensor, error) {
	if t.strings != nil || to == typeString {
		return castTexts(t, to)
	}
	switch to {
	case typeFloat, typeDouble, typeInt64, typeInt32, typeBool:
	default:
		return nil, errs.New(errs.Unsupported, "a cast to element type %d", to)
	}
	out := &tensor{elem: to, shape: t.shape, nums: slices.Clone(t.nums)}
	if to == typeBool {
		for i, v := range out.nums {
			out.nums[i] = truth(v != 0)
		}
	}
	return []*tensor{out}, nil
}

// feature builds the operators that prepare columns.
func feature(n *node) (operator, error) {
	offset, scale := n.get("offset").floats, n.get("scale").floats
	fill, gone := n.get("imputed_value_floats").floats, float64(n.get("replaced_value_float").f)
	norm, limit := n.get("norm").s, float64(n.get("threshold").f)
	pick := func(v []float32, c int) float64 {
		if len(v) == 1 {
			return float64(v[0])
		}
		return float64(v[c])
	}
	fits := func(v []float32, p int) bool { return len(v) == 1 || len(v) == p }
	return func(in []*tensor) ([]*tensor, error) {
		rows, p := in[0].rows()
		t := &tensor{elem: typeFloat, shape: in[0].shape, nums: slices.Clone(in[0].nums)}
		switch n.op {
		case "Scaler":
			if !fits(offset, p) || !fits(scale, p) {
				return nil, invalid("%d offsets and %d scales for %d columns", len(offset), len(scale), p)
			}
			for i, v := range t.nums {
				t.nums[i] = float64(float32(v-pick(offset, i%p))) * pick(scale, i%p)
			}
		case "Imputer":
			if !fits(fill, p) {
				return nil, errs.New(errs.Unsupported, "%d fillings for %d columns", len(fill), p)
			}
			for i, v := range t.nums {
				if v == gone || math.IsNaN(v) && math.IsNaN(gone) {
					t.nums[i] = pick(fill, i%p)
				}
			}
		case "Binarizer":
			for i, v := range t.nums {
				t.nums[i] = truth(v > limit)
			}
		case "Normalizer":
			for r := range rows {
				normalize(t.nums[r*p:(r+1)*p], norm)
			}
		case "ArrayFeatureExtractor":
			return extract(in[0], in[1])
		case "FeatureVectorizer":
			return concat(in, 1)
		default:
			return nil, errs.New(errs.Unsupported, "the operator %s", n.op)
		}
		return []*tensor{t}, nil
	}, nil
}

// extract picks places along the last axis, which then has as many elements as
// there are places; a vector counts as one row.
func extract(t, places *tensor) ([]*tensor, error) {
	if len(t.shape) == 1 {
		t = &tensor{elem: t.elem, shape: []int64{1, t.shape[0]}, nums: t.nums, strings: t.strings}
	}
	flat := &tensor{elem: places.elem, shape: []int64{int64(len(places.nums))}, nums: places.nums}
	return gather(t, flat, -1)
}

// normalize divides a row by its norm, in float32 as onnxruntime does: for L2 it
// divides squares and takes the root.
func normalize(row []float64, norm string) {
	s := float32(0)
	for _, v := range row {
		switch norm {
		case "L1":
			s += float32(math.Abs(v))
		case "L2":
			s += float32(v) * float32(v)
		default:
			s = max(s, float32(math.Abs(v)))
		}
	}
	for c, v := range row {
		switch {
		case s == 0:
		case norm == "L2":
			row[c] = math.Copysign(math.Sqrt(float64(float32(v)*float32(v)/s)), v)
		default:
			row[c] = v / float64(s)
		}
	}
}
