//go:build conformance

package metrics

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// judged is one case that both sides judge: K classes, scores of class 1 for two
// classes, else probabilities row by row.
type judged struct {
	K int      `json:"k"`
	Y []int    `json:"y"`
	S []number `json:"s"`
	W []number `json:"w"`

	name string
	s, w []float64
}

// sheet holds figures by name; nil where there is none.
type sheet map[string][]float64

func (s *sheet) UnmarshalJSON(text []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}
	*s = sheet{}
	for name, v := range raw {
		var one number
		var list []number
		switch {
		case name == "_why":
		case string(v) == "null":
			(*s)[name] = nil
		case json.Unmarshal(v, &one) == nil:
			(*s)[name] = []float64{float64(one)}
		default:
			if err := json.Unmarshal(v, &list); err != nil {
				return err
			}
			(*s)[name] = []float64{}
			for _, x := range list {
				(*s)[name] = append((*s)[name], float64(x))
			}
		}
	}
	return nil
}

// scoresOf draws n scores of one of several shapes.
func scoresOf(r *rand.Rand, n, shape int, y []int) (string, []float64) {
	names := []string{"smooth", "ties", "constant", "two values", "beyond 0 and 1", "certain"}
	out := make([]float64, n)
	for i := range out {
		v := min(1, max(0, .25*float64(y[i])+.75*r.Float64()))
		switch shape {
		case 1:
			v = math.Round(v*8) / 8
		case 2:
			v = .5
		case 3:
			v = .25 + .5*math.Round(v)
		case 4:
			v = math.Round((v-.3)*200) / 10
		case 5:
			v = math.Round(v*3) / 3
		}
		out[i] = v
	}
	return names[shape], out
}

func weightsOf(r *rand.Rand, n, kind int) []float64 {
	if kind == 0 {
		return nil
	}
	out := make([]float64, n)
	for i := range out {
		out[i] = float64(1 + r.IntN(4))
		if kind == 2 {
			out[i] = r.ExpFloat64()
		}
		if kind == 3 {
			out[i] = float64(r.IntN(3))
		}
	}
	return out
}

func judgedCases() []*judged {
	r := rand.New(rand.NewPCG(5, 6))
	var out []*judged
	for i := range 260 {
		n := 3 + r.IntN(60)
		if i%5 == 0 {
			n = 100 + r.IntN(900)
		}
		c := &judged{K: 2, Y: make([]int, n)}
		rate := []float64{.5, .1, .9}[r.IntN(3)]
		for j := range c.Y {
			if r.Float64() < rate {
				c.Y[j] = 1
			}
		}
		if i%30 == 7 {
			clear(c.Y)
		}
		if i%30 == 11 {
			for j := range c.Y {
				c.Y[j] = 1
			}
		}
		kind := r.IntN(4)
		shape := ""
		shape, c.s = scoresOf(r, n, i%6, c.Y)
		c.w = weightsOf(r, n, kind)
		c.name = fmt.Sprintf("case %d: %d rows, %s, weights %d", i, n, shape, kind)
		out = append(out, c)
	}
	for i := range 140 {
		out = append(out, manyClasses(r, i))
	}
	for _, c := range out {
		c.S, c.W = numbers(c.s), numbers(c.w)
	}
	return out
}

func manyClasses(r *rand.Rand, i int) *judged {
	n, k := 4+r.IntN(150), 3+r.IntN(4)
	c := &judged{K: k, Y: make([]int, n)}
	used := k - r.IntN(2)*(i%3/2)
	for j := range c.Y {
		c.Y[j] = r.IntN(used)
	}
	for _, y := range c.Y {
		p, sum := make([]float64, k), 0.0
		for a := range p {
			p[a] = float64(1 + r.IntN(6))
			if i%2 == 0 {
				p[a] = r.ExpFloat64()
			}
			if a == y {
				p[a] *= 2
			}
			sum += p[a]
		}
		for a := range p {
			p[a] /= sum
		}
		c.s = append(c.s, p...)
	}
	kind := r.IntN(4)
	c.w = weightsOf(r, n, kind)
	c.name = fmt.Sprintf("case %d: %d rows, %d classes (%d used), weights %d", 260+i, n, k, used, kind)
	return c
}

// looser holds the tolerances of figures whose peer stops early, or is not
// defined to the last bit; all else is held to 1e-12.
var looser = map[string]float64{"sigmoid": 2e-4}

func TestMetricsAgreeWithScikitLearn(t *testing.T) {
	cases := judgedCases()
	var answers []sheet
	ask(t, "metrics.py", cases, &answers)
	figures, same, agreed := 0, 0, 0
	for i, c := range cases {
		ours, want := c.judge(t), answers[i]
		bad := ""
		for _, name := range sortedNames(want) {
			got, ok := ours[name]
			if !ok {
				t.Fatalf("%s: %s is not judged here", c.name, name)
			}
			d, exact := apart(got, want[name])
			figures++
			if exact {
				same++
			}
			if limit := max(looser[name], 1e-12); d > limit {
				bad += fmt.Sprintf("\n  %s: ours %.17g, scikit-learn's %.17g", name, got, want[name])
			}
		}
		if bad != "" {
			t.Errorf("%s%s", c.name, bad)
			continue
		}
		agreed++
	}
	fmt.Printf("metrics: %d of %d cases agree in all figures (%d figures, %d of them to the last bit)\n", agreed, len(cases), figures, same)
}

func sortedNames(s sheet) []string {
	var out []string
	for name := range s {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}

// vast is the size from which on a figure is a division by rounding error.
const vast = 1e15

// apart is the largest distance of two lists, +Inf when their lengths differ or
// just one side has none. NaN here agrees with a refusal there.
func apart(a, b []float64) (d float64, exact bool) {
	if b == nil && len(a) == 1 && math.IsNaN(a[0]) {
		return 0, false
	}
	if (a == nil) != (b == nil) || len(a) != len(b) {
		return math.Inf(1), false
	}
	exact = true
	for i := range a {
		if math.Abs(a[i]) > vast && math.Abs(b[i]) > vast && a[i] < 0 == (b[i] < 0) {
			continue
		}
		d = max(d, far(a[i], b[i]))
		exact = exact && (a[i] == b[i] || math.IsNaN(a[i]) && math.IsNaN(b[i]))
	}
	return d, exact
}
