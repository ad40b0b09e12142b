// Package storetest holds the checks that every store of experiments and models
// must pass, whatever database is behind it.
package storetest

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Stores is an empty database under test.
type Stores struct {
	Tracking tracking.Store
	Registry registry.Store
	Auth     auth.Store // in the same database
}

// bench is the services on a fresh database and a clock that moves by itself.
type bench struct {
	runs   *tracking.Service
	models *registry.Service
	auth   auth.Store
	store  tracking.Store
	mu     sync.Mutex
	clock  time.Time
}

func (b *bench) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(time.Millisecond)
	return b.clock
}

// RunArtifacts makes bench a registry.Sources.
func (b *bench) RunArtifacts(ctx ctx, id string) (string, error) {
	info, err := b.runs.RunInfo(ctx, id)
	if err != nil {
		return "", err
	}
	return info.ArtifactURI, nil
}

// LoggedModel makes bench a registry.Sources.
func (b *bench) LoggedModel(ctx ctx, id string) (string, string, error) {
	m, err := b.runs.Model(ctx, id)
	if err != nil {
		return "", "", err
	}
	return m.ArtifactURI, m.SourceRunID, nil
}

// Run runs every check, each on a database that open makes.
func Run(t *testing.T, open func(t *testing.T) Stores) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, *bench)
	}{
		{"experiments", experiments}, {"runs", runs}, {"logging", logging}, {"batches are whole", wholeBatches}, {"latest", latest},
		{"history", history}, {"sampled", sampled}, {"inputs", inputs}, {"filters", filters}, {"orders and pages", orders},
		{"bare runs", bareRuns}, {"kept bodies", keptBodies}, {"logged models", loggedModels}, {"registry", registryChecks}, {"aliases", aliases}, {"stages", stages},
		{"version search", versionSearch}, {"moves", moves}, {"texts and numbers", textsAndNumbers}, {"together", together},
		{"users", authUsers}, {"grants", authGrants}, {"makers", authMakers}, {"credentials", authCredentials}, {"audit log", authLog},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := open(t)
			b := &bench{store: s.Tracking, auth: s.Auth, clock: time.UnixMilli(4_000_000_000_000)}
			b.runs = tracking.New(s.Tracking, "mlflow-artifacts:", b.now, 1)
			b.models = registry.New(s.Registry, b, b.now)
			if err := b.runs.Prepare(t.Context()); err != nil {
				t.Fatal(err)
			}
			c.f(t, b)
		})
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(tb testing.TB) T {
		tb.Helper()
		if err != nil {
			tb.Fatal(err)
		}
		return v
	}
}

func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused wants a failure of that kind.
func refused(t *testing.T, err error, kind errs.Kind) {
	t.Helper()
	if !errs.Is(err, kind) {
		t.Errorf("got the error %v (%v), want one of kind %v", err, errs.KindOf(err), kind)
	}
}

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: got %s, want %s", what, g, w)
	}
}

// run makes a run with a name.
func (b *bench) run(t *testing.T, experiment, name string) *tracking.Run {
	t.Helper()
	return must(b.runs.CreateRun(t.Context(), tracking.NewRun{ExperimentID: experiment, Name: name, Start: b.now().UnixMilli()}))(t)
}

func metric(key string, value float64, time, step int64) tracking.Metric {
	return tracking.Metric{Key: key, Value: value, Timestamp: time, Step: step}
}

func names(list []*tracking.Run) []string {
	out := []string{}
	for _, r := range list {
		out = append(out, r.Name)
	}
	return out
}
