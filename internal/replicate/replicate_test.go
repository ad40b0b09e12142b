package replicate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/replicate"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// region is a server with a store of its own.
type region struct {
	*client.Client
	t     *testing.T
	files string
	fail  func(*http.Request) bool // the connection is cut after the request was answered
}

func start(t *testing.T) *region {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+filepath.ToSlash(filepath.Join(dir, "store.db")), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := &region{t: t, files: filepath.Join(dir, "artifacts")}
	files, err := artifact.OpenFolder(r.files)
	if err != nil {
		t.Fatal(err)
	}
	h, err := mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if r.fail != nil && r.fail(q) {
			h.ServeHTTP(httptest.NewRecorder(), q)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(w, q)
	}))
	t.Cleanup(func() {
		s.Close()
		h.Close()
		files.Close()
		db.Close()
	})
	if r.Client, err = client.New(s.URL, nil, client.WithRetries(1, 0)); err != nil {
		t.Fatal(err)
	}
	return r
}

// add registers a version of a model with a run of its own.
func (r *region) add(name, text string) *client.Version {
	r.t.Helper()
	ctx := r.t.Context()
	dir := r.t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "data"), 0o755); err != nil {
		r.t.Fatal(err)
	}
	for file, content := range map[string]string{"MLmodel": "flavors: {}\n", "data/weights.bin": text, "empty": ""} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(content), 0o644); err != nil {
			r.t.Fatal(err)
		}
	}
	e, err := r.EnsureExperiment(ctx, "drives")
	if err != nil {
		r.t.Fatal(err)
	}
	run, err := r.CreateRun(ctx, e.ID, "fit", time.UnixMilli(1_700_000_000_000), []client.Tag{{Key: "color", Value: "red"}})
	if err != nil {
		r.t.Fatal(err)
	}
	points := []client.Metric{{Key: "auc", Value: .5, Time: time.UnixMilli(1), Step: 0}, {Key: "auc", Value: .9, Time: time.UnixMilli(2), Step: 1}}
	if err := r.Log(ctx, run.ID, points, []client.Tag{{Key: "depth", Value: "8"}}, nil); err != nil {
		r.t.Fatal(err)
	}
	if err := r.UpdateRun(ctx, run.ID, "FINISHED", time.UnixMilli(1_700_000_009_000)); err != nil {
		r.t.Fatal(err)
	}
	if err := r.UploadDir(ctx, run.ArtifactURI+"/model", dir); err != nil {
		r.t.Fatal(err)
	}
	v, err := r.Register(ctx, name, run.ArtifactURI+"/model", run.ID, []client.Tag{{Key: "roc_auc", Value: "0.9"}})
	if err != nil {
		r.t.Fatal(err)
	}
	return v
}

func (r *region) text(name, version string) string {
	r.t.Helper()
	uri, err := r.DownloadURI(r.t.Context(), name, version)
	if err != nil {
		r.t.Fatal(err)
	}
	text, err := r.ReadFile(r.t.Context(), uri, "data/weights.bin", 1<<20)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// shown describes the versions and aliases of a model as a user sees them.
func (r *region) shown(name string) string {
	r.t.Helper()
	m, err := r.GetModel(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	versions, err := r.Versions(r.t.Context(), name)
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, v := range versions {
		tags := slices.DeleteFunc(v.Tags, func(t client.Tag) bool { return strings.HasPrefix(t.Key, "drivecast.replica.") })
		out = append(out, fmt.Sprint(v.Version, v.Stage, v.Description, tags, r.text(name, v.Version)))
	}
	for _, a := range m.Aliases {
		out = append(out, a.Alias+"="+a.Version)
	}
	slices.Sort(out)
	return m.Description + "\n" + strings.Join(out, "\n")
}

func pass(t *testing.T, from, to *region, o replicate.Options) replicate.Report {
	t.Helper()
	r, err := replicate.New(from.Client, to.Client, o)
	if err != nil {
		t.Fatal(err)
	}
	report, err := r.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func must(t *testing.T, all ...error) {
	t.Helper()
	for _, err := range all {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnce(t *testing.T) {
	a, b, ctx := start(t), start(t), t.Context()
	for i := range 4 {
		a.add("hdd", fmt.Sprint("weights ", i))
	}
	a.add("it's 100% <odd>", "x")
	must(t, a.DeleteVersion(ctx, "hdd", "2"), a.SetAlias(ctx, "hdd", "champion", "3"), a.DescribeModel(ctx, "hdd", "drives"),
		a.StageVersion(ctx, "hdd", "4", "Production"), a.DescribeVersion(ctx, "hdd", "4", "the fourth"), a.SetModelTag(ctx, "hdd", client.Tag{Key: "team", Value: "ops"}))
	got := pass(t, a, b, replicate.Options{})
	if got.Models != 2 || got.Versions != 4 || got.Runs != 4 || got.Files != 12 || got.Aliases != 1 || got.Err() != nil || len(got.Kept) > 0 {
		t.Errorf("got %+v", got)
	}
	for _, name := range []string{"hdd", "it's 100% <odd>"} {
		if x, y := a.shown(name), b.shown(name); x != y {
			t.Errorf("the source has\n%s\nthe target\n%s", x, y)
		}
	}
	if got := pass(t, a, b, replicate.Options{Verify: true}); !got.Quiet() || got.Known != 4 {
		t.Errorf("a second pass: %+v", got)
	}
	v, err := b.Resolve(ctx, "models:/hdd@champion")
	must(t, err)
	run, err := b.GetRun(ctx, v.RunID)
	must(t, err)
	history, err := b.MetricHistory(ctx, v.RunID, "auc")
	if auc, _ := run.Metric("auc"); err != nil || auc != .9 || len(history) != 2 || run.Param("depth") != "8" || run.Tag("color") != "red" || run.Info.Name != "fit" ||
		run.Info.Status != "FINISHED" || run.Info.Start != 1_700_000_000_000 || run.Info.End != 1_700_000_009_000 {
		t.Errorf("the run is %+v with %v, %v", run, history, err)
	}
	// what changes later follows
	must(t, a.SetVersionTag(ctx, "hdd", "3", client.Tag{Key: "gate", Value: "passed"}), a.SetAlias(ctx, "hdd", "champion", "4"), a.StageVersion(ctx, "hdd", "4", "Archived"))
	a.add("hdd", "weights 9")
	if got := pass(t, a, b, replicate.Options{Models: []string{"hdd"}}); got.Versions != 1 || got.Changed != 2 || got.Aliases != 1 || got.Files != 3 {
		t.Errorf("got %+v", got)
	}
	if x, y := a.shown("hdd"), b.shown("hdd"); x != y {
		t.Errorf("the source has\n%s\nthe target\n%s", x, y)
	}
}

func TestConflicts(t *testing.T) {
	a, b, ctx := start(t), start(t), t.Context()
	a.add("hdd", "one")
	a.add("hdd", "two")
	a.add("hdd", "three")
	b.add("hdd", "one") // the same files: adopted
	b.add("hdd", "other")
	must(t, a.SetAlias(ctx, "hdd", "champion", "3"), b.SetAlias(ctx, "hdd", "champion", "2"))
	r, err := replicate.New(a.Client, b.Client, replicate.Options{})
	must(t, err)
	for range 2 {
		got, err := r.Once(ctx)
		if err != nil || len(got.Conflicts) != 1 || got.Conflicts[0].Version != "2" || !errs.Is(got.Err(), errs.State) || len(got.Kept) != 1 {
			t.Fatalf("got %+v, %v", got, err)
		}
		if b.text("hdd", "2") != "other" || b.text("hdd", "3") != "three" {
			t.Error("the target's own version was changed, or the next was not made")
		}
	}
	got := pass(t, a, b, replicate.Options{TakeAliases: true})
	if v, err := b.ByAlias(ctx, "hdd", "champion"); err != nil || v.Version != "3" || got.Aliases != 1 {
		t.Errorf("champion is %v, %v", v, err)
	}
	// a region rolls back: its decision stays
	must(t, b.SetAlias(ctx, "hdd", "champion", "1"))
	if got := pass(t, a, b, replicate.Options{}); len(got.Kept) != 1 {
		t.Errorf("got %+v", got)
	}
	if v, err := b.ByAlias(ctx, "hdd", "champion"); err != nil || v.Version != "1" {
		t.Errorf("champion is %v, %v", v, err)
	}
	// a number that the target deleted stays deleted
	must(t, b.DeleteVersion(ctx, "hdd", "3"))
	for range 2 {
		if got := pass(t, a, b, replicate.Options{}); len(got.Conflicts) != 2 || got.Versions != 0 {
			t.Errorf("got %+v", got)
		}
	}
	a.add("hdd", "four")
	if got := pass(t, a, b, replicate.Options{}); got.Versions != 1 || b.text("hdd", "4") != "four" {
		t.Errorf("got %+v", got)
	}
}

// TestBothWays lets two regions replicate from each other; it comes to rest.
func TestBothWays(t *testing.T) {
	a, b := start(t), start(t)
	a.add("eu", "1")
	b.add("us", "1")
	for range 2 {
		pass(t, a, b, replicate.Options{})
		pass(t, b, a, replicate.Options{})
	}
	for _, r := range []replicate.Report{pass(t, a, b, replicate.Options{}), pass(t, b, a, replicate.Options{})} {
		if !r.Quiet() || r.Known != 2 {
			t.Errorf("got %+v", r)
		}
	}
}

func TestPrune(t *testing.T) {
	a, b, ctx := start(t), start(t), t.Context()
	for _, name := range []string{"hdd", "old", "mixed"} {
		a.add(name, "1")
		a.add(name, "2")
	}
	must(t, a.SetAlias(ctx, "hdd", "trial", "2"), a.SetModelTag(ctx, "hdd", client.Tag{Key: "gone", Value: "1"}), a.SetVersionTag(ctx, "hdd", "2", client.Tag{Key: "gone", Value: "1"}))
	pass(t, a, b, replicate.Options{})
	b.add("mixed", "its own")
	b.add("local", "1")
	must(t, b.SetModelTag(ctx, "hdd", client.Tag{Key: "local", Value: "stays"}), a.DeleteModelTag(ctx, "hdd", "gone"), a.DeleteVersionTag(ctx, "hdd", "2", "gone"),
		a.DeleteAlias(ctx, "hdd", "trial"), a.DeleteVersion(ctx, "hdd", "1"), a.DeleteModel(ctx, "old"), a.DeleteModel(ctx, "mixed"))
	if got := pass(t, a, b, replicate.Options{}); got.Deleted != 0 {
		t.Errorf("without --prune: %+v", got)
	}
	// the tags are known to be gone only by what was seen before
	got := pass(t, a, b, replicate.Options{Prune: true})
	if got.Deleted != 5 || len(got.Conflicts) != 1 || got.Conflicts[0].Model != "mixed" {
		t.Errorf("got %+v", got)
	}
	if _, err := b.GetModel(ctx, "old"); !errs.Is(err, errs.NotFound) {
		t.Errorf("old: %v", err)
	}
	if _, err := b.GetModel(ctx, "local"); err != nil {
		t.Error(err)
	}
	empty := start(t)
	r, err := replicate.New(empty.Client, b.Client, replicate.Options{Prune: true})
	must(t, err)
	if _, err := r.Once(ctx); err != nil {
		t.Errorf("a source that brought nothing deletes nothing: %v", err)
	}
	must(t, a.DeleteModel(ctx, "hdd"))
	r, err = replicate.New(a.Client, b.Client, replicate.Options{Prune: true})
	must(t, err)
	if _, err := r.Once(ctx); !errs.Is(err, errs.State) {
		t.Errorf("a source without models: %v", err)
	}
}

func TestVerify(t *testing.T) {
	a, b, ctx := start(t), start(t), t.Context()
	a.add("hdd", "weights")
	pass(t, a, b, replicate.Options{})
	damage := func(r *region, text string) {
		found := false
		err := filepath.WalkDir(r.files, func(p string, d os.DirEntry, err error) error {
			if err == nil && d.Name() == "weights.bin" {
				found = true
				return os.WriteFile(p, []byte(text), 0o644)
			}
			return err
		})
		if err != nil || !found {
			t.Fatal(err)
		}
	}
	damage(b, "wEights")
	if got := pass(t, a, b, replicate.Options{}); !got.Quiet() {
		t.Errorf("got %+v", got)
	}
	if got := pass(t, a, b, replicate.Options{Verify: true}); got.Mended != 1 || got.Files != 1 || b.text("hdd", "1") != "weights" {
		t.Errorf("got %+v", got)
	}
	damage(a, "changed")
	if got := pass(t, a, b, replicate.Options{Verify: true}); len(got.Conflicts) != 1 || b.text("hdd", "1") != "weights" {
		t.Errorf("got %+v", got)
	}
	// a model that was deleted and made anew is another one under the same number
	must(t, a.DeleteModel(ctx, "hdd"))
	a.add("hdd", "anew")
	if got := pass(t, a, b, replicate.Options{}); len(got.Conflicts) != 1 || b.text("hdd", "1") != "weights" {
		t.Errorf("got %+v", got)
	}
}

// TestAnswersLost cuts the connection after each request that changes the target, one
// after another: what was done is found, and nothing is done twice.
func TestAnswersLost(t *testing.T) {
	a, b, ctx := start(t), start(t), t.Context()
	for i := range 3 {
		a.add("hdd", fmt.Sprint(i))
	}
	must(t, a.DeleteVersion(ctx, "hdd", "1"), a.SetAlias(ctx, "hdd", "champion", "2"), a.StageVersion(ctx, "hdd", "3", "Staging"))
	lost := map[string]bool{}
	failures := 0
	b.fail = func(q *http.Request) bool {
		if q.Method == http.MethodGet || strings.HasSuffix(q.URL.Path, "/search") {
			return false
		}
		key := fmt.Sprint(q.Method, q.URL.Path, len(lost)%2, q.ContentLength)
		if lost[key] {
			return false
		}
		lost[key] = true
		failures++
		return true
	}
	r, err := replicate.New(a.Client, b.Client, replicate.Options{})
	must(t, err)
	for tries := 0; ; tries++ {
		report, err := r.Once(ctx)
		if err == nil {
			if report.Err() != nil {
				t.Fatal(report.Err())
			}
			break
		}
		if tries > 200 {
			t.Fatal(err)
		}
	}
	b.fail = nil
	if failures < 15 {
		t.Errorf("only %d answers were lost", failures)
	}
	if x, y := a.shown("hdd"), b.shown("hdd"); x != y {
		t.Errorf("the source has\n%s\nthe target\n%s", x, y)
	}
	e, err := b.EnsureExperiment(ctx, "drives")
	must(t, err)
	runs, _, err := b.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}})
	if err != nil || len(runs) != 2 {
		t.Errorf("%d runs, %v", len(runs), err)
	}
}

func TestFollow(t *testing.T) {
	a, b := start(t), start(t)
	r, err := replicate.New(a.Client, b.Client, replicate.Options{})
	must(t, err)
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	passes := 0
	err = r.Follow(ctx, time.Millisecond, func(got replicate.Report) {
		switch passes++; passes {
		case 1:
			a.add("hdd", "1")
		case 2:
			if got.Versions != 1 {
				t.Errorf("got %+v", got)
			}
			stop()
		}
	})
	if err != nil || passes != 2 {
		t.Errorf("%d passes, %v", passes, err)
	}
	if _, err := replicate.New(a.Client, a.Client, replicate.Options{}); !errs.Is(err, errs.Usage) {
		t.Errorf("a server onto itself: %v", err)
	}
}
