//go:build conformance

package mlflow

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// TestContentTypes posts JSON as web forms of other sites can (CVE-2023-43472),
// and looks for an echo of the type (CVE-2023-6568).
func TestContentTypes(t *testing.T) {
	s := start(t, t.TempDir())
	for _, kind := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "application/jsonp", "<script>alert(1)</script>"} {
		req, _ := http.NewRequest(http.MethodPost, s.url+api+"experiments/create", strings.NewReader(`{"name":"csrf"}`))
		if kind != "" {
			req.Header.Set("Content-Type", kind)
		}
		a := send(t, req)
		refuses(t, "Content-Type "+kind, a)
		if strings.Contains(string(a.body), "<script>") {
			t.Errorf("the content type is echoed: %s", a)
		}
	}
	req, _ := http.NewRequest(http.MethodPost, s.url+api+"experiments/create", strings.NewReader(`{"name":"typed"}`))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	if a := send(t, req); a.status != http.StatusOK {
		t.Errorf("a Content-Type with parameters was answered %s", a)
	}
}

// TestHostsAndOrigins: DNS rebinding (CVE-2025-14279) and pages of other sites.
func TestHostsAndOrigins(t *testing.T) {
	s := start(t, t.TempDir())
	body := `{"name":"foreign"}`
	for _, host := range []string{"evil.com", "evil.com:5000", "127.0.0.1.evil.com", "localhost.evil.com", "evil.com#127.0.0.1", "user@evil.com"} {
		request := fmt.Sprintf("POST %sexperiments/create HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", api, host, len(body), body)
		if a := s.wire(t, request); a.status != http.StatusForbidden && a.status != http.StatusBadRequest {
			t.Errorf("Host %s was answered %s", host, a)
		}
		request = fmt.Sprintf("GET http://%s%sexperiments/get?experiment_id=0 HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host, api, host)
		if a := s.wire(t, request); a.status == http.StatusOK {
			t.Errorf("the absolute form with host %s was answered %s", host, a)
		}
	}
	for _, origin := range []string{"https://evil.com", "null", "http://127.0.0.1.evil.com", "http://evil.com:5000"} {
		req, _ := http.NewRequest(http.MethodPost, s.url+api+"experiments/create", strings.NewReader(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", origin)
		if a := send(t, req); a.status != http.StatusForbidden {
			t.Errorf("Origin %s was answered %s", origin, a)
		}
		req, _ = http.NewRequest(http.MethodPut, s.url+"/api/2.0/mlflow-artifacts/artifacts/x", strings.NewReader("x"))
		req.Header.Set("Origin", origin)
		if a := send(t, req); a.status != http.StatusForbidden {
			t.Errorf("PUT with Origin %s was answered %s", origin, a)
		}
		if a := s.wire(t, "OPTIONS "+api+"experiments/create HTTP/1.1\r\nHost: 127.0.0.1\r\nOrigin: "+origin+"\r\nAccess-Control-Request-Method: POST\r\nConnection: close\r\n\r\n"); a.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("Origin %s is allowed: %v", origin, a.header)
		}
	}
	for _, h := range []string{"X-HTTP-Method-Override: DELETE", "X-HTTP-Method: PATCH", "X-Original-URL: /api/2.0/mlflow/experiments/create"} {
		a := s.rawRequest(t, "GET", api+"experiments/get?experiment_id=0", "", h)
		if a.status != http.StatusOK || !strings.Contains(string(a.body), `"Default"`) {
			t.Errorf("with %s the request was answered %s", h, a)
		}
	}
}

// TestBadJSON sends what no client sends. Every answer is a refusal with a
// reason, in little time.
func TestBadJSON(t *testing.T) {
	s := start(t, t.TempDir())
	_, run, _ := s.run(t, "json")
	log := func(metric string) string { return fmt.Sprintf(`{"run_id":%q,"metrics":[%s]}`, run, metric) }
	cases := []struct{ what, path, body string }{
		{"nothing but a bracket", "experiments/create", `{`},
		{"an array", "experiments/create", `[]`},
		{"a number", "experiments/create", `12`},
		{"two values", "experiments/create", `{"name":"a"}{"name":"b"}`},
		{"rubbish behind", "experiments/create", `{"name":"a"}x`},
		{"a bare NaN", "runs/log-batch", log(`{"key":"m","value":nan,"timestamp":1,"step":0}`)},
		{"a key twice", "experiments/create", `{"name":"a","name":"b"}`},
		{"invalid UTF-8", "experiments/create", "{\"name\":\"\xff\xfe\"}"},
		{"a NUL in a name", "experiments/create", `{"name":"a\u0000b"}`},
		{"deep nesting", "experiments/create", `{"name":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`},
		{"deep unknown nesting", "experiments/create", `{"x":` + strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000) + `}`},
		{"a number beyond float64", "runs/log-batch", log(`{"key":"m","value":1e999,"timestamp":1,"step":0}`)},
		{"an integer beyond int64", "runs/log-batch", log(`{"key":"m","value":1,"timestamp":9223372036854775808,"step":0}`)},
		{"a broken integer", "runs/log-batch", log(`{"key":"m","value":1,"timestamp":1.5,"step":0}`)},
		{"a text for a number", "runs/log-batch", log(`{"key":"m","value":"x","timestamp":1,"step":0}`)},
		{"a bool for a number", "runs/log-batch", log(`{"key":"m","value":true,"timestamp":1,"step":0}`)},
		{"a million metrics", "runs/log-batch", log(strings.TrimSuffix(strings.Repeat(`{"key":"m","value":1,"timestamp":1,"step":0},`, 1_000_000), ","))},
		{"100 MB", "experiments/create", `{"name":"` + strings.Repeat("x", 100_000_000) + `"}`},
		{"a name of 10,000 characters", "experiments/create", `{"name":"` + strings.Repeat("x", 10_000) + `"}`},
		{"a number for a text", "experiments/create", `{"name":12}`},
		{"a number for a list", "runs/search", `{"experiment_ids":12}`},
		{"1,000 clauses", "runs/search", `{"experiment_ids":["0"],"filter":"` + strings.Repeat("metrics.a > 1 AND ", 1000) + `metrics.a > 1"}`},
		{"1 MB of filter", "runs/search", `{"experiment_ids":["0"],"filter":"params.a = '` + strings.Repeat("x", 1_000_000) + `'"}`},
		{"max_results -1", "runs/search", `{"experiment_ids":["0"],"max_results":-1}`},
		{"max_results 2^31", "runs/search", `{"experiment_ids":["0"],"max_results":2147483648}`},
		{"a garbage token", "runs/search", `{"experiment_ids":["0"],"page_token":"garbage"}`},
		{"a token that is no object", "runs/search", `{"experiment_ids":["0"],"page_token":"` + base64.StdEncoding.EncodeToString([]byte(`[1]`)) + `"}`},
		{"a token of another kind", "runs/search", `{"experiment_ids":["0"],"page_token":"` + base64.StdEncoding.EncodeToString([]byte(`{"offset":-1}`)) + `"}`},
	}
	for _, c := range cases {
		begin := time.Now()
		request := fmt.Sprintf("POST %s%s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", api, c.path, len(c.body), c.body)
		refuses(t, c.what, s.wire(t, request))
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("%s took %v", c.what, took)
		}
	}
	if a := s.do(t, http.MethodGet, api+"experiments/get?experiment_id=0", ""); a.status != http.StatusOK {
		t.Errorf("after all this the server answers %s", a)
	}
}

// TestCostlyPatterns asks for LIKE patterns on which naive matchers take forever.
func TestCostlyPatterns(t *testing.T) {
	s := start(t, t.TempDir())
	exp, run, _ := s.run(t, "patterns")
	s.post(t, api+"runs/log-parameter", fmt.Sprintf(`{"run_id":%q,"key":"p","value":%q}`, run, strings.Repeat("a", 5000)))
	for _, pattern := range []string{strings.Repeat("%a", 200) + "b", strings.Repeat("%", 5000) + "b", strings.Repeat("_%", 500) + "b"} {
		for _, op := range []string{"LIKE", "ILIKE"} {
			begin := time.Now()
			a := s.do(t, http.MethodPost, api+"runs/search", fmt.Sprintf(`{"experiment_ids":[%q],"filter":"params.p %s '%s'"}`, exp, op, pattern))
			keeps(t, op, a)
			if strings.Contains(string(a.body), run) {
				t.Errorf("%s found a run that it must not", op)
			}
			if took := time.Since(begin); took > 2*time.Second {
				t.Errorf("%s of %d characters took %v", op, len(pattern), took)
			}
		}
	}
}

// TestNamesThatLookAlike: a name and its percent-encoding are two names
// (CVE-2024-3099), and names cannot hold what paths are made of.
func TestNamesThatLookAlike(t *testing.T) {
	s := start(t, t.TempDir())
	for _, name := range []string{"a/b", "a:b", " ", ""} {
		refuses(t, "model "+name, s.do(t, http.MethodPost, api+"registered-models/create", fmt.Sprintf(`{"name":%q}`, name)))
	}
	for _, name := range []string{"a%2Fb", "<script>alert(1)</script>", "a\"b'c", "ä"} {
		a := s.do(t, http.MethodPost, api+"registered-models/create", `{"name":`+jsonText(name)+`}`)
		if a.status != http.StatusOK {
			keeps(t, name, a)
			continue
		}
		if got := s.do(t, http.MethodGet, api+"registered-models/get?name="+url.QueryEscape(name), ""); got.status != http.StatusOK || !strings.HasPrefix(got.header.Get("Content-Type"), "application/json") {
			t.Errorf("model %s was answered %s (%s)", name, got, got.header.Get("Content-Type"))
		}
	}
	for _, p := range []string{"//api/2.0/mlflow/experiments/get?experiment_id=0", "/api/./2.0/mlflow/experiments/get?experiment_id=0", "/API/2.0/mlflow/experiments/get?experiment_id=0"} {
		a := s.rawRequest(t, http.MethodGet, p, "")
		keeps(t, p, a)
	}
}

// TestUnknownRoutes: clients fall back when they read ENDPOINT_NOT_FOUND.
func TestUnknownRoutes(t *testing.T) {
	s := start(t, t.TempDir())
	for _, r := range []struct{ method, path string }{
		{"POST", "/api/3.0/mlflow/traces"}, {"POST", "/api/2.0/mlflow/traces"}, {"GET", "/api/2.0/mlflow/nobody"}, {"POST", "/api/2.0/preview/mlflow/nobody"},
		{"GET", "/ajax-api/3.0/jobs/x"}, {"POST", "/v1/traces"}, {"GET", "/api/2.0/mlflow/scorers/list"}, {"POST", "/ajax-api/2.0/mlflow/gateway-proxy?gateway_path=http://127.0.0.1:1/"},
	} {
		a := s.do(t, r.method, r.path, "{}")
		if a.status != http.StatusNotFound || a.code() != "ENDPOINT_NOT_FOUND" {
			t.Errorf("%s %s was answered %s", r.method, r.path, a)
		}
	}
	a := s.do(t, http.MethodPut, api+"runs/create", `{"experiment_id":"0"}`)
	if a.status != http.StatusMethodNotAllowed && a.status != http.StatusNotFound {
		t.Errorf("a wrong verb was answered %s", a)
	}
}
