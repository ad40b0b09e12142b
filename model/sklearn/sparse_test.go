package sklearn

import (
	"testing"

	"github.com/drivecast/drivecast/model/pickle"
)

// object returns an instance of a class with attributes, given as name, value, ….
func object(module, class string, attrs ...any) *pickle.Object {
	d := &pickle.Dict{}
	for i := 0; i < len(attrs); i += 2 {
		d.Set(attrs[i], attrs[i+1])
	}
	return &pickle.Object{Class: pickle.Global{Module: module, Name: class}, State: d}
}

func numbers(v ...any) *pickle.Array {
	a, err := pickle.NewArray(&pickle.DType{Kind: 'O', Size: 8}, []int{len(v)}, false, nil, v)
	if err != nil {
		panic(err)
	}
	return a
}

func list(v ...any) *pickle.List { return &pickle.List{Items: v} }

// other is an estimator of another library over two columns.
type other struct{ cols int }

func (o other) Features() int           { return o.cols }
func (o other) Classes() []float64      { return nil }
func (o other) Scores(dst, x []float64) {}

// TestOtherLibrariesAreToldOfSparseMatrices builds pipelines that end in another
// library's estimator, which must know what kind of matrix it is given.
func TestOtherLibrariesAreToldOfSparseMatrices(t *testing.T) {
	hot := func(attrs ...any) *pickle.Object {
		return object("sklearn.preprocessing._encoders", "OneHotEncoder", append([]any{"categories_", list(numbers(0.0, 1.0)), "handle_unknown", "ignore"}, attrs...)...)
	}
	columns := func(sparse bool) *pickle.Object {
		return object("sklearn.compose._column_transformer", "ColumnTransformer", "n_features_in_", int64(1), "sparse_output_", sparse,
			"transformers_", list(pickle.Tuple{"a", hot(), list(int64(0))}))
	}
	union := object("sklearn.pipeline", "FeatureUnion", "transformer_list", list(pickle.Tuple{"a", hot("sparse_output", false)}, pickle.Tuple{"b", hot()}))
	scale := object("sklearn.preprocessing._data", "MaxAbsScaler", "scale_", numbers(1.0, 1.0))
	for name, c := range map[string]struct {
		steps  []any
		cols   int
		sparse bool
	}{
		"one hot":         {[]any{hot()}, 2, true},
		"dense one hot":   {[]any{hot("sparse_output", false)}, 2, false},
		"before 1.2":      {[]any{hot("sparse", false)}, 2, false},
		"scaled":          {[]any{hot(), scale}, 2, true},
		"columns":         {[]any{columns(true)}, 2, true},
		"dense columns":   {[]any{columns(false)}, 2, false},
		"union":           {[]any{union}, 4, true},
		"scaled alone":    {[]any{scale}, 2, false},
		"pipeline within": {[]any{object("sklearn.pipeline", "Pipeline", "steps", list(pickle.Tuple{"a", hot()}))}, 2, true},
	} {
		last := object("xgboost.sklearn", "XGBRegressor")
		steps := list()
		for _, s := range append(c.steps, last) {
			steps.Items = append(steps.Items, pickle.Tuple{"step", s})
		}
		told, asked := false, 0
		_, err := Decode(object("sklearn.pipeline", "Pipeline", "steps", steps), func(o *pickle.Object, sparse bool) (Estimator, error) {
			told, asked = sparse, asked+1
			return other{c.cols}, nil
		})
		if err != nil || asked != 1 || told != c.sparse {
			t.Errorf("%s: sparse %v, not %v (%d times, %v)", name, told, c.sparse, asked, err)
		}
	}
}

// TestDroppedColumnsAreUnused reads a ColumnTransformer that looks at some columns.
func TestDroppedColumnsAreUnused(t *testing.T) {
	scale := object("sklearn.preprocessing._data", "MaxAbsScaler", "scale_", numbers(2.0))
	first := object("sklearn.compose._column_transformer", "ColumnTransformer", "n_features_in_", int64(4),
		"transformers_", list(pickle.Tuple{"a", scale, list(int64(2))}, pickle.Tuple{"b", "passthrough", list(int64(0))}, pickle.Tuple{"c", "drop", list(int64(1))}))
	f, err := Decode(object("sklearn.pipeline", "Pipeline", "steps", list(pickle.Tuple{"a", first}, pickle.Tuple{"b", object("xgboost.sklearn", "XGBRegressor")})),
		func(*pickle.Object, bool) (Estimator, error) { return other{2}, nil })
	if err != nil {
		t.Fatal(err)
	}
	for c, want := range []bool{false, true, false, true} {
		if len(f.Unused) != 4 || f.Unused[c] != want {
			t.Fatalf("unused %v", f.Unused)
		}
	}
}
