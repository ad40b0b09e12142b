package train

import (
	"math"
	"reflect"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestLiteral(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want any
	}{
		{"None", nil}, {"True", true}, {"False", false}, {"1", int64(1)}, {"-7", int64(-7)}, {"1_000", int64(1000)},
		{"1.0", 1.0}, {"1e-3", 1e-3}, {"inf", math.Inf(1)}, {"sqrt", "sqrt"}, {"'log2'", "log2"}, {`"a b"`, "a b"},
		{" 2 ", int64(2)}, {"[]", []any{}}, {"[1, 2.0,'x']", []any{int64(1), 2.0, "x"}}, {"(1,)", []any{int64(1)}},
		{"{0: 1.0, 1: 5}", []Pair{{int64(0), 1.0}, {int64(1), int64(5)}}}, {"{'a':[1]}", []Pair{{"a", []any{int64(1)}}}},
		{"a,b", "a,b"},
	} {
		got, err := Literal(tt.in)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("Literal(%q) = %#v, %v, want %#v", tt.in, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", " ", "'a", "[1", "[1 2]", "{1}", "{1:2", "[1]]", "'a' b"} {
		if v, err := Literal(bad); !errs.Is(err, errs.Usage) {
			t.Errorf("Literal(%q) = %v, %v, want a usage error", bad, v, err)
		}
	}
}

func FuzzLiteral(f *testing.F) {
	for _, s := range []string{"1", "{0:1}", "[[[]]]", "'", "{'a':(1,)}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if _, err := Literal(s); err != nil && !errs.Is(err, errs.Usage) {
			t.Errorf("Literal(%q): %v is no usage error", s, err)
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"learning_rate", "num_leaves", "max_depth"}
	for name, want := range map[string]string{"learing_rate": "learning_rate", "numLeaves": "num_leaves", "maxdepht": "max_depth", "zebra": ""} {
		got := nearest(name, known)
		if want != "" {
			want = ` (did you mean "` + want + `"?)`
		}
		if got != want {
			t.Errorf("%s: %s", name, got)
		}
	}
}
