package mlflow_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/mlflow"
)

func send(h http.Handler, method, target, contentType, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, "http://localhost"+target, strings.NewReader(body))
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		} else {
			req.Header.Set(headers[i], headers[i+1])
		}
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

const jsonType = "application/json"

func TestRefusals(t *testing.T) {
	h := open(t)
	id := newRun(t, h)
	for _, c := range []struct {
		method, path, contentType, body string
		status                          int
		want                            string
	}{
		{"GET", "runs/get", "", "", 400, "Missing value for required parameter 'run_id'."},
		{"GET", "runs/get?run_id=" + strings.Repeat("0", 32), "", "", 404, "RESOURCE_DOES_NOT_EXIST"},
		{"POST", "experiments/create", jsonType, `{"name":12}`, 400, `Invalid value 12 for parameter 'name' supplied`},
		{"POST", "experiments/create", "text/plain", `{"name":"x"}`, 400, "BAD_REQUEST"},
		{"POST", "experiments/create", "", `{"name":"x"}`, 400, "BAD_REQUEST"},
		{"POST", "experiments/create", jsonType, `{"name":"x","name":"y"}`, 400, "twice"},
		{"POST", "experiments/create", jsonType, "{\"name\":\"\xff\"}", 400, "UTF-8"},
		{"POST", "experiments/create", jsonType, `[1]`, 400, "BAD_REQUEST"},
		{"POST", "experiments/create", jsonType, strings.Repeat("[", 100000), 400, "BAD_REQUEST"},
		{"POST", "experiments/create", jsonType, `{"name":"Default"}`, 400, "RESOURCE_ALREADY_EXISTS"},
		{"POST", "experiments/create", jsonType, `{"name":"x","artifact_location":"file:///etc"}`, 400, "artifact_location"},
		{"POST", "runs/log-metric", jsonType, `{"run_id":"` + id + `","key":"k","value":"x","timestamp":1}`, 400, `Invalid value \"x\" for parameter 'value'`},
		{"POST", "runs/log-metric", jsonType, `{"run_id":"` + id + `","key":"k","value":1e999,"timestamp":1}`, 400, "INVALID_PARAMETER_VALUE"},
		{"POST", "runs/log-metric", jsonType, `{"run_id":"` + id + `","key":"k","value":1,"timestamp":9223372036854775808}`, 400, "INVALID_PARAMETER_VALUE"},
		{"POST", "runs/log-metric", jsonType, `{"run_id":"` + id + `","key":"k","value":1}`, 400, "Missing value for required parameter 'timestamp'"},
		{"POST", "runs/log-batch", jsonType, `{"run_id":"` + id + `","metrics":[{"key":"k","value":1}]}`, 400, "Missing value for required parameter 'metrics[0].timestamp'"},
		{"GET", "runs/search", "", "", 405, "not allowed"},
		{"GET", "nobody", "", "", 404, "ENDPOINT_NOT_FOUND"},
		{"GET", "metrics/get-history?run_id=" + id + "&metric_key=%zz", "", "", 400, "garbled"},
		{"POST", "runs/update", jsonType, `{"run_id":"` + id + `","status":"NOBODY"}`, 400, "Invalid value"},
		{"POST", "runs/search", jsonType, `{"experiment_ids":["0"],"max_results":0}`, 400, "It must be a positive integer"},
	} {
		w := send(h, c.method, api+c.path, c.contentType, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %.80s: got %d %s, want %d with %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
	if w := send(h, "POST", "/api/4.0/mlflow/runs/get", jsonType, "{}"); w.Code != 404 {
		t.Errorf("another version: got %d", w.Code)
	}
}

func TestBodyLimit(t *testing.T) {
	h := openWith(t, mlflow.Config{MaxBody: 1000})
	w := send(h, "POST", api+"experiments/create", jsonType, `{"name":"`+strings.Repeat("x", 2000)+`"}`)
	if w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
}

// TestOddities checks what clients send that a strict reader would not take.
func TestOddities(t *testing.T) {
	h := open(t)
	id := newRun(t, h)
	for _, body := range []string{
		`{"run_uuid":"` + id + `","key":"a","value":1,"timestamp":1,"unknown":[{}]}`,
		`{"run_id":"` + id + `","key":"b","value":"1.5","timestamp":"2","step":"3"}`,
		`{"run_id":"` + id + `","key":"c","value":"NaN","timestamp":1}`,
		`{"run_id":"` + id + `","key":"d","value":"-Infinity","timestamp":1,"step":null}`,
		`"{\"run_id\":\"` + id + `\",\"key\":\"e\",\"value\":2,\"timestamp\":1}"`,
	} {
		do(t, h, "POST", api+"runs/log-metric", body)
	}
	got := do(t, h, "GET", "/ajax-api/2.0/mlflow/runs/get?run_uuid="+id, "").Body.String()
	for _, want := range []string{
		`{"key":"a","value":1,"timestamp":1,"step":0}`, `{"key":"b","value":1.5,"timestamp":2,"step":3}`, `{"key":"c","value":"NaN",`, `"value":-1.7976931348623157e+308`, `"key":"e"`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in %s", want, got)
		}
	}
	do(t, h, "POST", "/api/3.0/mlflow/runs/update", `{"run_id":"`+id+`","status":3,"end_time":"9"}`)
	if got := do(t, h, "GET", api+"runs/get?run_id="+id, "").Body.String(); !strings.Contains(got, `"status":"FINISHED"`) || !strings.Contains(got, `"end_time":9`) {
		t.Errorf("got %s", got)
	}
	if got := do(t, h, "POST", api+"runs/search", `{"experiment_ids":["77"]}`).Body.String(); got != "{}" {
		t.Errorf("an empty search is answered %s", got)
	}
}

// TestPagesFollowWrites checks that encoded runs that are kept are never stale.
func TestPagesFollowWrites(t *testing.T) {
	h := open(t)
	id := newRun(t, h)
	page := func() string { return do(t, h, "POST", api+"runs/search", `{"experiment_ids":["0"]}`).Body.String() }
	page()
	for i, body := range []string{
		`log-metric {"run_id":"%s","key":"m","value":7.5,"timestamp":1} "value":7.5`, `log-parameter {"run_id":"%s","key":"p","value":"pv"} "pv"`,
		`set-tag {"run_id":"%s","key":"t","value":"tv"} "tv"`, `update {"run_id":"%s","run_name":"another"} "another"`,
	} {
		parts := strings.SplitN(body, " ", 3)
		do(t, h, "POST", api+"runs/"+parts[0], fmt.Sprintf(parts[1], id))
		one, two := page(), page()
		if !strings.Contains(one, parts[2]) || one != two {
			t.Errorf("%d: there is no %s in %s", i, parts[2], one)
		}
	}
}

func TestHostsAndOrigins(t *testing.T) {
	h := openWith(t, mlflow.Config{AllowedHosts: []string{"ml.example.com", "*.lab.example.com"}, CORSOrigins: []string{"https://ui.example.com"}})
	for _, c := range []struct {
		method, host, origin string
		want                 int
	}{
		{"GET", "localhost:5000", "", 200}, {"GET", "127.0.0.1", "", 200}, {"GET", "[::1]:5000", "", 200}, {"GET", "192.168.1.7:5000", "", 200},
		{"GET", "evil.com", "", 403}, {"GET", "evil.com:5000", "", 403}, {"GET", "localhost.evil.com", "", 403}, {"GET", "ml.example.com", "", 200}, {"GET", "a.lab.example.com:1", "", 200},
		{"GET", "localhost", "https://evil.com", 200}, {"POST", "localhost", "https://evil.com", 403}, {"POST", "localhost", "null", 403},
		{"POST", "localhost:5000", "http://localhost:5000", 200}, {"POST", "localhost", "https://ui.example.com", 200}, {"OPTIONS", "localhost", "https://ui.example.com", 204},
	} {
		body := ""
		if c.method == "POST" {
			body = `{"experiment_ids":["0"]}`
		}
		path := api + "experiments/get?experiment_id=0"
		if c.method != "GET" {
			path = api + "runs/search"
		}
		args := []string{"Host", c.host}
		if c.origin != "" {
			args = append(args, "Origin", c.origin)
		}
		if w := send(h, c.method, path, jsonType, body, args...); w.Code != c.want {
			t.Errorf("%s %s from %q: got %d, want %d", c.method, c.host, c.origin, w.Code, c.want)
		}
	}
}

func TestFiles(t *testing.T) {
	h := open(t)
	id := newRun(t, h)
	base := "/api/2.0/mlflow-artifacts/artifacts/0/" + id + "/artifacts/"
	for _, name := range []string{"a%20b.txt", "m/model.pkl", "x.html"} {
		if w := send(h, "PUT", base+name, "", "hello"); w.Code != 200 {
			t.Fatalf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	w := send(h, "GET", base+"a%20b.txt", "", "")
	if w.Body.String() != "hello" || w.Header().Get("Content-Length") != "5" || w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("Content-Type") != "text/plain" {
		t.Errorf("got %q, %v", w.Body, w.Header())
	}
	if w := send(h, "GET", "/get-artifact?run_uuid="+id+"&path=m/model.pkl", "", ""); w.Body.String() != "hello" || !strings.HasPrefix(w.Header().Get("Content-Disposition"), "attachment") {
		t.Errorf("get-artifact: %q %v", w.Body, w.Header())
	}
	list := do(t, h, "GET", api+"artifacts/list?run_id="+id+"&path=m", "").Body.String()
	if !strings.Contains(list, `{"path":"m/model.pkl","is_dir":false,"file_size":5}`) {
		t.Errorf("list: %s", list)
	}
	for _, p := range []string{"../../../x", "%2e%2e/x", "%252e%252e%252fx", "/etc/passwd", "C:/x", `..%5cx`} {
		for _, method := range []string{"GET", "PUT", "DELETE"} {
			if w := send(h, method, "/api/2.0/mlflow-artifacts/artifacts/"+strings.ReplaceAll(p, "%", "%25"), "", "x"); w.Code != 400 {
				t.Errorf("%s %s: got %d", method, p, w.Code)
			}
		}
	}
	if w := send(h, "DELETE", base+"m", "", ""); w.Code != 200 {
		t.Errorf("delete: %d", w.Code)
	}
	if w := send(h, "GET", base+"m/model.pkl", "", ""); w.Code != 404 {
		t.Errorf("deleted and still there: %d", w.Code)
	}
}

// TestLocalRoot checks that with a local artifact root files are read there and
// nowhere else.
func TestLocalRoot(t *testing.T) {
	dir := t.TempDir()
	root := filepath.Join(dir, "root")
	h := openWith(t, mlflow.Config{DefaultArtifactRoot: "file://" + filepath.ToSlash(root)})
	got := do(t, h, "POST", api+"runs/create", `{"experiment_id":"0"}`).Body.String()
	if !strings.Contains(got, `"artifact_uri":"file://`+filepath.ToSlash(root)+`/0/`) {
		t.Fatalf("got %s", got)
	}
	id := newRun(t, h)
	file := filepath.Join(root, "0", id, "artifacts", "a.txt")
	secret := filepath.Join(dir, "outside", "secret.txt")
	for _, f := range []string{file, secret} {
		if err := os.MkdirAll(filepath.Dir(f), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(f, []byte("text"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if w := send(h, "GET", "/get-artifact?run_id="+id+"&path=a.txt", "", ""); w.Body.String() != "text" {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	do(t, h, "POST", api+"experiments/create", `{"name":"outside","artifact_location":"file://`+filepath.ToSlash(dir)+`/outside"}`)
	got = do(t, h, "POST", api+"runs/create", `{"experiment_id":"1"}`).Body.String()
	id = got[strings.Index(got, `"run_id":"`)+10:][:32]
	if w := send(h, "GET", api+"artifacts/list?run_id="+id, "", ""); w.Code != 400 {
		t.Errorf("a folder outside the root was listed: %d %s", w.Code, w.Body)
	}
}
