package serving

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/score/route"
)

// stump is a LightGBM model of one split: more than .5 of the first column is a
// probability of expit(leaf).
func stump(leaf int) string {
	return fmt.Sprintf(`tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=errors age
feature_infos=[0:1] [0:1]
tree_sizes=300

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=1
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-%d %d
leaf_weight=1 1
leaf_count=1 1
internal_value=0
internal_weight=0
internal_count=2
is_linear=0
shrinkage=1


end of trees
`, leaf, leaf)
}

// answers of the stumps with leaves 1 and 2.
var answers = map[string]string{"1": "0.7310585786300049", "2": "0.8807970779778823"}

func put(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

// registry is a registry whose alias points at one of the versions 1, 2 and 3, of
// which the third is damaged.
func registry(t *testing.T, alias *atomic.Int32) string {
	dir := t.TempDir()
	for v := range 3 {
		text := stump(v + 1)
		if v == 2 {
			text = text[:400]
		}
		put(t, filepath.Join(dir, fmt.Sprint(v+1), "model.txt"), text)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		version := r.FormValue("version")
		if strings.HasSuffix(r.URL.Path, "/alias") {
			version = fmt.Sprint(alias.Load())
		}
		if version == "0" {
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"error_code":"RESOURCE_DOES_NOT_EXIST","message":"gone"}`)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{
			"model_version": map[string]any{"name": "disks", "version": version, "source": filepath.Join(dir, version)},
			"artifact_uri":  filepath.Join(dir, version),
		})
	}))
	t.Cleanup(s.Close)
	return s.URL
}

func opened(t *testing.T, o *options) (*keeper, *bytes.Buffer) {
	t.Helper()
	var log bytes.Buffer
	e := Env{Stderr: io.Discard, Getenv: func(string) string { return "" }}
	k, err := e.open(t.Context(), o, route.Config{}, score.Config{}, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return k, &log
}

func ask(h http.Handler, method, path, body string) (int, string) {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

const (
	row   = `{"inputs":[{"name":"x","datatype":"FP64","shape":[1,2],"data":[9,1]}],"outputs":[{"name":"predict_proba"}]}`
	plain = `{"instances":[[9,1]],"params":{"predict_method":"predict_proba"}}`
)

// TestAliasMoves asks thousands of times while the alias moves back and forth: no
// request fails, and each answer is wholly of one version.
func TestAliasMoves(t *testing.T) {
	var alias atomic.Int32
	alias.Store(1)
	k, _ := opened(t, &options{models: []string{"models:/disks@champion"}, tracking: registry(t, &alias)})
	s := httptest.NewServer(k.handler)
	defer s.Close()
	ctx, stop := context.WithCancel(t.Context())
	var asked [3]atomic.Int64
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for ctx.Err() == nil {
				resp, err := http.Post(s.URL+"/v2/models/disks/infer", "application/json", strings.NewReader(row))
				if err != nil {
					t.Error(err)
					return
				}
				text, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				var got struct {
					Version string `json:"model_version"`
				}
				if err != nil || resp.StatusCode != 200 || json.Unmarshal(text, &got) != nil || !strings.Contains(string(text), answers[got.Version]) {
					t.Errorf("%d %s %v", resp.StatusCode, text, err)
					return
				}
				asked[got.Version[0]-'0'].Add(1)
			}
		})
	}
	for turn := range 40 {
		time.Sleep(10 * time.Millisecond)
		alias.Store(int32(2 - turn%2))
		k.look(t.Context(), k.models[0])
		want := fmt.Sprint(alias.Load())
		if code, text := ask(k.handler, "POST", "/v2/models/disks/versions/"+want+"/infer", row); code != 200 || !strings.Contains(text, answers[want]) {
			t.Errorf("turn %d: %d %s", turn, code, text)
		}
		if _, text := ask(k.handler, "GET", "/v2/models/disks", ""); !strings.Contains(text, `"versions":["`+want+`"]`) {
			t.Errorf("turn %d: %s", turn, text)
		}
	}
	stop()
	clients.Wait()
	if asked[1].Load() < 100 || asked[2].Load() < 100 {
		t.Errorf("version 1 answered %d times, version 2 %d times", asked[1].Load(), asked[2].Load())
	}
}

// TestDamagedVersionIsNotTakenOver moves the alias to what cannot be opened, away
// altogether, and back.
func TestDamagedVersionIsNotTakenOver(t *testing.T) {
	var alias atomic.Int32
	alias.Store(1)
	k, log := opened(t, &options{models: []string{"models:/disks@champion"}, tracking: registry(t, &alias)})
	h, flush, err := k.env.Measured(t.Context(), k.handler, k.logger, k)
	if err != nil {
		t.Fatal(err)
	}
	defer flush()
	for _, c := range []struct {
		alias          int32
		problem, stale string
	}{{3, "was not taken over", "1"}, {0, "cannot be looked up", "1"}, {1, "", "0"}, {3, "was not taken over", "1"}, {2, "", "0"}} {
		alias.Store(c.alias)
		for range 3 {
			k.look(t.Context(), k.models[0])
		}
		want := answers["1"]
		if c.alias == 2 {
			want = answers["2"]
		}
		if code, text := ask(h, "POST", "/invocations", plain); code != 200 || !strings.Contains(text, want) {
			t.Errorf("alias at %d: %d %s", c.alias, code, text)
		}
		if code, text := ask(h, "GET", "/readyz", ""); code != 200 || !strings.Contains(text, c.problem) || c.problem == "" && text != "\n" {
			t.Errorf("alias at %d: /readyz says %d %s", c.alias, code, text)
		}
		if code, text := ask(h, "GET", "/v2/models/disks/ready", ""); code != 200 || !strings.Contains(text, c.problem) {
			t.Errorf("alias at %d: the model's readiness is %d %s", c.alias, code, text)
		}
		if _, text := ask(h, "GET", "/metrics", ""); !strings.Contains(text, `drivecast_model_stale{model="disks"} `+c.stale) {
			t.Errorf("alias at %d: the metrics are %s", c.alias, text)
		}
	}
	if n := strings.Count(log.String(), "the old model keeps serving"); n != 3 {
		t.Errorf("it was said %d times: %s", n, log)
	}
	if _, text := ask(h, "GET", "/metrics", ""); !strings.Contains(text, `drivecast_model_loads_total{model="disks",outcome="failed"} 2`) || !strings.Contains(text, `outcome="ok"} 1`) {
		t.Error(text)
	}
}

// TestFilesChangeUnderTheServer truncates, swaps and removes a model file.
func TestFilesChangeUnderTheServer(t *testing.T) {
	for _, reload := range []bool{false, true} {
		path := put(t, filepath.Join(t.TempDir(), "model.txt"), stump(1))
		k, log := opened(t, &options{models: []string{path}, files: reload})
		for _, c := range []struct{ what, text, want string }{
			{"truncated", stump(1)[:350], "1"}, {"swapped", stump(2), "2"}, {"gone", "", ""}, {"no model", "<html>", ""},
		} {
			if c.text == "" {
				os.Remove(path)
			} else {
				put(t, path, c.text)
			}
			for range 3 {
				k.look(t.Context(), k.models[0])
			}
			want := answers["1"]
			if reload && c.want != "1" {
				want = answers["2"]
			}
			if code, text := ask(k.handler, "POST", "/invocations", plain); code != 200 || !strings.Contains(text, want) {
				t.Errorf("reload %v, %s: %d %s", reload, c.what, code, text)
			}
			if problem := k.handler.Status()[0].Problem; (problem == "") != (reload && c.what == "swapped") {
				t.Errorf("reload %v, %s: the problem is %q", reload, c.what, problem)
			}
		}
		if !strings.Contains(log.String(), "the old model keeps serving") {
			t.Errorf("nothing was said: %s", log)
		}
	}
}

// TestManyModels serves two models under names of their own.
func TestManyModels(t *testing.T) {
	dir := t.TempDir()
	one, two := put(t, filepath.Join(dir, "a=b", "1.txt"), stump(1)), put(t, filepath.Join(dir, "2.txt"), stump(2))
	k, _ := opened(t, &options{models: []string{one, "second=" + two}})
	for _, c := range []struct{ path, body, want string }{
		{"/invocations", plain, answers["1"]}, {"/models/model/invocations", plain, answers["1"]}, {"/models/second/invocations", plain, answers["2"]},
		{"/models/second/score", `{"data":[[9,1]]}`, answers["2"]}, {"/v2/models/second/infer", row, answers["2"]}, {"/v2/models/model/infer", row, answers["1"]},
	} {
		if code, text := ask(k.handler, "POST", c.path, c.body); code != 200 || !strings.Contains(text, c.want) {
			t.Errorf("%s: %d %s", c.path, code, text)
		}
	}
	if code, text := ask(k.handler, "POST", "/models/third/invocations", plain); code != 404 || !strings.Contains(text, `\"model\", \"second\"`) {
		t.Errorf("%d %s", code, text)
	}
	if code, text := ask(k.handler, "GET", "/models", ""); code != 200 || strings.Count(text, `"name"`) != 2 {
		t.Errorf("%d %s", code, text)
	}
	if code, _ := ask(k.handler, "GET", "/models/second/ping", ""); code != 200 {
		t.Errorf("/ping of a model: %d", code)
	}
	if _, err := k.env.open(t.Context(), &options{models: []string{one, two}}, route.Config{}, score.Config{}, k.logger); err == nil || !strings.Contains(err.Error(), "two models have the name") {
		t.Errorf("two models without names: %v", err)
	}
}
