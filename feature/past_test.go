package feature

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/drivecast/drivecast/smart"
)

// plainTrace is what a trace is meant to do, told at length: all values by day.
type plainTrace struct {
	days   []smart.Date
	values []float64
}

func (p *plainTrace) ago(day smart.Date) float64 {
	v := p.values[0]
	for i, d := range p.days {
		if d <= day {
			v = p.values[i]
		}
	}
	return v
}

// TestPastEqualsAllValues compares what a trace remembers with all values, bit for
// bit, on every window and after a walk through the form of a saved state.
func TestPastEqualsAllValues(t *testing.T) {
	steps := []func(*rand.Rand, float64) float64{
		func(r *rand.Rand, v float64) float64 { return v + float64(r.IntN(3)) },
		func(r *rand.Rand, v float64) float64 { return math.Mod(v, 1e12) + float64(r.IntN(70000)) },
		func(r *rand.Rand, v float64) float64 { return float64(r.IntN(2)) * 1e18 * r.Float64() },
		func(r *rand.Rand, v float64) float64 { return 30 + r.Float64() },
		func(r *rand.Rand, v float64) float64 { return float64(r.Uint64N(1 << 53)) },
		func(r *rand.Rand, v float64) float64 { return math.Copysign(float64(r.IntN(2)), -1) },
		func(r *rand.Rand, v float64) float64 { return math.Inf(1 - 2*r.IntN(2)) },
	}
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 3))
		const reach = 30
		tr, all := newTrace(), plainTrace{}
		day, v := smart.Date(1000), 0.0
		for range 120 {
			day += smart.Date(1 + rng.IntN(2)*rng.IntN(2)*rng.IntN(2)*rng.IntN(50))
			v = steps[rng.IntN(len(steps))*rng.IntN(2)](rng, v)
			if v != v {
				v = 0
			}
			tr.add(day, v, reach)
			if n := len(all.values); n == 0 || all.values[n-1] != v {
				all.days, all.values = append(all.days, day), append(all.values, v)
			}
			if rng.IntN(20) == 0 {
				d := &drive{first: 1000, last: day, traces: []trace{newTrace()}}
				in := &stateReader{b: tr.append(nil, d, reach)}
				if in.trace(&d.traces[0], d); in.bad || len(in.b) > 0 {
					t.Fatalf("seed %d, day %d: the trace is not read back", seed, day)
				}
				tr = d.traces[0]
			}
			for _, w := range windows[counter] {
				got, want := tr.ago(day-smart.Date(w)), all.ago(day-smart.Date(w))
				if math.Float64bits(got) != math.Float64bits(want) {
					t.Fatalf("seed %d, day %d, %d days ago: got %v, want %v", seed, day, w, got, want)
				}
			}
			if cap(tr.past) > 800 {
				t.Fatalf("%d bytes are kept", cap(tr.past))
			}
		}
	}
}
