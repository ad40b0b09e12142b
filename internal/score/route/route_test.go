package route

import (
	"bytes"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSplitKeepsSharesAndMovesLittle(t *testing.T) {
	names := []string{"champion", "a", "b"}
	before, after := newSplit(names, []float64{70, 20, 10}), newSplit(names, []float64{60, 30, 10})
	const n = 100_000
	var count [3]int
	moved, wrong := 0, 0
	for i := range n {
		key := fmt.Sprintf("ZA%05d", i)
		p, q := before.pick(key), after.pick(key)
		if p != before.pick(key) {
			t.Fatalf("%s has two routes", key)
		}
		count[p]++
		if p != q {
			moved++
			if q != 1 && p != 0 {
				wrong++
			}
		}
	}
	for i, want := range []float64{.7, .2, .1} {
		if got := float64(count[i]) / n; math.Abs(got-want) > 4*math.Sqrt(want*(1-want)/n) {
			t.Errorf("%s has %.4f of the keys, want %.2f", names[i], got, want)
		}
	}
	// The weight that moves is .1; ratios of the others stay, so nothing else has to.
	if share := float64(moved) / n; share > .135 || share < .09 || wrong > 0 {
		t.Errorf("%.4f of the keys moved, %d of them between routes that had no reason", share, wrong)
	}
	if got := newSplit(names, []float64{50, 25, 25}).pick("ZA00001"); got != newSplit(names, []float64{50, 25, 25}).pick("ZA00001") {
		t.Error("a key's route depends on more than key and weights")
	}
}

func router(t *testing.T, now *time.Time, rb Rollback) (*Router, *Route, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	r, err := New(Config{Challengers: []Challenger{{Name: "next", Model: "m", Weight: 50}}, Rollback: rb},
		func() time.Time { return *now }, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return r, r.Routes()[1], &log
}

// keyOf returns a key of the route.
func keyOf(r *Router, rt *Route) string {
	for i := 0; ; i++ {
		if k := fmt.Sprint(i); r.Routes()[r.split.pick(k)] == rt {
			return k
		}
	}
}

func TestRollbackOnErrorsAndBack(t *testing.T) {
	now := time.Unix(1e9, 0)
	r, next, log := router(t, &now, Rollback{ErrorRate: .1, Window: time.Minute, Least: 20, Hold: 5 * time.Minute})
	key := keyOf(r, next)
	for i := range 100 { // 8 %: under the limit
		r.Observe(next, false, time.Millisecond, i%100 >= 92)
		now = now.Add(500 * time.Millisecond)
	}
	if r.Pick(key) != next {
		t.Fatal("rolled back under the limit")
	}
	for range 20 {
		r.Observe(next, false, time.Millisecond, true)
	}
	if r.Pick(key) != r.Routes()[0] || !strings.Contains(log.String(), "rolled back") {
		t.Fatalf("not rolled back: %s", log)
	}
	if s := r.States(); s[0].Weight != 100 || s[1].Weight != 0 || s[1].Configured != 50 || !s[1].RolledBack || s[1].Reason == "" {
		t.Errorf("%+v", s)
	}
	if sh := r.Shadows(nil, key, r.Routes()[0]); len(sh) != 1 || sh[0] != next {
		t.Errorf("a lost challenger is not asked in the shadow: %v", sh)
	}
	step := func(d time.Duration, every int) { // asks once a second; one in every fails
		for i := range int(d / time.Second) {
			now = now.Add(time.Second)
			r.Observe(next, true, time.Millisecond, i%every == 0)
		}
	}
	step(4*time.Minute, 1000)
	if r.Pick(key) == next {
		t.Fatal("back before its time")
	}
	step(4*time.Minute, 14) // 7 %: under the limit, over half of it
	if r.Pick(key) == next {
		t.Fatal("back while it was not clearly better: it would flap")
	}
	step(2*time.Minute, 1000)
	if r.Pick(key) != next || r.States()[1].Rollbacks != 1 {
		t.Fatal("not back though healthy")
	}
}

func TestRollbackOnLatency(t *testing.T) {
	now := time.Unix(1e9, 0)
	r, next, _ := router(t, &now, Rollback{Latency: 10 * time.Millisecond, Hold: -1})
	key := keyOf(r, next)
	for i := range 100 {
		took := time.Millisecond
		if i%25 == 24 { // 4 %
			took = time.Second
		}
		r.Observe(next, false, took, false)
	}
	if r.Pick(key) != next {
		t.Fatal("rolled back though the 95th percentile is under the limit")
	}
	for range 5 {
		r.Observe(next, false, 11*time.Millisecond, false)
	}
	if r.Pick(key) == next {
		t.Fatal("a slow challenger keeps its share")
	}
	for range 10_000 {
		now = now.Add(time.Second)
		r.Observe(next, true, time.Millisecond, false)
	}
	if r.Pick(key) == next {
		t.Fatal("hold below 0 is for good")
	}
}

func TestFewRequestsAndOldOnesDoNotCount(t *testing.T) {
	now := time.Unix(1e9, 0)
	r, next, _ := router(t, &now, Rollback{Least: 10})
	for range 1000 { // nine failures in any minute
		for range 9 {
			r.Observe(next, false, 0, true)
		}
		now = now.Add(2 * time.Minute)
	}
	if r.States()[1].RolledBack {
		t.Error("rolled back on fewer requests than wanted, or on old ones")
	}
}

func TestReadConfig(t *testing.T) {
	for name, c := range map[string]struct{ text, bad string }{
		"whole":   {"champion: a\nkey: serial\nchallengers:\n- {name: n, model: b, weight: 10}\n- {name: s, model: c, shadow: true}\nrollback: {error_rate: .02, latency: 50ms, window: 2m, hold: 1h}\n", ""},
		"unknown": {"champion: a\nchallengers:\n- {modle: b}\n", "line 3"},
		"sum":     {"challengers:\n- {name: a, model: b, weight: 60}\n- {name: c, model: b, weight: 60}\n", "120"},
		"twice":   {"challengers:\n- {name: a, model: b}\n- {name: a, model: b}\n", "two routes"},
		"shadow":  {"challengers:\n- {name: a, model: b, shadow: true, weight: 1}\n", "never answers"},
		"weight":  {"challengers:\n- {model: b, weight: -1}\n", "0 to 100"},
		"nan":     {"challengers:\n- {model: b, weight: .nan}\n", "0 to 100"},
		"rate":    {"rollback: {error_rate: 5}\n", "share"},
		"model":   {"challengers:\n- {weight: 1}\n", "no model"},
	} {
		path := filepath.Join(t.TempDir(), "routes.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o644); err != nil {
			t.Fatal(err)
		}
		cfg, err := ReadConfig(path)
		switch {
		case c.bad == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.bad == "" && (cfg.Rollback.Latency != 50*time.Millisecond || cfg.Key != "serial" || !cfg.Challengers[1].Shadow):
			t.Errorf("%s: %+v", name, cfg)
		case c.bad != "" && (err == nil || !strings.Contains(err.Error(), c.bad)):
			t.Errorf("%s: %v, want %q", name, err, c.bad)
		}
	}
}

func TestParseChallenger(t *testing.T) {
	c, err := ParseChallenger("next=models:/m@challenger,weight=12.5%")
	if err != nil || c != (Challenger{Name: "next", Model: "models:/m@challenger", Weight: 12.5}) {
		t.Errorf("%+v, %v", c, err)
	}
	c, err = ParseChallenger("dir/model,shadow")
	if err != nil || c != (Challenger{Model: "dir/model", Shadow: true}) {
		t.Errorf("%+v, %v", c, err)
	}
	for _, bad := range []string{"a=b,weight=x", "a=b,wieght=1"} {
		if _, err := ParseChallenger(bad); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}
