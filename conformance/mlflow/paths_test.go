//go:build conformance

package mlflow

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// climbing are artifact paths that leave their folder, as they stand in a URL's
// path or query (already percent-encoded). Each line names where the shape was
// seen.
var climbing = []struct{ seen, path string }{
	{"CVE-2023-6015", "../secret.txt"},
	{"CVE-2023-6015", "../../../../../../../../etc/passwd"},
	{"CVE-2023-6015", "./../outside/secret.txt"},
	{"CVE-2023-6976", "a/../../b"},
	{"CVE-2023-30172", "a/../b"},
	{"CVE-2023-30172", ".."},
	{"CVE-2023-6831", "%2E%2E%2Fsecret.txt"},
	{"CVE-2023-6831", "%252E%252E%252Fsecret.txt"},
	{"CVE-2023-6831", "%25252E%25252E%25252Fsecret.txt"},
	{"CVE-2024-1560", "%252E%252E%252F%252E%252E/outside/secret.txt"},
	{"CVE-2024-1560", "%2%0952e%2%0952e/secret.txt"},
	{"CVE-2024-1560", "%2%0A52e%2%0A52e/secret.txt"},
	{"CVE-2023-1176", "%2Fetc%2Fpasswd"},
	{"CVE-2023-1176", "%2Fetc%2Fpasswd%00.jpg"},
	{"CVE-2023-6977", "%2F%2Fproc%2Fself%2Froot%2Fetc%2Fpasswd"},
	{"CVE-2023-1177", "file:%2F%2F%2Fetc%2Fpasswd"},
	{"CVE-2023-2356", "file:%2F%2Fa%23%2F..%2F%2Ftmp"},
	{"CVE-2023-2780", "file:%2F%2Fa%2523%2F..%2F%2Ftmp%2F"},
	{"CVE-2023-3765", "C:%2F"},
	{"CVE-2023-3765", "C:x"},
	{"CVE-2023-3765", "%5C%5Cserver%5Cshare"},
	{"CVE-2023-6753", "..%5Csecret.txt"},
	{"CVE-2023-6753", "a%5C..%5C..%5Csecret.txt"},
	{"a NUL byte", "a%00b"},
	{"a line feed", "a%0Ab"},
	{"invalid UTF-8", "a%FF%FEb"},
	{"an overlong encoding of ..", "%C0%AE%C0%AE%2Fsecret.txt"},
	{"a path of 5,000 bytes", strings.Repeat("d/", 2500) + "x"},
	{"a segment of 300 bytes", strings.Repeat("s", 300)},
}

// TestArtifactPathsThatClimb asks every route that takes an artifact path for
// each of the shapes.
func TestArtifactPathsThatClimb(t *testing.T) {
	f := fence(t)
	exp, run, uri := f.run(t, "climb")
	base := strings.TrimPrefix(strings.TrimPrefix(uri, "mlflow-artifacts:"), "/")
	put := f.do(t, http.MethodPut, "/api/2.0/mlflow-artifacts/artifacts/"+base+"/fine.txt", "fine")
	if put.status != http.StatusOK {
		t.Fatalf("a plain upload was answered %s", put)
	}
	model := strings.TrimPrefix(exp, "/")
	before := tree(t, f.dir, "")
	before = withoutDatabase(before)
	for _, c := range climbing {
		prefixes := []string{"", base + "/"}
		if isAbsolute(c.path) {
			prefixes = prefixes[:1] // below a folder it is no longer absolute
		}
		for _, prefix := range prefixes {
			for _, p := range []string{"/api/2.0/mlflow-artifacts", "/ajax-api/2.0/mlflow-artifacts"} {
				for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
					f.raw(t, method, p+"/artifacts/"+prefix+c.path, c.seen)
				}
				f.raw(t, http.MethodGet, p+"/artifacts?path="+prefix+c.path, c.seen)
			}
		}
		f.raw(t, http.MethodGet, "/api/2.0/mlflow/artifacts/list?run_id="+run+"&path="+c.path, c.seen)
		f.raw(t, http.MethodGet, "/get-artifact?run_uuid="+run+"&path="+c.path, c.seen)
		f.raw(t, http.MethodPost, "/ajax-api/2.0/mlflow/upload-artifact?run_uuid="+run+"&path="+c.path, c.seen)
	}
	if after := withoutDatabase(tree(t, f.dir, "")); after != before {
		t.Errorf("the artifacts changed\nbefore:\n%s\nafter:\n%s", before, after)
	}
	if got := f.do(t, http.MethodGet, "/api/2.0/mlflow-artifacts/artifacts/"+base+"/fine.txt", ""); string(got.body) != "fine" {
		t.Errorf("after the attacks the plain file of experiment %s is %s", model, got)
	}
}

// raw sends a target that url.Parse might refuse, byte for byte, and wants it
// refused (301 and 404 count: nothing was read or written).
func (f *fenced) raw(t *testing.T, method, target, seen string) {
	t.Helper()
	what := method + " " + tail(target, 150) + " (" + seen + ")"
	body := ""
	if method == http.MethodPut || method == http.MethodPost {
		body = "attack"
	}
	a := f.rawRequest(t, method, target, body)
	keeps(t, what, a)
	if a.status < 300 {
		t.Errorf("%s was answered %s; want a refusal", what, a)
	}
}

func isAbsolute(path string) bool {
	return strings.HasPrefix(path, "%2F") || strings.HasPrefix(path, "C:")
}

func withoutDatabase(tree string) string {
	var b strings.Builder
	for line := range strings.Lines(tree) {
		if !strings.HasPrefix(line, "store.db") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// TestArtifactPathsThatAreFine stores and reads names that only look odd.
func TestArtifactPathsThatAreFine(t *testing.T) {
	s := start(t, t.TempDir())
	_, _, uri := s.run(t, "fine")
	base := "/api/2.0/mlflow-artifacts/artifacts" + strings.TrimPrefix(uri, "mlflow-artifacts:") + "/"
	for _, name := range []string{
		"path", "dir/a b.txt", "dog%step%100%timestamp%100", "dog+step+100+timestamp+100", "a..b", "..a", "x/....", "größe/Δ.txt",
		".hidden", ".git/config", "x=y&z", "meta.yaml", "MLmodel", "a'b\"c.txt", "~user", "$HOME", strings.Repeat("n", 255),
	} {
		target := base + strings.ReplaceAll(url.PathEscape(name), "%2F", "/")
		if a := s.do(t, http.MethodPut, target, "of "+name); a.status != http.StatusOK {
			t.Errorf("PUT %s was answered %s", name, a)
			continue
		}
		a := s.do(t, http.MethodGet, target, "")
		if a.status != http.StatusOK || string(a.body) != "of "+name {
			t.Errorf("GET %s was answered %s", name, a)
		}
		if got := a.header.Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options of %s is %q", name, got)
		}
		if got := a.header.Get("Content-Disposition"); !strings.HasPrefix(got, "attachment") || strings.ContainsAny(got, "\r\n") {
			t.Errorf("Content-Disposition of %s is %q", name, got)
		}
		if got := a.header.Get("Content-Encoding"); got != "" {
			t.Errorf("Content-Encoding of %s is %q: clients would unpack the file", name, got)
		}
	}
}

// TestSymbolicLinks plants links in the artifact folder, as someone with access
// to it may, and asks for what they point at (MLflow's PR 18964).
func TestSymbolicLinks(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "server")
	secretFile := filepath.Join(root, "secret.txt")
	if err := os.WriteFile(secretFile, []byte(secret), 0o644); err != nil {
		t.Fatal(err)
	}
	files := filepath.Join(dir, "root")
	s := start(t, dir, "--default-artifact-root", "file://"+filepath.ToSlash(files))
	_, run, uri := s.run(t, "links")
	folder := strings.TrimPrefix(uri, "file://")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "fine.txt"), []byte("fine"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"file": secretFile, "folder": root, "climb": "../../../../secret.txt"} {
		if err := os.Symlink(target, filepath.Join(folder, name)); err != nil {
			t.Skipf("this system has no symbolic links: %v", err)
		}
	}
	if a := s.do(t, http.MethodGet, "/get-artifact?run_uuid="+run+"&path=fine.txt", ""); string(a.body) != "fine" {
		t.Errorf("a plain file was answered %s", a)
	}
	for _, p := range []string{"file", "folder/secret.txt", "climb"} {
		refuses(t, "get-artifact of a link, "+p, s.do(t, http.MethodGet, "/get-artifact?run_uuid="+run+"&path="+p, ""))
	}
	keeps(t, "a list through a link", s.do(t, http.MethodGet, "/api/2.0/mlflow/artifacts/list?run_id="+run+"&path=folder", ""))
	if a := s.do(t, http.MethodGet, "/api/2.0/mlflow/artifacts/list?run_id="+run+"&path=folder", ""); strings.Contains(string(a.body), "secret.txt") {
		t.Errorf("a list through a link shows %s", a)
	}
}

// TestUploadsThatCollide puts a file where a folder is, and below a file.
func TestUploadsThatCollide(t *testing.T) {
	s := start(t, t.TempDir())
	_, _, uri := s.run(t, "collide")
	base := "/api/2.0/mlflow-artifacts/artifacts" + strings.TrimPrefix(uri, "mlflow-artifacts:") + "/"
	for _, p := range []string{"folder/leaf", "file"} {
		if a := s.do(t, http.MethodPut, base+p, "x"); a.status != http.StatusOK {
			t.Fatalf("PUT %s was answered %s", p, a)
		}
	}
	refuses(t, "PUT over a folder", s.do(t, http.MethodPut, base+"folder", "y"))
	refuses(t, "PUT below a file", s.do(t, http.MethodPut, base+"file/leaf", "y"))
	for _, p := range []string{"folder/leaf", "file"} {
		if a := s.do(t, http.MethodGet, base+p, ""); string(a.body) != "x" {
			t.Errorf("GET %s was answered %s", p, a)
		}
	}
}
