package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/search"
)

func spaceOf(t *testing.T, texts ...string) search.Space {
	t.Helper()
	s, err := search.ParseSpace(texts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// bumpy is an objective of three steps with a hill at x = 0.3 on branch b; it
// fails now and then, and takes a time that has nothing to do with the order.
func bumpy(ctx context.Context, j Job, params map[string]string, report func(float64) bool) error {
	x, err := strconv.ParseFloat(params["x"], 64)
	if err != nil {
		return err
	}
	time.Sleep(time.Duration(rand.IntN(300)) * time.Microsecond)
	if math.Mod(x*1000, 1) > 0.9 {
		return errors.New("no luck")
	}
	v := 1 - (x-0.3)*(x-0.3)
	if params["branch"] == "b" {
		v += 0.1
	}
	for step := range 3 {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !report(v + 0.01*math.Sin(1000*x+float64(step)) - 0.05*(1-j.Share)) {
			return nil
		}
	}
	return nil
}

func studies(t *testing.T) map[string]Settings {
	t.Helper()
	space := spaceOf(t, "x=uniform(0,1)", "branch=choice(a,b,c)")
	out := map[string]Settings{
		"grid": {Space: spaceOf(t, "x=choice(0.1,0.2,0.3,0.4)", "branch=choice(a,b,c)"), Method: "grid"},
	}
	for _, m := range Methods()[1:] {
		out[m] = Settings{Space: space, Method: m}
		out[m+" pruned"] = Settings{Space: space, Method: m, Prune: "median"}
		if m == "bayesian" {
			continue // slow, and drawn as tpe is
		}
		out[m+" sha"] = Settings{Space: space, Method: m, Halving: Halving{Kind: "sha"}}
		out[m+" asha"] = Settings{Space: space, Method: m, Halving: Halving{Kind: "asha", Eta: 2, Least: 0.25}}
	}
	for name, s := range out {
		s.Seed, s.Trials, s.Goal, s.Steps = 7, 30, search.Maximize, 3
		out[name] = s
	}
	return out
}

// timeless is a result without what depends on the clock and on resuming.
func timeless(r *Result) *Result {
	c := *r
	c.Resumed = 0
	c.Jobs = append([]Outcome{}, r.Jobs...)
	for i := range c.Jobs {
		c.Jobs[i].Seconds = 0
	}
	return &c
}

// TestResumedEqualsUninterrupted runs every kind of study in one go; then again
// with other numbers of workers, interrupted at random moments and with the
// journal torn, and wants the same jobs with the same outcomes in the same order.
func TestResumedEqualsUninterrupted(t *testing.T) {
	for name, s := range studies(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole, err := Run(t.Context(), s, bumpy, Options{Workers: 1, Now: time.Now})
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(3) {
				r := rand.New(rand.NewPCG(seed, 99))
				journal := filepath.Join(t.TempDir(), "study.jsonl")
				got := interrupted(t, s, journal, r)
				if !reflect.DeepEqual(timeless(got), timeless(whole)) {
					t.Fatalf("seed %d: %d jobs, best %+v\nwant %d jobs, best %+v", seed, len(got.Jobs), got.Jobs[got.Best], len(whole.Jobs), whole.Jobs[whole.Best])
				}
			}
		})
	}
}

// interrupted runs a study in pieces until it is finished.
func interrupted(t *testing.T, s Settings, journal string, r *rand.Rand) *Result {
	t.Helper()
	for piece := 0; ; piece++ {
		ctx, cancel := context.WithCancel(t.Context())
		left := int32(1 + r.IntN(12))
		if piece > 20 {
			left = math.MaxInt32
		}
		got, err := Run(ctx, s, func(ctx context.Context, j Job, p map[string]string, report func(float64) bool) error {
			if atomic.AddInt32(&left, -1) < 0 {
				cancel()
			}
			return bumpy(ctx, j, p, report)
		}, Options{Workers: 1 + r.IntN(5), Journal: journal, Now: time.Now})
		cancel()
		if err == nil {
			return got
		}
		if !errs.Is(err, errs.Canceled) {
			t.Fatal(err)
		}
		text, err := os.ReadFile(journal)
		if err != nil {
			t.Fatal(err)
		}
		if cut := r.IntN(80); r.IntN(2) == 0 && len(text) > cut {
			text = text[:len(text)-cut]
		}
		if err := os.WriteFile(journal, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// TestMoreTrialsContinue wants a study of 20 trials that is run again with 30 to
// equal one of 30.
func TestMoreTrialsContinue(t *testing.T) {
	s := studies(t)["tpe"]
	journal := filepath.Join(t.TempDir(), "study.jsonl")
	s.Trials = 20
	if _, err := Run(t.Context(), s, bumpy, Options{Workers: 3, Journal: journal, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	s.Trials = 30
	more, err := Run(t.Context(), s, bumpy, Options{Workers: 2, Journal: journal, Now: time.Now})
	if err != nil || more.Resumed != 20 {
		t.Fatal(more, err)
	}
	whole, err := Run(t.Context(), s, bumpy, Options{Now: time.Now})
	if err != nil || !reflect.DeepEqual(timeless(more), timeless(whole)) {
		t.Errorf("20 and 10 trials are not 30 trials: %v", err)
	}
}

// TestNothingIsJudgedTwice draws 30 trials of a space of four settings.
func TestNothingIsJudgedTwice(t *testing.T) {
	s := Settings{Space: spaceOf(t, "x=int(1,4)"), Method: "tpe", Seed: 1, Trials: 30, Goal: search.Maximize, Steps: 2, Ahead: 2}
	tries := int32(0)
	r, err := Run(t.Context(), s, func(ctx context.Context, j Job, p map[string]string, report func(float64) bool) error {
		atomic.AddInt32(&tries, 1)
		return curves(2)(ctx, j, p, report)
	}, Options{Workers: 3, Now: time.Now})
	if err != nil || tries > 8 || len(r.Jobs) != 30 || r.Jobs[r.Best].Params["x"] != "4" {
		t.Errorf("30 trials of four settings were judged %d times: %+v, %v", tries, r, err)
	}
}

// curves reports steps of curves that rise at the same pace and never cross: the
// setting with the largest x is the best at each step.
func curves(steps int) Objective {
	return func(_ context.Context, _ Job, params map[string]string, report func(float64) bool) error {
		x, err := strconv.ParseFloat(params["x"], 64)
		for step := 0; err == nil && step < steps && report(x+math.Sqrt(float64(step))); step++ {
		}
		return err
	}
}

func TestPruningKeepsTheWinner(t *testing.T) {
	for seed := range uint64(20) {
		s := Settings{Space: spaceOf(t, "x=uniform(0,1)"), Method: "random", Seed: seed, Trials: 40, Goal: search.Maximize, Steps: 6}
		plain, err := Run(t.Context(), s, curves(6), Options{Workers: 2, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		s.Prune = "median"
		pruned, err := Run(t.Context(), s, curves(6), Options{Workers: 2, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		stopped := 0
		for _, o := range pruned.Jobs {
			if o.State == Pruned {
				stopped++
			}
		}
		if pruned.Best != plain.Best || stopped < 8 {
			t.Errorf("seed %d: the best is job %d with pruning and %d without; %d of 40 were stopped", seed, pruned.Best, plain.Best, stopped)
		}
	}
}

func TestHalvingPromotesTheBest(t *testing.T) {
	value := func(_ context.Context, j Job, params map[string]string, report func(float64) bool) error {
		x, err := strconv.ParseFloat(params["x"], 64)
		report(x + j.Share)
		return err
	}
	for _, goal := range []search.Goal{search.Maximize, search.Minimize} {
		s := Settings{Space: spaceOf(t, "x=uniform(0,1)"), Method: "random", Seed: 3, Trials: 27, Goal: goal, Steps: 1,
			Halving: Halving{Kind: "sha", Eta: 3, Least: 1. / 9}}
		r, err := Run(t.Context(), s, value, Options{Workers: 4, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if len(r.Jobs) != 27+9+3 || r.Jobs[r.Best].Share != 1 {
			t.Fatalf("%d jobs, the best with share %v; want 39 and 1", len(r.Jobs), r.Jobs[r.Best].Share)
		}
		for rung, part := range [][]Outcome{r.Jobs[27:36], r.Jobs[36:]} {
			below := r.Jobs[:27]
			if rung == 1 {
				below = r.Jobs[27:36]
			}
			for _, o := range part {
				better := 0
				for _, b := range below {
					if goal.Better(b.Value, o.Value+b.Share-o.Share) {
						better++
					}
				}
				if o.Rung != rung+1 || better >= len(part) {
					t.Errorf("%s: trial %d went to rung %d, and %d of %d below were better", goal, o.Trial, o.Rung, better, len(below))
				}
			}
		}
		s.Halving.Kind = "asha"
		a, err := Run(t.Context(), s, value, Options{Workers: 4, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		if a.Jobs[a.Best].Trial != r.Jobs[r.Best].Trial || a.Jobs[a.Best].Share != 1 {
			t.Errorf("%s: asha takes trial %d with share %v, sha trial %d", goal, a.Jobs[a.Best].Trial, a.Jobs[a.Best].Share, r.Jobs[r.Best].Trial)
		}
		for _, o := range a.Jobs {
			if o.Rung > 0 && !promotable(a.Jobs[:o.Job.Job], o, goal) {
				t.Errorf("asha took trial %d to rung %d out of turn", o.Trial, o.Rung)
			}
		}
	}
}

// promotable reports whether a third of the jobs decided before is enough to have
// the trial among the best.
func promotable(before []Outcome, o Outcome, goal search.Goal) bool {
	var below, at Outcome
	n, better := 0, 0
	for _, b := range before {
		if b.Rung == o.Rung-1 && b.Trial == o.Trial {
			at = b
		}
	}
	for _, below = range before {
		if below.Rung == o.Rung-1 {
			n++
			if goal.Better(below.Value, at.Value) {
				better++
			}
		}
	}
	return at.Params != nil && better < (n+2)/3+DefaultAhead
}

func TestFailures(t *testing.T) {
	s := Settings{Space: spaceOf(t, "x=uniform(0,1)"), Method: "random", Trials: 300, Goal: search.Maximize, Steps: 2}
	for name, c := range map[string]struct {
		f    Objective
		want string
	}{
		"all fail": {func(context.Context, Job, map[string]string, func(float64) bool) error {
			return errors.New("odd depth")
		}, "odd depth"},
		"NaN": {func(_ context.Context, _ Job, _ map[string]string, r func(float64) bool) error {
			r(math.NaN())
			return nil
		}, "not defined in step 1"},
		"too short": {func(_ context.Context, _ Job, _ map[string]string, r func(float64) bool) error { r(1); return nil }, "1 of 2 steps"},
	} {
		tries := int32(0)
		_, err := Run(t.Context(), s, func(ctx context.Context, j Job, p map[string]string, r func(float64) bool) error {
			atomic.AddInt32(&tries, 1)
			time.Sleep(time.Millisecond)
			return c.f(ctx, j, p, r)
		}, Options{Workers: 2, Now: time.Now})
		if !errs.Is(err, errs.Invalid) || tries > 30 {
			t.Errorf("%s: %v after %d jobs", name, err, tries)
		}
		if got := fmt.Sprint(err); !contains(got, c.want) {
			t.Errorf("%s: %s, want it to say %q", name, got, c.want)
		}
	}
}
