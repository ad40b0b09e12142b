package client_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// connect starts a real server on its own store and returns a client of it.
func connect(t *testing.T) *client.Client {
	t.Helper()
	dir := t.TempDir()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+filepath.ToSlash(filepath.Join(dir, "store.db")), sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := artifact.OpenFolder(filepath.Join(dir, "artifacts"))
	if err != nil {
		t.Fatal(err)
	}
	h, err := mlflow.NewHandler(t.Context(), mlflow.Config{Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		s.Close()
		h.Close()
		files.Close()
		db.Close()
	})
	c, err := client.New(s.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestRunsComeBackAsLogged(t *testing.T) {
	c, ctx, now := connect(t), t.Context(), time.UnixMilli(1_700_000_000_000)
	e, err := c.EnsureExperiment(ctx, "drives")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := c.EnsureExperiment(ctx, "drives"); err != nil || again.ID != e.ID {
		t.Fatalf("asking twice gives %v, %v", again, err)
	}
	info, err := c.CreateRun(ctx, e.ID, "first", now, []client.Tag{{Key: "who", Value: "me"}})
	if err != nil {
		t.Fatal(err)
	}
	var params []client.Tag // more than one request may carry
	for i := range 250 {
		params = append(params, client.Tag{Key: "p" + string(rune('0'+i%10)) + string(rune('a'+i/10)), Value: "v"})
	}
	metrics := []client.Metric{{Key: "auc", Value: .75, Time: now}, {Key: "loss", Value: math.NaN(), Time: now}, {Key: "top", Value: math.Inf(1), Time: now}}
	if err := c.Log(ctx, info.ID, metrics, params, nil); err != nil {
		t.Fatal(err)
	}
	if err := c.UpdateRun(ctx, info.ID, "FINISHED", now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	run, err := c.GetRun(ctx, info.ID)
	if err != nil {
		t.Fatal(err)
	}
	if auc, ok := run.Metric("auc"); !ok || auc != .75 || len(run.Data.Params) != 250 || run.Tag("who") != "me" || run.Info.Status != "FINISHED" {
		t.Errorf("the run came back as %+v", run)
	}
	found, next, err := c.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}, Filter: "metrics.auc > 0.7"})
	if err != nil || len(found) != 1 || next != "" {
		t.Errorf("search found %d runs, %v", len(found), err)
	}
	if _, err := c.GetRun(ctx, "0123456789abcdef0123456789abcdef"); !errs.Is(err, errs.NotFound) {
		t.Errorf("a run that is not there: %v", err)
	}
}

func TestModelFoldersTravelThroughTheRegistry(t *testing.T) {
	c, ctx := connect(t), t.Context()
	e, err := c.EnsureExperiment(ctx, "drives")
	if err != nil {
		t.Fatal(err)
	}
	info, err := c.CreateRun(ctx, e.ID, "", time.Now(), nil)
	if err != nil {
		t.Fatal(err)
	}
	from, to := t.TempDir(), t.TempDir()
	want := map[string]string{"MLmodel": "flavors: {}\n", "deep/er/odd name+é.txt": "x", "empty": ""}
	for name, text := range want {
		file := filepath.Join(from, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.UploadDir(ctx, info.ArtifactURI+"/model", from); err != nil {
		t.Fatal(err)
	}
	v, err := c.Register(ctx, "m", info.ArtifactURI+"/model", info.ID, []client.Tag{{Key: "k", Value: "v"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.SetAlias(ctx, "m", "champion", v.Version); err != nil {
		t.Fatal(err)
	}
	for _, uri := range []string{"models:/m/1", "models:/m@champion", "models:/m/latest"} {
		got, err := c.Resolve(ctx, uri)
		if err != nil || got.Version != "1" || got.RunID != info.ID {
			t.Errorf("%s is %+v, %v", uri, got, err)
		}
	}
	source, err := c.DownloadURI(ctx, "m", "1")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.DownloadDir(ctx, source, to); err != nil {
		t.Fatal(err)
	}
	for name, text := range want {
		if got, err := os.ReadFile(filepath.Join(to, filepath.FromSlash(name))); err != nil || string(got) != text {
			t.Errorf("%s came back as %q, %v", name, got, err)
		}
	}
	if text, err := c.ReadFile(ctx, source, "MLmodel", 100); err != nil || string(text) != want["MLmodel"] {
		t.Errorf("MLmodel reads %q, %v", text, err)
	}
	if _, err := c.ReadFile(ctx, source, "MLmodel", 3); !errs.Is(err, errs.TooLarge) {
		t.Errorf("past the limit: %v", err)
	}
	models, err := c.Models(ctx)
	if err != nil || len(models) != 1 || !slices.ContainsFunc(models[0].Latest, func(v client.Version) bool { return v.Version == "1" }) {
		t.Errorf("models are %+v, %v", models, err)
	}
	for _, uri := range []string{"models:/m/2", "models:/none/1", "models:/m@other"} {
		if _, err := c.Resolve(ctx, uri); err == nil {
			t.Errorf("%s was found", uri)
		}
	}
}

// A server that lists names which climb out of the folder is not obeyed.
func TestUnsafeNamesAreRefused(t *testing.T) {
	for _, name := range []string{"../evil", "/etc/passwd", "a/b", `..\evil`, ""} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte(`{"files": [{"path": "` + map[bool]string{true: `..\\evil`, false: name}[name == `..\evil`] + `", "is_dir": false}]}`))
		}))
		c, err := client.New(s.URL, nil)
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "inner")
		if err := c.DownloadDir(t.Context(), "mlflow-artifacts:/0/r/artifacts/model", dir); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "..", "evil")); err == nil {
			t.Errorf("%q was written", name)
		}
		s.Close()
	}
}

func TestBusyServersAreAskedAgain(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.Write([]byte(`{"run": {"info": {"run_id": "r", "start_time": "12"}}}`))
	}))
	defer s.Close()
	c, err := client.New(s.URL, nil, client.WithRetries(3, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if run, err := c.GetRun(t.Context(), "r"); err != nil || run.Info.Start != 12 {
		t.Errorf("got %+v, %v", run, err)
	}
	s.Close()
	if _, err := c.GetRun(t.Context(), "r"); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a server that is away: %v", err)
	}
	if _, err := client.New("not an address", nil); !errs.Is(err, errs.Usage) {
		t.Errorf("a bad address: %v", err)
	}
}

// TestServersThatGoAway ends connections before the answer: what means the same
// twice is asked again, the rest is refused as unavailable.
func TestServersThatGoAway(t *testing.T) {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) < 3 {
			panic(http.ErrAbortHandler)
		}
		w.Write([]byte(`{"run": {"info": {"run_id": "r", "start_time": "12"}}}`))
	}))
	defer s.Close()
	c, err := client.New(s.URL, nil, client.WithRetries(3, time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	if run, err := c.GetRun(t.Context(), "r"); err != nil || run.Info.ID != "r" {
		t.Errorf("got %+v, %v", run, err)
	}
	asked.Store(0)
	if _, err := c.CreateRun(t.Context(), "0", "n", time.Now(), nil); !errs.Is(err, errs.Unavailable) || asked.Load() != 1 {
		t.Errorf("a run was asked for %d times: %v", asked.Load(), err)
	}
}

// TestAzureWorkspace logs to the address that a job in Azure ML finds.
func TestAzureWorkspace(t *testing.T) {
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/mlflow/v1.0/subscriptions/S/api/2.0/mlflow/runs/get" || r.Header.Get("Authorization") != "Bearer run" {
			t.Errorf("asked for %s by %q", r.URL.Path, r.Header.Get("Authorization"))
		}
		w.Write([]byte(`{"run": {"info": {"run_id": "r"}}}`))
	}))
	defer s.Close()
	env := map[string]string{"AZUREML_RUN_TOKEN": "run"}
	uri := strings.Replace(s.URL, "https://", "azureml://", 1) + "/mlflow/v1.0/subscriptions/S?a=b"
	c, err := client.New(uri, func(k string) string { return env[k] }, client.WithHTTP(s.Client()))
	if err != nil {
		t.Fatal(err)
	}
	if run, err := c.GetRun(t.Context(), "r"); err != nil || run.Info.ID != "r" {
		t.Errorf("got %+v, %v", run, err)
	}
}
