package jobtest

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// Suite checks that a queue keeps every promise of job.Store. Make returns an
// empty one.
func Suite(t *testing.T, make func(t *testing.T) job.Store) {
	for name, test := range map[string]func(*testing.T, job.Store){
		"add and get": addAndGet, "list": list, "claim": claim, "lease": lease, "update": update, "cancel": cancel, "race": race,
	} {
		t.Run(name, func(t *testing.T) { test(t, make(t)) })
	}
}

func record(name string) job.Record {
	return job.Record{
		Name: name, Kind: job.KindCommand, Cluster: "cpu", Nodes: 1, Experiment: "e", Display: "d",
		Spec: json.RawMessage(`{"kind":"commandJob"}`), State: job.Queued, Created: noon,
	}
}

func add(t *testing.T, s job.Store, r job.Record) {
	t.Helper()
	if _, err := s.Add(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func take(t *testing.T, s job.Store, owner string, now time.Time, nodes int) (job.Record, error) {
	t.Helper()
	return s.Claim(t.Context(), job.Claim{Cluster: "cpu", Owner: owner, Now: now, Until: now.Add(time.Minute), MaxNodes: nodes})
}

func addAndGet(t *testing.T, s job.Store) {
	add(t, s, record("a"))
	if _, err := s.Add(t.Context(), record("a")); !errs.Is(err, errs.Exists) {
		t.Errorf("the same name twice: %v, want kind exists", err)
	}
	if _, err := s.Get(t.Context(), "b"); !errs.Is(err, errs.NotFound) {
		t.Errorf("an unknown name: %v, want kind not found", err)
	}
	got, err := s.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	want := record("a")
	want.Seq = got.Seq
	if a, b := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); a != b {
		t.Errorf("got  %s\nwant %s", a, b)
	}
}

func list(t *testing.T, s job.Store) {
	for i := range 5 {
		r := record(fmt.Sprintf("j%d", i))
		if i == 3 {
			r.Parent, r.Cluster = "j0", "gpu"
		}
		if i == 4 {
			r.State = job.Completed
		}
		add(t, s, r)
	}
	names := func(q job.Query) (out []string) {
		list, err := s.List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		n, err := s.Count(t.Context(), q)
		if err != nil || q.Limit == 0 && n != len(list) {
			t.Errorf("Count(%+v) = %d, %v, want %d", q, n, err, len(list))
		}
		for _, r := range list {
			out = append(out, r.Name)
			if r.Spec != nil {
				t.Errorf("List gives the spec of %s", r.Name)
			}
		}
		return out
	}
	for _, c := range []struct {
		q    job.Query
		want []string
	}{
		{job.Query{}, []string{"j4", "j3", "j2", "j1", "j0"}},
		{job.Query{Limit: 2}, []string{"j4", "j3"}},
		{job.Query{Cluster: "cpu", Top: true, States: []job.State{job.Queued}}, []string{"j2", "j1", "j0"}},
		{job.Query{Parent: "j0"}, []string{"j3"}},
		{job.Query{States: []job.State{job.Failed}}, nil},
	} {
		if got := names(c.q); !slices.Equal(got, c.want) {
			t.Errorf("List(%+v) = %v, want %v", c.q, got, c.want)
		}
	}
	j2, err := s.Get(t.Context(), "j2")
	if err != nil {
		t.Fatal(err)
	}
	if got := names(job.Query{Before: j2.Seq}); !slices.Equal(got, []string{"j1", "j0"}) {
		t.Errorf("the page before j2 = %v", got)
	}
}

func claim(t *testing.T, s job.Store) {
	big, watcher := record("big"), record("watcher")
	big.Nodes, watcher.Nodes, watcher.Kind = 4, 0, job.KindSweep
	add(t, s, big)
	add(t, s, record("small"))
	add(t, s, watcher)
	for _, want := range []string{"small", "watcher"} {
		got, err := take(t, s, "me", noon, 2)
		if err != nil || got.Name != want || got.State != job.Starting || got.Owner != "me" || got.Fence != 1 || got.Spec == nil {
			t.Errorf("claim = %+v, %v, want %s", got, err, want)
		}
	}
	if got, err := take(t, s, "me", noon, 2); !errs.Is(err, errs.NotFound) {
		t.Errorf("claim of too big a job = %+v, %v", got, err)
	}
	if got, err := take(t, s, "me", noon, 4); err != nil || got.Name != "big" {
		t.Errorf("claim = %+v, %v", got, err)
	}
	if got, err := s.Claim(t.Context(), job.Claim{Cluster: "gpu", Owner: "me", Now: noon, Until: noon, MaxNodes: 9}); !errs.Is(err, errs.NotFound) {
		t.Errorf("claim in another cluster = %+v, %v", got, err)
	}
}

func lease(t *testing.T, s job.Store) {
	add(t, s, record("a"))
	add(t, s, record("b"))
	first, err := take(t, s, "one", noon, 1)
	if err != nil {
		t.Fatal(err)
	}
	if names, err := s.Renew(t.Context(), "one", []string{"a", "b", "c"}, noon.Add(5*time.Minute)); err != nil || len(names) > 0 {
		t.Errorf("Renew = %v, %v", names, err)
	}
	if got, err := take(t, s, "two", noon.Add(4*time.Minute), 1); err != nil || got.Name != "b" {
		t.Errorf("within the lease: %+v, %v, want b", got, err)
	}
	again, err := take(t, s, "two", noon.Add(10*time.Minute), 1)
	if err != nil || again.Name != "a" || again.Fence != first.Fence+1 || again.State != job.Starting {
		t.Errorf("after the lease: %+v, %v, want a", again, err)
	}
	_, err = s.Update(t.Context(), "a", first.Fence, func(*job.Record) error { t.Error("changed behind an old fence"); return nil })
	if !errs.Is(err, errs.State) {
		t.Errorf("update with an old fence: %v, want kind state", err)
	}
	if err := s.Expire(t.Context(), "cpu"); err != nil {
		t.Fatal(err)
	}
	if got, err := take(t, s, "three", noon.Add(10*time.Minute), 1); err != nil || got.Name != "a" || got.Fence != 3 {
		t.Errorf("after Expire: %+v, %v, want a", got, err)
	}
}

func update(t *testing.T, s job.Store) {
	add(t, s, record("a"))
	r, err := take(t, s, "me", noon, 1)
	if err != nil {
		t.Fatal(err)
	}
	code := 3
	got, err := s.Update(t.Context(), "a", r.Fence, func(r *job.Record) error {
		r.State, r.Outcome, r.Detail, r.RunID, r.ExitCode = job.Finalizing, job.Failed, "why", "run", &code
		r.Attempt, r.Lost, r.Failures, r.Best, r.Notes = 2, 1, 1, "child", json.RawMessage(`{"n":1}`)
		r.Processes = []job.Process{{PID: 7, Started: "42"}}
		r.Started, r.Ended = noon.Add(time.Second), noon.Add(1500*time.Millisecond)
		r.Name, r.Owner, r.Fence = "stolen", "thief", 99
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	stored, err := s.Get(t.Context(), "a")
	if err != nil {
		t.Fatal(err)
	}
	x, _ := json.Marshal(got)
	y, _ := json.Marshal(stored)
	if string(x) != string(y) || stored.Owner != "me" || stored.Fence != r.Fence || stored.Detail != "why" || *stored.ExitCode != 3 {
		t.Errorf("updated %s\nstored  %s", x, y)
	}
	stop := errors.New("stop")
	if _, err := s.Update(t.Context(), "a", r.Fence, func(r *job.Record) error { r.Detail = "no"; return stop }); !errors.Is(err, stop) {
		t.Errorf("error of change: %v", err)
	}
	if r, _ := s.Get(t.Context(), "a"); r.Detail != "why" {
		t.Error("a change that failed was written")
	}
	if _, err := s.Update(t.Context(), "a", r.Fence, func(r *job.Record) error { r.State = job.Failed; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(t.Context(), "a", r.Fence, func(*job.Record) error { return nil }); !errs.Is(err, errs.State) {
		t.Errorf("update after the end: %v, want kind state", err)
	}
	if _, err := s.Update(t.Context(), "nobody", 1, func(*job.Record) error { return nil }); !errs.Is(err, errs.NotFound) {
		t.Errorf("update of nobody: %v, want kind not found", err)
	}
}

func cancel(t *testing.T, s job.Store) {
	add(t, s, record("a"))
	add(t, s, record("b"))
	if _, err := take(t, s, "me", noon, 1); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if r, err := s.Cancel(t.Context(), "a", noon); err != nil || r.State != job.CancelRequested {
			t.Errorf("cancel in progress: %+v, %v", r, err)
		}
	}
	if names, err := s.Renew(t.Context(), "me", []string{"a"}, noon); err != nil || !slices.Equal(names, []string{"a"}) {
		t.Errorf("Renew = %v, %v, want a", names, err)
	}
	if r, err := s.Cancel(t.Context(), "b", noon); err != nil || r.State != job.Canceled || !r.Ended.Equal(noon) {
		t.Errorf("cancel of a waiting job: %+v, %v", r, err)
	}
	if _, err := s.Cancel(t.Context(), "b", noon); !errs.Is(err, errs.State) {
		t.Errorf("cancel after the end: %v, want kind state", err)
	}
	if _, err := s.Cancel(t.Context(), "nobody", noon); !errs.Is(err, errs.NotFound) {
		t.Errorf("cancel of nobody: %v, want kind not found", err)
	}
}

// CatalogSuite checks that a catalog keeps every promise of job.Catalog.
func CatalogSuite(t *testing.T, c job.Catalog) {
	ctx := t.Context()
	for _, v := range []string{"1", "10", "2"} {
		if err := c.Put(ctx, job.Asset{Kind: job.KindData, Name: "d", Version: v, Spec: json.RawMessage(`{"v":` + v + `}`), Created: noon}); err != nil {
			t.Fatal(err)
		}
	}
	again := job.Asset{Kind: job.KindData, Name: "d", Version: "1", Spec: json.RawMessage(`{"v":"new"}`), Created: noon}
	other := job.Asset{Kind: job.KindModel, Name: "d", Version: "7", Spec: json.RawMessage(`{}`), Created: noon}
	for _, a := range []job.Asset{again, other, {Kind: job.KindData, Name: "a", Spec: json.RawMessage(`{}`), Created: noon}} {
		if err := c.Put(ctx, a); err != nil {
			t.Fatal(err)
		}
	}
	for version, want := range map[string]string{"": `{"v":"new"}`, "latest": `{"v":"new"}`, "10": `{"v":10}`} {
		if a, err := c.Asset(ctx, job.KindData, "d", version); err != nil || string(a.Spec) != want || !a.Created.Equal(noon) {
			t.Errorf("Asset(%q) = %s, %v, want %s", version, a.Spec, err, want)
		}
	}
	if _, err := c.Asset(ctx, job.KindData, "d", "3"); !errs.Is(err, errs.NotFound) {
		t.Errorf("an unknown version: %v, want kind not found", err)
	}
	list, err := c.Assets(ctx, job.KindData)
	if err != nil || len(list) != 4 || list[0].Name != "a" || list[1].Version != "1" || list[3].Version != "10" {
		t.Errorf("Assets = %+v, %v", list, err)
	}
	if err := c.Drop(ctx, job.KindData, "d"); err != nil {
		t.Error(err)
	}
	if err := c.Drop(ctx, job.KindData, "d"); !errs.Is(err, errs.NotFound) {
		t.Errorf("dropping twice: %v, want kind not found", err)
	}
	if _, err := c.Asset(ctx, job.KindModel, "d", ""); err != nil {
		t.Errorf("the model of the same name went too: %v", err)
	}
}

// race lets several owners claim the same jobs at once: each job goes to one.
func race(t *testing.T, s job.Store) {
	const jobs, owners = 40, 4
	for i := range jobs {
		add(t, s, record(fmt.Sprintf("j%02d", i)))
	}
	var mu sync.Mutex
	seen := map[string]string{}
	var done sync.WaitGroup
	for o := range owners {
		owner := fmt.Sprint("owner", o)
		done.Go(func() {
			for {
				r, err := take(t, s, owner, noon, 1)
				if err != nil {
					if !errs.Is(err, errs.NotFound) {
						t.Error(err)
					}
					return
				}
				mu.Lock()
				if other, ok := seen[r.Name]; ok {
					t.Errorf("%s and %s both got %s", owner, other, r.Name)
				}
				seen[r.Name] = owner
				mu.Unlock()
			}
		})
	}
	done.Wait()
	if len(seen) != jobs {
		t.Errorf("%d of %d jobs were claimed", len(seen), jobs)
	}
}
