//go:build conformance

package mlflow

import (
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestSourcesOfVersions registers versions from places that no version may come
// from, plainly and as a prompt, whose sources MLflow once did not check.
func TestSourcesOfVersions(t *testing.T) {
	f := fence(t)
	_, run, uri := f.run(t, "sources")
	_, other, otherURI := f.run(t, "others")
	f.post(t, api+"registered-models/create", `{"name":"m"}`)
	outside := filepath.ToSlash(f.outside)
	cases := []struct{ seen, source string }{
		{"CVE-2023-1177", "file:///etc"},
		{"CVE-2023-1177", "/etc"},
		{"CVE-2023-1177", outside},
		{"CVE-2023-2356", "file://host/path/../../../../etc"},
		{"CVE-2023-2356", "file://" + outside},
		{"CVE-2023-2780", "file://./etc"},
		{"CVE-2023-2780", "file:./etc"},
		{"CVE-2023-6977", "//proc/self/root"},
		{"CVE-2023-6977", "./x"},
		{"CVE-2023-6975", "ftp://host/a/../../etc"},
		{"CVE-2024-1558", "mlflow-artifacts://host:9000/models/../../../"},
		{"CVE-2024-1558", "mlflow-artifacts:/models/../../../etc"},
		{"CVE-2024-1558", "http://host/api/2.0/mlflow-artifacts/artifacts/../../../"},
		{"CVE-2024-1558", "https://host/api/2.0/mlflow-artifacts/artifacts/../../../"},
		{"CVE-2024-1558", "s3a://my_bucket/a/..%2f..%2f"},
		{"CVE-2024-1558", "s3://b/artifacts/../../x"},
		{"CVE-2024-1558", "gs://b/artifacts/../../x"},
		{"CVE-2024-1558", "wasbs://b/artifacts/../../x"},
		{"CVE-2024-1558", "abfss://b/artifacts/../../x"},
		{"CVE-2024-1558", "hdfs://b/artifacts/../../x"},
		{"CVE-2025-11201", "https://host/artifacts/%2e%2e/%2e%2e/x"},
		{"CVE-2025-11201", "https://host/artifacts/%252e%252e/%252e%252e/x"},
		{"CVE-2025-11201", "https://host/artifacts/..%2f..%2f"},
		{"CVE-2025-11201", "https://host/artifacts%00"},
		{"CVE-2024-8859", "dbfs:/" + run + "/artifacts/a%3f/../../../"},
		{"CVE-2024-1593", "mlflow-artifacts:/x;/../../.."},
		{"CVE-2024-3573", "file:etc/passwd"},
		{"CVE-2024-3573", "FILE:///etc"},
		{"CVE-2024-3573", "local:/etc"},
		{"a path with a NUL", "mlflow-artifacts:/a\x00b"},
		{"a backslash", `\\server\share`},
		{"a drive", `C:\windows`},
		{"its own run, climbing", uri + "/../../../x"},
	}
	for _, c := range cases {
		for _, tags := range []string{"", `,"tags":[{"key":"mlflow.prompt.is_prompt","value":"true"}]`} { // the tag: CVE-2026-2614
			for _, id := range []string{run, other, ""} {
				body := fmt.Sprintf(`{"name":"m","source":%s,"run_id":%q%s}`, jsonText(c.source), id, tags)
				a := f.do(t, http.MethodPost, api+"model-versions/create", body)
				refuses(t, c.seen+" "+body, a)
			}
		}
	}
	if a := f.do(t, http.MethodGet, api+"model-versions/search?filter=name%3D'm'", ""); strings.Contains(string(a.body), "version") {
		t.Errorf("refused versions are there: %s", a)
	}
	for _, source := range []string{uri + "/model", otherURI + "/model", "mlflow-artifacts:/models///x", "s3://b/x/..../y"} {
		a := f.do(t, http.MethodPost, api+"model-versions/create", fmt.Sprintf(`{"name":"m","source":%q,"run_id":%q}`, source, run))
		if a.status != http.StatusOK {
			t.Errorf("a version from %s was answered %s", source, a)
		}
	}
	for v := range 4 {
		target := fmt.Sprintf("/model-versions/get-artifact?name=m&version=%d&path=..%%2F..%%2Fsecret.txt", v+1)
		refuses(t, target, f.do(t, http.MethodGet, target, ""))
	}
}

// jsonText quotes s as JSON does, control characters too.
func jsonText(s string) string {
	q := strconv.QuoteToASCII(s)
	return strings.NewReplacer(`\x00`, `\u0000`).Replace(q)
}

// TestArtifactLocations makes experiments in places that the server must not
// accept, and in one that it must record and never open.
func TestArtifactLocations(t *testing.T) {
	f := fence(t)
	outside := filepath.ToSlash(f.outside)
	cases := []struct{ seen, location string }{
		{"CVE-2023-6909", "http:///?/../../../../etc/"},
		{"CVE-2024-1483", "http:///#/../../../../etc/"},
		{"CVE-2024-2928", "http:///abc#/../../../../etc/"},
		{"CVE-2024-1594", "mlflow-artifacts:/x#y"},
		{"CVE-2024-1593", "mlflow-artifacts:/x;/../../.."},
		{"CVE-2024-3848", "http://host#/../../../../etc/"},
		{"CVE-2024-8859", "dbfs:/a/../../etc"},
		{"a NUL byte", "mlflow-artifacts:/a\x00b"},
		{"CVE-2024-6838", "mlflow-artifacts:/" + strings.Repeat("x", 5000)},
		{"a reference", "runs:/0123456789abcdef0123456789abcdef/x"},
		{"a reference", "models:/m/1"},
		{"a local folder while artifacts are proxied", "file://" + outside},
		{"a local folder while artifacts are proxied", outside},
		{"a local folder while artifacts are proxied", "file:///etc"},
		{"an encoded climb", "mlflow-artifacts:/a/%2e%2e/%2e%2e/etc"},
	}
	for i, c := range cases {
		body := fmt.Sprintf(`{"name":"e%d","artifact_location":%s}`, i, jsonText(c.location))
		refuses(t, c.seen+" "+tail(body, 120), f.do(t, http.MethodPost, api+"experiments/create", body))
	}
	for i, location := range []string{f.trap + "/bucket", "s3://bucket/x", "http://169.254.169.254/latest"} { // CVE-2023-6974, CVE-2023-6018
		a := f.do(t, http.MethodPost, api+"experiments/create", fmt.Sprintf(`{"name":"far%d","artifact_location":%q}`, i, location))
		if a.status != http.StatusOK {
			continue // refusing is as good as never fetching
		}
		exp := a.get(t, "experiment_id")
		run := f.post(t, api+"runs/create", fmt.Sprintf(`{"experiment_id":%q}`, exp)).get(t, "run", "info", "run_id")
		keeps(t, "a list of "+location, f.do(t, http.MethodGet, api+"artifacts/list?run_id="+run, ""))
		refuses(t, "get-artifact of "+location, f.do(t, http.MethodGet, "/get-artifact?run_uuid="+run+"&path=x", ""))
	}
}

// TestLocalLocations: with a local root, a location elsewhere is recorded and
// handed out, and never opened.
func TestLocalLocations(t *testing.T) {
	dir := t.TempDir()
	f := fence(t, "--default-artifact-root", "file://"+filepath.ToSlash(filepath.Join(dir, "root")))
	a := f.do(t, http.MethodPost, api+"experiments/create", fmt.Sprintf(`{"name":"e","artifact_location":"file://%s"}`, filepath.ToSlash(f.outside)))
	if a.status != http.StatusOK {
		t.Fatalf("a location that clients use themselves was answered %s", a)
	}
	run := f.post(t, api+"runs/create", fmt.Sprintf(`{"experiment_id":%q}`, a.get(t, "experiment_id")))
	id := run.get(t, "run", "info", "run_id")
	if uri := run.get(t, "run", "info", "artifact_uri"); !strings.HasPrefix(uri, "file://"+filepath.ToSlash(f.outside)) {
		t.Errorf("the artifact URI is %s", uri)
	}
	for _, p := range []string{"secret.txt", "sub/secret.txt", "..%2F..%2Fsecret.txt", ""} {
		keeps(t, "get-artifact outside the root", f.do(t, http.MethodGet, "/get-artifact?run_uuid="+id+"&path="+p, ""))
		l := f.do(t, http.MethodGet, api+"artifacts/list?run_id="+id+"&path="+p, "")
		keeps(t, "a list outside the root", l)
		if strings.Contains(string(l.body), "secret.txt") {
			t.Errorf("a list outside the root shows %s", l)
		}
	}
	refuses(t, "upload outside the root", f.do(t, http.MethodPost, "/ajax-api/2.0/mlflow/upload-artifact?run_uuid="+id+"&path=x", "attack"))
}

// TestWebhookTargets registers webhooks to addresses inside (CVE-2026-2393).
func TestWebhookTargets(t *testing.T) {
	f := fence(t)
	for _, url := range []string{
		f.trap, "https" + strings.TrimPrefix(f.trap, "http"), "http://169.254.169.254/latest", "https://169.254.169.254/", "https://localhost/",
		"https://127.0.0.1/", "https://[::1]/", "https://10.0.0.1/", "https://192.168.1.1/", "https://0x7f000001/", "https://2130706433/",
		"https://127.1/", "https://user:pass@127.0.0.1/", "ftp://example.com/", "file:///etc/passwd", "https://", "javascript:alert(1)", "",
		"https://[::ffff:127.0.0.1]/", "https://[fe80::1]/", "https://0.0.0.0/", "https://100.64.0.1/",
	} {
		body := fmt.Sprintf(`{"name":"hook","url":%q,"events":[{"entity":"REGISTERED_MODEL","action":"CREATED"}]}`, url)
		refuses(t, body, f.do(t, http.MethodPost, api+"webhooks", body))
	}
	f.post(t, api+"registered-models/create", `{"name":"nobody hears of it"}`)
}
