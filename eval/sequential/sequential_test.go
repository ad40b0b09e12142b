package sequential

import (
	"math"
	"math/rand/v2"
	"testing"
)

const (
	alpha = .05
	runs  = 600
	looks = 800
)

// rejected returns in what share of runs a test was significant at any look, and on
// which side.
func rejected(seed uint64, one func(r *rand.Rand) (add func(), p func() (float64, int))) (any, above float64) {
	for run := range runs {
		add, p := one(rand.New(rand.NewPCG(seed, uint64(run))))
		for range looks {
			add()
			if v, side := p(); v <= alpha { // stops as soon as it looks good
				any++
				if side > 0 {
					above++
				}
				break
			}
		}
	}
	return any / runs, above / runs
}

func mean(draw func(r *rand.Rand) float64) func(*rand.Rand) (func(), func() (float64, int)) {
	return func(r *rand.Rand) (func(), func() (float64, int)) {
		m := &Mean{}
		return func() { m.Add(draw(r)) }, func() (float64, int) { return m.P(), m.Side() }
	}
}

// limit is three standard errors above alpha.
var limit = alpha + 3*math.Sqrt(alpha*(1-alpha)/runs)

func TestErrorRateUnderContinuousLooks(t *testing.T) {
	for name, draw := range map[string]func(*rand.Rand) float64{
		"coins":   func(r *rand.Rand) float64 { return float64(2*r.IntN(2) - 1) },
		"uniform": func(r *rand.Rand) float64 { return 2*r.Float64() - 1 },
		"rare": func(r *rand.Rand) float64 {
			if r.Float64() < .98 {
				return 0
			}
			return float64(2*r.IntN(2) - 1)
		},
		"skewed": func(r *rand.Rand) float64 { // mean 0: -.05 in 19 of 20, .95 else
			if r.Float64() < .95 {
				return -.05
			}
			return .95
		},
		"small": func(r *rand.Rand) float64 { return .01 * (2*r.Float64() - 1) },
	} {
		got, _ := rejected(1, mean(draw))
		t.Logf("%s: %.3f", name, got)
		if got > limit {
			t.Errorf("%s: a true hypothesis was rejected in %.3f of the runs, stated is at most %v", name, got, alpha)
		}
	}
}

func TestATestWithAFixedSampleWouldFail(t *testing.T) {
	// The same looks with the z-test show that these runs can tell: it errs far too often.
	got, _ := rejected(1, func(r *rand.Rand) (func(), func() (float64, int)) {
		m := &Mean{}
		return func() { m.Add(float64(2*r.IntN(2) - 1)) }, func() (float64, int) {
			if m.N() < 10 {
				return 1, 0
			}
			return math.Erfc(math.Abs(m.Estimate()) * math.Sqrt(float64(m.N())) / m.Deviation() / math.Sqrt2), 0
		}
	})
	if got < 2*limit {
		t.Errorf("the z-test erred in %.3f of the runs; looks should make it err more often", got)
	}
}

func TestPower(t *testing.T) {
	for name, c := range map[string]struct {
		draw func(*rand.Rand) float64
		want float64
	}{
		"coins of .6": {func(r *rand.Rand) float64 {
			if r.Float64() < .6 {
				return 1
			}
			return -1
		}, .98},
		"small and steady": {func(r *rand.Rand) float64 { return .1*(r.Float64()-.5) + .015 }, .98},
		"a third of the rare": {func(r *rand.Rand) float64 {
			if r.Float64() < .95 {
				return 0
			}
			if r.Float64() < .85 {
				return 1
			}
			return -1
		}, .9},
	} {
		got, above := rejected(2, mean(c.draw))
		t.Logf("%s: %.3f", name, got)
		if got < c.want || got-above > alpha/2 {
			t.Errorf("%s: found in %.3f of the runs, %.3f on the wrong side; want %v", name, got, got-above, c.want)
		}
	}
}

func arms(share float64, loss func(r *rand.Rand, second bool) float64) func(*rand.Rand) (func(), func() (float64, int)) {
	return func(r *rand.Rand) (func(), func() (float64, int)) {
		a, err := NewArms(share)
		if err != nil {
			panic(err)
		}
		return func() { second := r.Float64() < share; a.Add(second, loss(r, second)) }, func() (float64, int) { return a.P(), a.Side() }
	}
}

func TestArms(t *testing.T) {
	coin := func(p, q float64) func(*rand.Rand, bool) float64 {
		return func(r *rand.Rand, second bool) float64 {
			if second && r.Float64() < q || !second && r.Float64() < p {
				return 1
			}
			return 0
		}
	}
	for _, share := range []float64{.5, .1} {
		for _, p := range []float64{.02, .3} {
			got, _ := rejected(3, arms(share, coin(p, p)))
			t.Logf("share %v, loss %v: %.3f", share, p, got)
			if got > limit {
				t.Errorf("share %v, loss %v: equal arms were told apart in %.3f of the runs", share, p, got)
			}
		}
	}
	if got, above := rejected(4, arms(.5, coin(.3, .15))); got < .9 || above > alpha/2 {
		t.Errorf("half the loss was found in %.3f of the runs, %.3f on the wrong side", got, above)
	}
	if _, err := NewArms(1); err == nil {
		t.Error("a share of 1 leaves no first arm")
	}
}

func TestPNeverRisesAndBadValuesEndIt(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 5))
	var m Mean
	last := 1.0
	for range 500 {
		m.Add(min(1, max(-1, r.NormFloat64()*.3+.1)))
		if m.P() > last {
			t.Fatal("the p-value rose")
		}
		last = m.P()
	}
	if last > 1e-6 || m.Side() != 1 || math.Abs(m.Estimate()-.1) > .05 {
		t.Errorf("p %v of mean %v", last, m.Estimate())
	}
	m.Add(1.5)
	if m.P() != 1 {
		t.Error("a value out of range was taken")
	}
	var one Mean
	one.Add(1)
	want := 0.0
	for _, b := range bets {
		want += (1 + b) / float64(len(bets))
	}
	if got := one.best[0]; math.Abs(got-want) > 1e-12 {
		t.Errorf("the evidence of one observation is %v, want %v", got, want)
	}
}
