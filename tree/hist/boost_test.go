package hist

import (
	"bytes"
	"context"
	"encoding/gob"
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// sample makes rows with numbers, few values, categories and missing values, and
// a raw answer that depends on all of them.
func sample(seed uint64, rows int) (x *table.Matrix, raw []float64) {
	r := rand.New(rand.NewPCG(seed, 11))
	x, raw = table.NewMatrix(rows, 5), make([]float64, rows)
	for i := range rows {
		a, b, c, k := r.NormFloat64(), r.NormFloat64(), float64(r.IntN(6)), float64(r.IntN(12))
		x.Col(0)[i], x.Col(1)[i], x.Col(2)[i], x.Col(3)[i], x.Col(4)[i] = a, b, c, k, r.Float64()
		raw[i] = a + a*b + 0.5*c + math.Sin(2.3*k)
		if r.IntN(7) == 0 {
			x.Col(1)[i] = math.NaN()
			raw[i] = a + 1 + 0.5*c + math.Sin(2.3*k)
		}
	}
	return x, raw
}

// target turns raw answers into targets of an objective.
func target(o Objective, raw []float64) []float64 {
	r := rand.New(rand.NewPCG(5, 5))
	y := make([]float64, len(raw))
	for i, v := range raw {
		switch o {
		case Binary:
			if v+r.NormFloat64()*0.3 > 1 {
				y[i] = 1
			}
		case Multiclass:
			y[i] = 10 * min(max(math.Floor(v), 0), 3)
		case Poisson:
			y[i] = math.Floor(math.Exp(v/3) * 2 * r.Float64())
		case Cox:
			if y[i] = r.ExpFloat64()/math.Exp(v) + 1e-3; r.IntN(3) == 0 {
				y[i] *= -0.5
			}
		default:
			y[i] = v + r.NormFloat64()*0.1
		}
	}
	return y
}

var objectives = []Objective{Binary, Multiclass, Squared, Poisson, Quantile, Cox}

func options(o Objective) Options {
	opt := Defaults(o)
	opt.Trees, opt.Leaves, opt.Categorical, opt.Workers = 20, 15, []int{3}, 1
	return opt
}

func fitted(t *testing.T, x *table.Matrix, y []float64, opt Options) *Boosted {
	t.Helper()
	m, err := FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// written returns the bytes of a model.
func written(t *testing.T, m *Boosted) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := gob.NewEncoder(&b)
	for _, v := range []any{m.Base, m.Trees, m.Labels} {
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

func TestSameBytesOnAnyNumberOfWorkers(t *testing.T) {
	x, raw := sample(1, 21_000)
	for _, o := range objectives {
		for name, change := range map[string]func(*Options){
			"plain": func(*Options) {},
			"all":   func(p *Options) { p.RowShare, p.RowEvery, p.ColumnShare, p.NodeColumnShare = 0.6, 2, 0.8, 0.7 },
			"deep":  func(p *Options) { p.Leaves, p.MinRows, p.RowShare = 400, 25, 0.7 },
			"tight": func(p *Options) { p.Leaves, p.MinRows, p.Depth, p.LevelWise = 60, 400, 7, true },
			"goss":  func(p *Options) { p.Top, p.Other, p.Rate, p.LevelWise = 0.2, 0.1, 0.5, true },
		} {
			if name != "plain" && o != Binary && o != Multiclass {
				continue
			}
			opt := options(o)
			opt.Trees = 3
			change(&opt)
			y := target(o, raw)
			want := written(t, fitted(t, x, y, opt))
			for _, workers := range []int{2, 8} {
				if opt.Workers = workers; !bytes.Equal(want, written(t, fitted(t, x, y, opt))) {
					t.Errorf("%s %s: %d workers make another model", o, name, workers)
				}
			}
		}
	}
}

// meeting is a Reducer of processes that are goroutines.
type meeting struct {
	mu      sync.Mutex
	cond    *sync.Cond
	parties int
	arrived int
	round   int
	sums    []int64
	tops    []float64
	doneS   []int64
	doneT   []float64
}

func newMeeting(parties int) *meeting {
	m := &meeting{parties: parties}
	m.cond = sync.NewCond(&m.mu)
	return m
}

func (m *meeting) meet(join, leave func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	join()
	round := m.round
	if m.arrived++; m.arrived == m.parties {
		m.doneS, m.doneT, m.sums, m.tops = m.sums, m.tops, nil, nil
		m.arrived = 0
		m.round++
		m.cond.Broadcast()
	}
	for m.round == round {
		m.cond.Wait()
	}
	leave()
}

func (m *meeting) Sum(_ context.Context, v []int64) error {
	m.meet(func() {
		if m.sums == nil {
			m.sums = make([]int64, len(v))
		}
		addTo(m.sums, v)
	}, func() { copy(v, m.doneS) })
	return nil
}

func (m *meeting) Max(_ context.Context, v []float64) error {
	m.meet(func() {
		if m.tops == nil {
			m.tops = slices.Clone(v)
		}
		for i := range v {
			m.tops[i] = max(m.tops[i], v[i])
		}
	}, func() { copy(v, m.doneT) })
	return nil
}

func TestSameBytesOnSeveralProcesses(t *testing.T) {
	const rows, parties = 9_000, 3
	x, raw := sample(2, rows)
	for _, o := range []Objective{Binary, Multiclass, Squared, Poisson} {
		opt, y := options(o), target(o, raw)
		opt.Trees, opt.Top, opt.Other, opt.Rate = 6, 0.3, 0.2, 0.4
		bins, err := FitBins(x, opt.MaxBins, opt.Categorical, opt.Seed, 1)
		if err != nil {
			t.Fatal(err)
		}
		alone := fitted(t, x, y, opt)
		models, faults := make([]*Boosted, parties), make([]error, parties)
		peers := newMeeting(parties)
		var wg sync.WaitGroup
		for p := range parties {
			wg.Go(func() {
				lo, hi := p*p*rows/9, (p+1)*(p+1)*rows/9
				part := make([]int, 0, hi-lo)
				for r := lo; r < hi; r++ {
					part = append(part, r)
				}
				mine := opt
				mine.Shard = Shard{First: lo, Total: rows, Bins: bins, Peers: peers, Labels: alone.Labels}
				models[p], faults[p] = FitBoosted(context.Background(), x.Take(part), y[lo:hi], nil, mine, nil)
			})
		}
		wg.Wait()
		for p, m := range models {
			if faults[p] != nil {
				t.Fatal(faults[p])
			}
			if !bytes.Equal(written(t, alone), written(t, m)) {
				t.Errorf("%s: process %d has another model than one process alone", o, p)
			}
		}
	}
}

// TestObjectivesLearn compares each objective's loss on new rows with that of a
// model without trees.
func TestObjectivesLearn(t *testing.T) {
	x, raw := sample(3, 12_000)
	xv, rawv := sample(4, 4_000)
	for _, o := range objectives {
		opt, y, yv := options(o), target(o, raw), target(o, rawv)
		opt.Trees, opt.Alpha = 60, 0.8
		m, err := FitBoosted(context.Background(), x, y, nil, opt, &Validation{X: xv, Y: yv})
		if err != nil {
			t.Fatal(err)
		}
		first, last := m.History[0], m.History[len(m.History)-1]
		if limit := map[Objective]float64{Cox: 0.97, Poisson: 1.05}[o]; !(last < first*cmpOr(limit, 0.7)) {
			t.Errorf("%s: the loss went from %v to %v", o, first, last)
		}
		if o == Quantile {
			below := 0.0
			p := make([]float64, xv.Rows)
			m.Scores(p, xv.RowMajor())
			for i, v := range yv {
				if v <= p[i] {
					below += 1 / float64(len(yv))
				}
			}
			if math.Abs(below-0.8) > 0.04 {
				t.Errorf("%v of new targets are below their 0.8 quantile", below)
			}
		}
	}
}

func cmpOr(v, other float64) float64 {
	if v == 0 {
		return other
	}
	return v
}

func TestBinsAndThresholdsAgree(t *testing.T) {
	x, raw := sample(6, 8_000)
	for _, o := range objectives {
		opt, y := options(o), target(o, raw)
		f := check2(newFit(context.Background(), x, y, nil, normalized(opt)))(t)
		for round := range 8 {
			if _, err := f.round(context.Background(), round); err != nil {
				t.Fatal(err)
			}
		}
		out := make([]float64, x.Rows*f.model.Outputs)
		f.model.Raw(out, x.RowMajor())
		for r := range x.Rows {
			for k := range f.model.Outputs {
				want := float64(f.score[k][r]) + f.model.Base[k]
				if got := out[r*f.model.Outputs+k]; math.Abs(got-want) > 1e-4*(1+math.Abs(want)) {
					t.Fatalf("%s: row %d scores %v, in training %v", o, r, got, want)
				}
			}
		}
	}
}

func normalized(o Options) *Options {
	o.normal()
	return &o
}

func check2(f *fit, err error) func(*testing.T) *fit {
	return func(t *testing.T) *fit {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
}

func TestWarmStartContinues(t *testing.T) {
	x, raw := sample(7, 6_000)
	opt, y := options(Squared), target(Squared, raw)
	all := fitted(t, x, y, opt)
	opt.Trees = 12
	half := fitted(t, x, y, opt)
	opt.Trees, opt.Init = 8, half
	rest := fitted(t, x, y, opt)
	if !bytes.Equal(written(t, all), written(t, rest)) {
		t.Error("12 rounds and 8 more are not 20 rounds")
	}
	opt.Objective = Poisson
	if _, err := FitBoosted(context.Background(), x, y, nil, opt, nil); !errs.Is(err, errs.Invalid) {
		t.Errorf("another objective was continued: %v", err)
	}
}

func TestEarlyStoppingKeepsTheBestRound(t *testing.T) {
	x, raw := sample(8, 3_000)
	xv, rawv := sample(9, 1_000)
	opt := options(Binary)
	opt.Trees, opt.Rate, opt.Patience = 400, 0.5, 5
	calls := 0
	opt.Metric = func(y, p, _ []float64) float64 {
		var sum float64
		for i, v := range y {
			sum -= v*math.Log(max(p[2*i+1], 1e-15)) + (1-v)*math.Log(max(p[2*i], 1e-15))
		}
		calls++
		return sum / float64(len(y))
	}
	m, err := FitBoosted(context.Background(), x, target(Binary, raw), nil, opt, &Validation{X: xv, Y: target(Binary, rawv)})
	if err != nil {
		t.Fatal(err)
	}
	best := slices.Index(m.History, slices.Min(m.History))
	if m.Rounds() != best+1 || len(m.History) != best+6 || calls != len(m.History) {
		t.Errorf("%d rounds kept of %d, the best is number %d", m.Rounds(), len(m.History), best+1)
	}
}
