//go:build conformance

package mlflow

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// exchange is one request of testdata/replay.
type exchange struct {
	where, method, path, body string
	keep                      map[string]string // variable: path of the value
	differs                   string            // why the answers may differ; "" when they may not
}

func readReplay(t *testing.T, file string) []exchange {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var out []exchange
	for n, line := range strings.Split(string(text), "\n") {
		fields := strings.SplitN(line, " ", 3)
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "> "):
			out[len(out)-1].keep[fields[1]] = fields[2]
		case strings.HasPrefix(line, "! "):
			out[len(out)-1].differs = line[2:]
		case len(fields) >= 2:
			e := exchange{where: fmt.Sprintf("%s:%d", filepath.Base(file), n+1), method: fields[0], path: fields[1], keep: map[string]string{}}
			if len(fields) == 3 {
				e.body = fields[2]
			}
			out = append(out, e)
		default:
			t.Fatalf("%s:%d is not a request: %s", file, n+1, line)
		}
	}
	return out
}

// peer is one of the two servers, with what it called the things of a replay.
type peer struct {
	url  string
	vars map[string]string
}

func (p *peer) fill(s string) string {
	for _, k := range slices.SortedFunc(maps.Keys(p.vars), func(a, b string) int { return len(b) - len(a) }) {
		s = strings.ReplaceAll(s, "$"+k, p.vars[k])
	}
	return s
}

func (p *peer) play(t *testing.T, e exchange) (status int, body any) {
	t.Helper()
	req, err := http.NewRequest(e.method, p.url+p.fill(e.path), strings.NewReader(p.fill(e.body)))
	if err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	if e.body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: %v", e.where, err)
	}
	if json.Unmarshal(data, &body) != nil {
		body = map[string]any{"text": string(data)}
	}
	for name, path := range e.keep {
		v := body
		for _, part := range strings.Split(path, ".") {
			m, _ := v.(map[string]any)
			v = m[part]
		}
		if s, ok := v.(string); ok {
			p.vars[name] = s
		} else {
			t.Errorf("%s: %s answered %d %s; there is no %s in it", e.where, p.url, resp.StatusCode, data, path)
		}
	}
	return resp.StatusCode, p.plain("", body)
}

var (
	someID   = regexp.MustCompile(`(m-)?[0-9a-f]{32}`)
	someTime = []string{"creation_time", "last_update_time", "creation_timestamp", "last_updated_timestamp", "creation_timestamp_ms", "last_updated_timestamp_ms"}
)

// plain takes out of an answer what two servers cannot have in common: ids,
// times, where files are, and the order of lists that have none.
func (p *peer) plain(key string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "workspace") // there are none here
		if m, ok := v["outputs"].(map[string]any); ok && len(m) == 0 {
			delete(v, "outputs") // MLflow 3 says it, MLflow 2 does not
		}
		if v["key"] == "mlflow.log-model.history" {
			v["value"] = "JSON, spaced as each server likes"
		}
		if key == "in a list" {
			delete(v, "aliases") // MLflow leaves them out of lists; we tell them
		}
		for k, e := range v {
			if slices.Contains(someTime, k) || k == "next_page_token" {
				v[k] = "some"
			} else {
				v[k] = p.plain(k, e)
			}
		}
		return v
	case []any:
		for i := range v {
			v[i] = p.plain("in a list", v[i])
		}
		unordered := []string{"tags", "params", "aliases", "latest_versions", "model_versions", "dataset_inputs", "metrics"}
		if slices.Contains(unordered, key) {
			slices.SortFunc(v, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
		}
		return v
	case string:
		for _, k := range slices.SortedFunc(maps.Keys(p.vars), func(a, b string) int {
			return cmp.Or(len(p.vars[b])-len(p.vars[a]), strings.Compare(a, b))
		}) {
			value := p.vars[k]
			if len(value) > 3 || key == "experiment_id" || key == "experiment_ids" {
				v = strings.ReplaceAll(v, value, "$"+k)
			}
		}
		if key == "artifact_location" || key == "artifact_uri" || key == "root_uri" || key == "source" {
			v = regexp.MustCompile(`:/\d+`).ReplaceAllString(v, ":/N")
		}
		if key == "run_name" && strings.Count(v, "-") == 2 {
			return "some-run-name"
		}
		return someID.ReplaceAllString(v, "ID")
	}
	return v
}

// difference compares two answers; messages of refusals are compared by code
// only, and told apart by text.
func difference(wantStatus, gotStatus int, want, got any) (fault, text string) {
	w, _ := want.(map[string]any)
	g, _ := got.(map[string]any)
	if wantStatus != gotStatus || w["error_code"] != g["error_code"] {
		return fmt.Sprintf("MLflow answers %d %v\nwe answer    %d %v", wantStatus, want, gotStatus, got), ""
	}
	if wantStatus != http.StatusOK {
		if spaces(w["message"]) != spaces(g["message"]) {
			text = fmt.Sprintf("MLflow says %v\nwe say      %v", w["message"], g["message"])
		}
		return "", text
	}
	if !reflect.DeepEqual(want, got) {
		a, _ := json.Marshal(want)
		b, _ := json.Marshal(got)
		return fmt.Sprintf("MLflow answers %s\nwe answer      %s", a, b), ""
	}
	return "", ""
}

// spaces makes every run of blanks one, and ends before the database's own words.
func spaces(v any) string {
	text, _, _ := strings.Cut(fmt.Sprint(v), " Error: (")
	return strings.Join(strings.Fields(text), " ")
}

// TestReplay sends the requests of testdata/replay to MLflow's own server of the
// newest version and to ours, and compares the answers.
func TestReplay(t *testing.T) {
	t.Parallel()
	theirs := startMLflow(t)
	ours := start(t, t.TempDir())
	files, err := filepath.Glob("testdata/replay/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("there is nothing to replay: %v", err)
	}
	a, b := &peer{theirs, map[string]string{}}, &peer{ours.url, map[string]string{}}
	total, allowed, texts := 0, 0, 0
	for _, file := range files {
		for _, e := range readReplay(t, file) {
			total++
			wantStatus, want := a.play(t, e)
			gotStatus, got := b.play(t, e)
			fault, text := difference(wantStatus, gotStatus, want, got)
			switch {
			case e.differs != "" && fault == "":
				t.Errorf("%s: %s %s: the answers are said to differ (%s) and do not", e.where, e.method, e.path, e.differs)
			case e.differs != "":
				allowed++
			case fault != "":
				t.Errorf("%s: %s %s %s\n%s", e.where, e.method, e.path, e.body, fault)
			case text != "":
				texts++
				t.Logf("%s: %s %s %s\n%s", e.where, e.method, e.path, e.body, text)
			}
		}
	}
	t.Logf("%d requests, %d allowed to differ, %d refused with another text", total, allowed, texts)
	if total < 250 {
		t.Errorf("%d requests prove little; want at least 250", total)
	}
}

// startMLflow starts MLflow's own server and returns its address.
func startMLflow(t *testing.T) string {
	t.Helper()
	if url := os.Getenv("DRIVECAST_MLFLOW_URL"); url != "" {
		return url
	}
	python := interpreter(t, "DRIVECAST_PY_MLFLOW_3_17_2")
	dir, port := t.TempDir(), freePort(t)
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(python, "-m", "mlflow", "server", "--backend-store-uri", "sqlite:///"+filepath.Join(dir, "mlflow.db"),
		"--artifacts-destination", filepath.Join(dir, "artifacts"), "--host", "127.0.0.1", "--port", fmt.Sprint(port), "--workers", "1")
	cmd.Env = append(os.Environ(), "PATH="+filepath.Dir(python)+string(os.PathListSeparator)+os.Getenv("PATH"), "MLFLOW_DISABLE_TELEMETRY=true")
	cmd.Stdout, cmd.Stderr = log, log
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { endGroup(cmd); log.Close() })
	url := fmt.Sprintf("http://127.0.0.1:%d", port)
	for deadline := time.Now().Add(120 * time.Second); ; time.Sleep(200 * time.Millisecond) {
		if resp, err := http.Get(url + "/health"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return url
			}
		}
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log.Name())
			t.Fatalf("MLflow's server did not start:\n%s", tail(string(text), 3000))
		}
	}
}
