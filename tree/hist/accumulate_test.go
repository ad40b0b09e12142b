package hist

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestKernelsEqualPlainGo runs each kernel against its plain form.
func TestKernelsEqualPlainGo(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		stride, n := 4+4*r.IntN(6), 1+r.IntN(300)
		bins := make([]uint8, n*stride+group)
		for i := range bins {
			bins[i] = uint8(r.Uint32())
		}
		rows, entries, small := make([]uint32, n+lookAhead), make([]int64, n), make([]int32, n)
		for i := range n {
			rows[i] = uint32(r.IntN(n))
			small[i] = int32(r.IntN(2*narrowG+1)-narrowG)<<16 + int32(r.IntN(narrowH+1))
			entries[i] = widen(small[i])
		}
		type kernel func([]int64, []uint8, int, []uint32, []int64)
		for k, pair := range [][2]kernel{{add8, add8Go}, {add4, add4Go}, {add1, add1Go}} {
			got, want := make([]int64, group*width), make([]int64, group*width)
			pair[0](got, bins, stride, rows[:n], entries)
			pair[1](want, bins, stride, rows[:n], entries)
			if !slices.Equal(got, want) {
				t.Fatalf("kernel %d differs from plain Go at %d rows, stride %d", k, n, stride)
			}
		}
		got4, want4 := make([]int32, group*width), make([]int32, group*width)
		add4Narrow(got4, bins, stride, rows[:n], small)
		add4NarrowGo(want4, bins, stride, rows[:n], small)
		if !slices.Equal(got4, want4) {
			t.Fatal("the narrow kernel for four columns differs from plain Go")
		}
		got, want, wide := make([]int32, group*width), make([]int32, group*width), make([]int64, group*width)
		add8Narrow(got, bins, stride, rows[:n], small)
		add8NarrowGo(want, bins, stride, rows[:n], small)
		if !slices.Equal(got, want) {
			t.Fatal("the narrow kernel differs from plain Go")
		}
		add8Go(wide, bins, stride, rows[:n], entries)
		sum, sumGo := make([]int64, group*width), make([]int64, group*width)
		empty(sum, got)
		emptyGo(sumGo, want)
		if !slices.Equal(sum, sumGo) || !slices.Equal(sum, wide) || slices.Max(got) != 0 {
			t.Fatal("emptied narrow entries differ from wide ones")
		}
	}
}
