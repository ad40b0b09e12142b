package pickle

import (
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// roots are the packages whose classes may occur. Their instances are inert
// Objects; whether one can be used is for the reader of that library to say.
var roots = []string{"sklearn.", "xgboost.", "lightgbm.", "catboost.", "scipy.sparse.", "scipy.interpolate.", "imblearn.pipeline."}

// ufuncs are the functions of NumPy that a FunctionTransformer may name.
const ufuncs = "log1p log log2 log10 sqrt exp expm1 absolute abs square sin cos cbrt tanh arctan floor ceil rint negative reciprocal sign"

// plain are the other names that may occur: constructors that construct knows,
// and NumPy's types, which are only ever mentioned.
var plain = map[string]string{
	"builtins":                      "slice set frozenset list tuple dict bytearray object complex int float bool str bytes range",
	"__builtin__":                   "slice set frozenset list tuple dict bytearray object complex int float bool str bytes xrange unicode long",
	"copyreg":                       "_reconstructor __newobj__",
	"copy_reg":                      "_reconstructor __newobj__",
	"collections":                   "OrderedDict defaultdict",
	"functools":                     "partial", // only ever mentioned: what it would call is not called
	"_codecs":                       "encode",
	"numpy":                         "ndarray dtype float64 float32 float16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool_ bool str_ object_ bytes_ void float_ int_ longlong ulonglong intc matrix nan number generic integer signedinteger unsignedinteger inexact floating " + ufuncs,
	"numpy._core._multiarray_umath": ufuncs,
	"numpy.core._multiarray_umath":  ufuncs,
	"numpy.ma.core":                 "_mareconstruct MaskedArray", "numpy.ma": "MaskedArray",
	"numpy.core.multiarray":                 "_reconstruct scalar",
	"numpy._core.multiarray":                "_reconstruct scalar",
	"numpy.core.numeric":                    "_frombuffer",
	"numpy._core.numeric":                   "_frombuffer",
	"numpy.random._pickle":                  "__randomstate_ctor __bit_generator_ctor __generator_ctor",
	"numpy.random.mtrand":                   "RandomState",
	"numpy.random":                          "__RandomState_ctor",
	"numpy.random._mt19937":                 "MT19937 __pyx_unpickle_MT19937",
	"numpy.random._pcg64":                   "PCG64",
	"numpy.random._generator":               "Generator",
	"numpy.random.bit_generator":            "SeedSequence __pyx_unpickle_SeedSequence",
	"_loss":                                 losses(), // as scikit-learn 1.4 to 1.6 name their module of losses
	"joblib.numpy_pickle":                   "NumpyArrayWrapper",
	"sklearn.externals.joblib.numpy_pickle": "NumpyArrayWrapper",
}

// losses returns the names that pickles of the losses' module may hold.
func losses() string {
	var out []string
	for _, name := range strings.Fields("HalfSquaredError AbsoluteError PinballLoss HuberLoss HalfPoissonLoss HalfGammaLoss HalfTweedieLoss HalfTweedieLossIdentity HalfBinomialLoss HalfMultinomialLoss ExponentialLoss") {
		out = append(out, "Cy"+name, "__pyx_unpickle_Cy"+name)
	}
	return strings.Join(out, " ")
}

// Allowed reports whether a model file may name g.
func Allowed(g Global) bool {
	for _, name := range strings.Fields(plain[g.Module]) {
		if name == g.Name {
			return true
		}
	}
	if strings.Contains(g.Name, ".") {
		return false
	}
	for _, r := range roots {
		if strings.HasPrefix(g.Module, r) {
			return true
		}
	}
	return false
}

// Advice says what to do about a name that is not allowed.
func Advice(g Global) string {
	switch root, _, _ := strings.Cut(g.Module, "."); root {
	case "cloudpickle", "__main__", "types", "dill":
		return "Code that was defined in a script or a notebook cannot be scored: save an estimator made of scikit-learn's own classes, or export it to ONNX."
	case "pandas", "polars":
		return "Fit the model on plain column names and numbers, or export it to ONNX."
	case "torch", "tensorflow", "keras":
		return "Export the network to ONNX."
	}
	return "Export the model to ONNX."
}

// construct makes the value of a call that a pickle describes. A Global comes
// from pushGlobal only, so g is allowed.
func (m *machine) construct(g Global, args Tuple) (any, error) {
	switch g.Module {
	case "builtins", "__builtin__":
		return m.builtin(g, args)
	case "copyreg", "copy_reg":
		return m.reconstruct(g, args)
	case "_codecs":
		return m.encode(args)
	case "collections":
		o := &Object{Class: g, Dict: &Dict{}}
		return o, nil
	case "numpy", "numpy.core.multiarray", "numpy._core.multiarray", "numpy.core.numeric", "numpy._core.numeric":
		return m.numpy(g, args)
	}
	return &Object{Class: g, Args: args}, nil
}

func (m *machine) builtin(g Global, args Tuple) (any, error) {
	if g.Name == "slice" || g.Name == "range" || g.Name == "xrange" || g.Name == "complex" || g.Name == "object" {
		return &Object{Class: g, Args: args}, nil
	}
	if len(args) == 0 {
		switch g.Name {
		case "set", "frozenset":
			return &Set{}, nil
		case "list":
			return &List{}, nil
		case "dict":
			return &Dict{}, nil
		case "tuple":
			return Tuple{}, nil
		case "bytearray", "bytes":
			return []byte{}, nil
		}
	}
	if len(args) > 0 {
		l, isList := args[0].(*List)
		raw, isBytes := args[0].([]byte)
		switch {
		case isList && (g.Name == "set" || g.Name == "frozenset"):
			return &Set{l.Items}, nil
		case isBytes && (g.Name == "bytearray" || g.Name == "bytes"):
			return raw, nil
		}
	}
	return nil, errs.New(errs.Unsupported, "the pickle calls %s, which a model has no need of", g)
}

// reconstruct is what copyreg does for protocols 0 and 1.
func (m *machine) reconstruct(g Global, args Tuple) (any, error) {
	if len(args) == 0 {
		return nil, invalid("%s without arguments", g)
	}
	class, ok := args[0].(Global)
	if !ok {
		return nil, invalid("%s of %s", g, Describe(args[0]))
	}
	if g.Name == "__newobj__" {
		return m.construct(class, args[1:])
	}
	return m.construct(class, nil)
}

// encode is _codecs.encode, with which protocols below 3 write bytes.
func (m *machine) encode(args Tuple) (any, error) {
	if len(args) == 2 {
		s, ok := args[0].(string)
		if name, _ := args[1].(string); ok && (name == "latin1" || name == "latin-1") {
			out := make([]byte, 0, len(s))
			for _, r := range s {
				if r > 255 {
					return nil, invalid("text that is not Latin-1")
				}
				out = append(out, byte(r))
			}
			return out, m.spend(len(s))
		}
	}
	return nil, errs.New(errs.Unsupported, "the pickle calls _codecs.encode with something else than Latin-1 text")
}
