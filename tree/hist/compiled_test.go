package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

func TestCompiledEqualsPlain(t *testing.T) {
	x, raw := sample(31, 3_000)
	rows := x.RowMajor()
	r := rand.New(rand.NewPCG(1, 1))
	for i := range rows {
		if r.IntN(10) == 0 {
			rows[i] = []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), 1e300, -7}[r.IntN(6)]
		}
	}
	for _, o := range objectives {
		m := fitted(t, x, target(o, raw), options(o))
		c, err := m.Compile()
		if err != nil {
			t.Fatal(err)
		}
		k := max(1, len(m.Labels))
		got, want := make([]float64, x.Rows*k), make([]float64, x.Rows*k)
		m.Scores(want, rows)
		c.Scores(got, rows)
		if !slices.Equal(got, want) {
			t.Errorf("%s: compiled answers differ", o)
		}
		if n := testing.AllocsPerRun(50, func() { c.Scores(got, rows[:x.Cols]) }); n > 0 && !racing {
			t.Errorf("%s: %v allocations a row", o, n)
		}
	}
}
