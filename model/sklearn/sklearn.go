// Package sklearn makes estimators of ours from the state of fitted
// scikit-learn objects (0.22 to newest), as a pickle or a skops file holds it.
// Answers equal scikit-learn's: bit for bit where its arithmetic is defined (sums
// in the order of n_jobs=1), else to 1e-12.
//
// Each class is read by one function that takes the object's attributes; a class
// that has none is refused by name.
package sklearn

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
)

// Estimator is what a fitted classifier or regressor becomes. See
// model.Estimator, which it satisfies.
type Estimator interface {
	Features() int
	Classes() []float64
	Scores(dst, x []float64)
}

// Transformer is what a fitted transformer becomes.
type Transformer interface {
	In() int                // columns that a row must have
	Out() int               // columns that it makes of them
	Apply(dst, x []float64) // rows of x (n × In()) to rows of dst (n × Out())
}

// Fitted is an estimator with the names that the object kept.
type Fitted struct {
	Estimator Estimator
	Names     []string // feature_names_in_, or nil
	Labels    []string // class labels that are text; nil otherwise
	LabelType string   // "long", "double", "string" or "boolean"; "" for a regressor
	Version   string   // of scikit-learn, "" when the object does not say
	Class     string   // of the outermost object
	Missing   bool     // missing values are accepted
	Above     float64  // magnitudes above it are refused; 0: none are
	Texts     []Text   // columns whose values are text
	Unused    []bool   // columns that are dropped before anything looks at them; nil: none
}

// Text says that a column holds text, and which values were seen: an estimator
// takes the value's place in the list instead, -1 for another text.
type Text struct {
	Column int
	Values []string
	Strict bool // another text is refused
}

// Other makes the estimator of an object of another library; sparse says that it
// is given a sparse matrix.
type Other func(o *pickle.Object, sparse bool) (Estimator, error)

// Decode makes the estimator of an object that pickle.Load or skops returned. An
// unknown class is of kind Unsupported, a damaged object of kind Invalid. Objects
// of other libraries are given to other, which may be nil.
func Decode(v any, other Other) (*Fitted, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, errs.New(errs.Unsupported, "the file holds a %s, not an estimator", pickle.Describe(v))
	}
	b := &builder{other: other}
	b.noteVersion(o)
	part, err := b.build(node{o, o.Class.Name}, 0)
	if err != nil {
		return nil, err
	}
	e, ok := part.(Estimator)
	if !ok {
		return nil, errs.New(errs.Unsupported, "%s transforms and does not predict: save the pipeline that it belongs to", o.Class.Name)
	}
	f := &Fitted{Estimator: e, Version: b.version, Class: o.Class.Name, Names: b.names(node{o, o.Class.Name}, 0)}
	if f.Texts, err = distinct(b.texts); err != nil {
		return nil, err
	}
	if len(f.Names) != e.Features() {
		f.Names = nil
	}
	f.Unused = unused(e)
	f.Missing, f.Above = b.limits(node{o, o.Class.Name}, 0)
	if e.Classes() != nil {
		f.Labels, f.LabelType, err = b.labels(node{o, o.Class.Name}, 0)
	}
	return f, err
}

// distinct leaves out what several parts say alike about a column.
func distinct(texts []Text) ([]Text, error) {
	var out []Text
	for _, t := range texts {
		i := slices.IndexFunc(out, func(o Text) bool { return o.Column == t.Column })
		if i < 0 {
			out = append(out, t)
		} else if !slices.Equal(out[i].Values, t.Values) {
			return nil, errs.New(errs.Unsupported, "text column %d is encoded in two ways, which is not supported; export the model to ONNX", t.Column)
		}
	}
	return out, nil
}

// maxNest bounds how deeply estimators hold others.
const maxNest = 40

// builder holds what is known while an object is read.
type builder struct {
	version string
	other   Other
	major   int // of scikit-learn: 1.3 is 1, 3; -1 when unknown
	minor   int
	texts   []Text
	cols    []int              // columns of the outermost object that the current one sees, -1: made by another step; nil: all
	width   int                // columns that the current object is given, 0: unknown
	fills   map[int][]fillText // texts that imputers put into gaps, by column
	sparse  bool               // the current object is given a sparse matrix; after a transformer: it makes one
}

func (b *builder) noteVersion(o *pickle.Object) {
	b.major, b.minor = -1, -1
	v, _ := o.Attr("_sklearn_version")
	b.version, _ = v.(string)
	parts := strings.SplitN(b.version, ".", 3)
	if len(parts) >= 2 {
		major, err1 := strconv.Atoi(parts[0])
		minor, err2 := strconv.Atoi(strings.TrimRight(parts[1], "abcdefghijklmnopqrstuvwxyz"))
		if err1 == nil && err2 == nil {
			b.major, b.minor = major, minor
		}
	}
}

// atLeast reports whether the version is known and not older.
func (b *builder) atLeast(major, minor int) bool {
	return b.major > major || b.major == major && b.minor >= minor
}

// build makes an Estimator or a Transformer of the object.
func (b *builder) build(n node, depth int) (any, error) {
	if depth > maxNest {
		return nil, errs.New(errs.Invalid, "estimators nested too deeply")
	}
	if !strings.HasPrefix(n.o.Class.Module, "sklearn.") && b.other != nil {
		e, err := b.other(n.o, b.sparse)
		if err != nil {
			return nil, errs.Wrap(err, "%s", n.o.Class.Name)
		}
		return e, nil
	}
	read := lookup(n.o.Class.Name)
	if read == nil || !strings.HasPrefix(n.o.Class.Module, "sklearn.") {
		return nil, errs.New(errs.Unsupported, "%s is not supported; export the model to ONNX (skl2onnx) or save a supported estimator", n.o.Class)
	}
	part, err := read(b, n, depth)
	if err != nil {
		return nil, errs.Wrap(err, "%s", n.o.Class.Name)
	}
	b.makes(n)
	return part, nil
}

// estimator builds an object that must be an Estimator.
func (b *builder) estimator(v any, depth int) (Estimator, error) {
	o, ok := v.(*pickle.Object)
	if !ok {
		return nil, errs.New(errs.Invalid, "%s where an estimator belongs", pickle.Describe(v))
	}
	sparse := b.sparse
	defer func() { b.sparse = sparse }()
	part, err := b.build(node{o, o.Class.Name}, depth+1)
	if err != nil {
		return nil, err
	}
	e, ok := part.(Estimator)
	if !ok {
		return nil, errs.New(errs.Invalid, "%s where an estimator belongs", o.Class.Name)
	}
	return e, nil
}

// names finds the column names: the object's own, or those of its first step.
func (b *builder) names(n node, depth int) []string {
	if v, ok := n.o.Attr("feature_names_in_"); ok {
		if a, ok := v.(*pickle.Array); ok {
			vals, err := a.Values()
			out := make([]string, len(vals))
			for i, v := range vals {
				s, ok := v.(string)
				if err != nil || !ok {
					return nil
				}
				out[i] = s
			}
			return out
		}
	}
	if depth < maxNest {
		if inner := n.inner(true); inner != nil {
			return b.names(node{inner, inner.Class.Name}, depth+1)
		}
	}
	return nil
}

// labels finds the class labels: the object's own, or those of its last step.
func (b *builder) labels(n node, depth int) (texts []string, typ string, err error) {
	v, ok := n.o.Attr("classes_")
	if o, err := n.object("_label_binarizer"); !ok && err == nil {
		v, ok = o.o.Attr("classes_")
	}
	if !ok {
		v, ok = n.o.Attr("_classes") // of LightGBM
	}
	a, isArray := v.(*pickle.Array)
	if !ok || !isArray {
		if inner := n.inner(false); inner != nil && depth < maxNest {
			return b.labels(node{inner, inner.Class.Name}, depth+1)
		}
		return nil, "long", nil
	}
	_, texts, typ, err = classes(a)
	return texts, typ, err
}

// inner returns the first or the last step of a pipeline or the estimator that
// is searched or wrapped, or nil.
func (n node) inner(first bool) *pickle.Object {
	if items, err := n.items("transformer_list"); err == nil && first {
		for _, item := range items {
			if pair, err := itemsOf(item); err == nil && len(pair) == 2 {
				if o, ok := pair[1].(*pickle.Object); ok {
					return o
				}
			}
		}
	}
	steps, err := n.steps()
	if err == nil && len(steps) > 0 {
		if first {
			return steps[0]
		}
		return steps[len(steps)-1]
	}
	for _, name := range innerNames(n.o.Class.Name) {
		if v, ok := n.o.Attr(name); ok {
			o, _ := v.(*pickle.Object)
			return o
		}
	}
	return nil
}

// innerNames returns the attributes under which an object of the class keeps the
// estimator that answers for it.
func innerNames(class string) []string {
	switch class {
	case "FrozenEstimator":
		return []string{"estimator"}
	case "FixedThresholdClassifier", "TunedThresholdClassifierCV":
		return []string{"estimator_", "estimator"}
	}
	return []string{"best_estimator_"}
}

// Labels reads an array of class labels: as numbers, and as texts where they are
// text; typ is as in Fitted.
func Labels(v any) (nums []float64, texts []string, typ string, err error) {
	a, ok := v.(*pickle.Array)
	if !ok {
		return nil, nil, "", errs.New(errs.Invalid, "class labels are %s", pickle.Describe(v))
	}
	return classes(a)
}

// classes reads class labels: as numbers, and as texts where they are text.
func classes(a *pickle.Array) (nums []float64, texts []string, typ string, err error) {
	vals, err := a.Values()
	if err != nil {
		return nil, nil, "", err
	}
	for i, v := range vals {
		kind := ""
		num := float64(i)
		switch v := v.(type) {
		case string:
			kind, texts = "string", append(texts, v)
		case int64:
			kind, num = "long", float64(v)
		case bool:
			kind = "boolean"
			num, _ = pickle.Float(v)
		case float64:
			kind, num = "double", v
			if math.IsNaN(v) {
				return nil, nil, "", errs.New(errs.Invalid, "a class label is NaN")
			}
		default:
			return nil, nil, "", errs.New(errs.Unsupported, "class labels of %s are not supported", pickle.Describe(v))
		}
		if typ != "" && typ != kind {
			return nil, nil, "", errs.New(errs.Unsupported, "class labels of mixed types are not supported")
		}
		typ = kind
		nums = append(nums, num)
	}
	return nums, texts, typ, nil
}
