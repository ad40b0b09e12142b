package search

import (
	"math"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestParseSpace(t *testing.T) {
	for _, c := range []struct {
		text         string
		lo, mid, top string // at 0, 0.5 and just below 1
	}{
		{"max_depth=int(3,12)", "3", "8", "12"},
		{"n=int(50, 200, 50)", "50", "150", "200"},
		{"n=int(1,8,3)", "1", "4", "7"},
		{"n=int(-3,-1)", "-3", "-2", "-1"},
		{"n=logint(1,1000)", "1", "22", "1000"},
		{"x = uniform(-1,1)", "-1", "0", "0.9999999999999998"},
		{"x=loguniform(1,100)", "1", "10.000000000000002", "99.99999999999997"},
		{"x=quniform(0,10,4)", "0", "4", "8"},
		{"x=qloguniform(1,100,5)", "0", "10", "100"},
		{"x=normal(3,2)", "-11.068967666218187", "3", "17.06895"},
		{"x=lognormal(0,1)", "0.00087974", "1", "1135.1123480102162"},
		{"x=qnormal(3,1,2)", "-4", "4", "10"},
		{"x=qlognormal(0,1,0.5)", "0", "1", "1135"},
		{"x=randint(4)", "0", "2", "3"},
		{"x=choice(sqrt, None ,'a,b')", "sqrt", "None", "'a,b'"},
		{"x=choice({0: 1, 1: (2, 3)},[1,2],f(x))", "{0: 1, 1: (2, 3)}", "[1,2]", "f(x)"},
	} {
		space, err := ParseSpace([]string{c.text})
		if err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		d := space[space.Names()[0]]
		if back, err := ParseDistribution(d.String()); err != nil || !alike(back.At(0.3), d.At(0.3)) {
			t.Errorf("%s is written as %s (%v)", c.text, d, err)
		}
		for u, want := range map[float64]string{0: c.lo, 0.5: c.mid, math.Nextafter(1, 0): c.top} {
			if got := d.At(u); !alike(got, want) {
				t.Errorf("%s at %g is %s, want %s", c.text, u, got, want)
			}
		}
	}
}

func TestParseSpaceRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                        "is not NAME=KIND(…)",
		"int(3,4)":                "is not NAME=KIND(…)",
		"=int(3,4)":               "is not NAME=KIND(…)",
		"x=gamma(1,2)":            "there are choice, int",
		"x=3":                     "is no distribution",
		"x=int":                   "wants its values in brackets",
		"x=int(3,4":               "wants its values in brackets",
		"x=int(3)":                "has 1 values; write int(LOW,HIGH)",
		"x=int(3,4.5)":            "must be whole",
		"x=int(4,3)":              "low end must be below",
		"x=int(1,9,20)":           "the step must be",
		"x=int(1,1e300)":          "must be whole numbers",
		"x=int(0,9e9)":            "too far apart",
		"x=logint(0,3)":           "at least 1",
		"x=uniform(1,NaN)":        "is no number",
		"x=uniform(1,inf)":        "is no number",
		"x=uniform(-1e308,1e308)": "low end",
		"x=loguniform(0,1)":       "above 0",
		"x=quniform(0,1,0)":       "the step must be above 0",
		"x=normal(0,0)":           "deviation",
		"x=randint(0)":            "whole number from 1",
		"x=choice()":              "a value is missing",
		"x=choice(1,,2)":          "a value is missing",
		"x=choice(1,2,1)":         "has 1 twice",
		"x=choice('a)":            "not closed",
		"x=choice((1)":            "not closed",
		"x=choice(1])":            "was not opened",
	} {
		if _, err := ParseSpace([]string{text}); !errs.Is(err, errs.Usage) || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want a usage error with %q", text, err, want)
		}
	}
	if _, err := ParseSpace([]string{"a=int(1,2)", "a=int(1,3)"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("a name twice: %v", err)
	}
	if _, err := ParseSpace(nil); !errs.Is(err, errs.Usage) {
		t.Errorf("no hyperparameter: %v", err)
	}
}

// FuzzParseSpace wants a usage error or a space of which every value can be
// drawn: a number where the kind is one, within the bounds.
func FuzzParseSpace(f *testing.F) {
	for _, s := range []string{"x=int(1,3)", "x=choice(a,'b,c',{1:(2)})", "x=loguniform(1e-300,1e300)", "x=qnormal(0,1,.5)", "x=logint(1,9007199254740992)", "x=randint(2147483647)"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		space, err := ParseSpace([]string{text})
		if err != nil {
			if !errs.Is(err, errs.Usage) {
				t.Errorf("%q: %v is no usage error", text, err)
			}
			return
		}
		for _, d := range space {
			for _, u := range []float64{0, 0.25, 0.5, math.Nextafter(1, 0)} {
				got := d.At(u)
				if got == "" || got == "NaN" {
					t.Errorf("%q at %g is %q", text, u, got)
				}
				if d.Whole() && strings.Trim(got, "-0123456789") != "" {
					t.Errorf("%q at %g is %q, want a whole number", text, u, got)
				}
			}
		}
	})
}
