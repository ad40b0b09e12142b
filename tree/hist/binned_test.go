package hist

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/table"
)

func TestBinsKeepTheirBounds(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	const rows = 4001
	x := table.NewMatrix(rows, 5)
	for i := range rows {
		x.Col(0)[i] = r.NormFloat64()
		x.Col(1)[i] = float64(r.IntN(7)) - 3 // few values, 0 and -0 among them
		x.Col(2)[i] = math.Trunc(math.Exp(r.NormFloat64() * 3))
		x.Col(3)[i] = float64(r.IntN(400))
		x.Col(4)[i] = 7
		if i%5 == 0 {
			x.Col(1)[i] = math.Copysign(0, -1)
		}
		if i%9 == 0 {
			x.Col(0)[i], x.Col(3)[i] = math.NaN(), math.NaN()
		}
	}
	b, err := FitBins(x, 255, []int{3}, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	d, err := b.bin(x, 3)
	if err != nil {
		t.Fatal(err)
	}
	for c := range x.Cols {
		col := &b.Columns[c]
		if n := col.Count(); n > 256 || !slices.IsSorted(col.Upper) {
			t.Fatalf("column %d has %d bins, bounds %v", c, n, col.Upper)
		}
		for i, v := range x.Col(c) {
			want := col.Count() - 1
			if col.Categories != nil {
				if k := slices.Index(col.Categories, int32(v)); k >= 0 {
					want = k
				}
			} else if v == v {
				for want = 0; want < len(col.Upper) && v > col.Upper[want]; want++ {
				}
			}
			if got := d.byCol[c][i]; int(got) != want || d.byRow[i*d.stride+c] != got {
				t.Fatalf("column %d: %v is in bin %d (by row %d), want %d", c, v, got, d.byRow[i*d.stride+c], want)
			}
		}
	}
	if n := len(b.Columns[1].Upper); n != 6 {
		t.Errorf("seven values make %d cuts", n)
	}
	if n := len(b.Columns[4].Upper); n != 0 {
		t.Errorf("one value makes %d cuts", n)
	}
}

func TestSortFloats(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for n := range 200 {
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Float64frombits(r.Uint64())
			if math.IsNaN(v[i]) || i%3 == 0 {
				v[i] = float64(r.IntN(5))
			}
		}
		want := slices.Clone(v)
		slices.Sort(want)
		sortFloats(v)
		if !slices.Equal(v, want) {
			t.Fatalf("%v is not %v", v, want)
		}
	}
}
