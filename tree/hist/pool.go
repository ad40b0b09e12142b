package hist

import (
	"math/bits"
	"sync"
)

// parallel calls work(k) for k in 0..parts-1, each on its own goroutine, and
// waits. Part 0 runs on the caller's.
func parallel(parts int, work func(k int)) {
	if parts <= 1 {
		work(0)
		return
	}
	var wg sync.WaitGroup
	for k := 1; k < parts; k++ {
		wg.Go(func() { work(k) })
	}
	work(0)
	wg.Wait()
}

// span returns part k of n elements cut into parts; cuts fall on multiples of
// unit.
func span(n, k, parts, unit int) (lo, hi int) {
	units := (n + unit - 1) / unit
	return min(n, units*k/parts*unit), min(n, units*(k+1)/parts*unit)
}

// mix turns a counter into 64 random bits (SplitMix64's finaliser: Steele, Lea
// and Flood, OOPSLA 2014). Draws by number, not by turn, do not depend on who
// draws.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// draws is a stream of random numbers that starts anywhere at no cost.
type draws struct{ state uint64 }

func newDraws(seed uint64, purpose, turn int) draws {
	return draws{mix(mix(seed)^uint64(purpose)<<48) + mix(uint64(turn))}
}

func (d *draws) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix(d.state)
}

// below returns a number in 0..n-1 (Lemire's multiply and shift; the bias of at
// most n/2^64 is not corrected).
func (d *draws) below(n int) int {
	hi, _ := bits.Mul64(d.next(), uint64(n))
	return int(hi)
}

// choose returns k of the numbers 0..n-1, in ascending order.
func (d *draws) choose(n, k int) []int {
	out := make([]int, 0, k)
	for i := 0; i < n && len(out) < k; i++ {
		if d.below(n-i) < k-len(out) {
			out = append(out, i)
		}
	}
	return out
}
