//go:build conformance

package mlflow

import (
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// adminPassword is the first admin's.
const adminPassword = "the first admin's"

// startWithUsers runs a server whose admin is root.
func startWithUsers(t *testing.T, flags ...string) *server {
	t.Helper()
	dir := t.TempDir()
	add := exec.Command(binary(t), "server", "user", "add", "root", "--admin", "--backend-store-uri", "sqlite:///"+filepath.Join(dir, "store.db"))
	add.Env = append(os.Environ(), "DRIVECAST_PASSWORD="+adminPassword)
	if out, err := add.CombinedOutput(); err != nil || strings.Contains(string(out), adminPassword) {
		t.Fatalf("%v: %s", err, out)
	}
	return start(t, dir, append([]string{"--auth", "--verbose"}, flags...)...)
}

// TestPeople lets MLflow's own clients administer users and meet permissions.
func TestPeople(t *testing.T) {
	s := startWithUsers(t, "--audit-log", filepath.Join(t.TempDir(), "audit.jsonl"))
	for _, c := range clients {
		t.Run(c.version, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(interpreter(t, c.env), filepath.Join("scripts", "people.py"), s.url, "root")
			cmd.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "MLFLOW_DISABLE_TELEMETRY=true", "ADMIN_PASSWORD="+adminPassword)
			out, err := cmd.CombinedOutput()
			if err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "ok") {
				t.Errorf("%v: %s", err, tail(string(out), 3000))
			}
		})
	}
	t.Cleanup(func() {
		if strings.Contains(s.log.String(), adminPassword) || strings.Contains(s.log.String(), "-password") {
			t.Error("the server's log holds a password")
		}
	})
}

// TestAuthIsAskedFor: nobody listens to others without asking who they are, and
// there is no server with users but without an admin (CVE-2026-2635).
func TestAuthIsAskedFor(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string
	}{
		{[]string{"--host", "0.0.0.0"}, "--auth"},
		{[]string{"--auth"}, "there is no admin yet"},
		{[]string{"--app-name", "basic-auth"}, "there is no admin yet"},
		{[]string{"--app-name", "another"}, "basic-auth"},
		{[]string{"--tls-cert", "x"}, "--tls-key"},
		{[]string{"--auth", "--default-permission", "ALL"}, "Invalid permission"},
	} {
		dir := t.TempDir()
		args := append([]string{"server", "--port", "0", "--backend-store-uri", "sqlite:///" + filepath.Join(dir, "s.db"), "--artifacts-destination", filepath.Join(dir, "a")}, c.flags...)
		cmd := exec.Command(binary(t), args...)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%v: %v, %s", c.flags, err, out)
		}
	}
}

// TestNobodyEnters asks a running server with users for what attackers ask for
// (CVE-2023-6014, CVE-2026-0545, CVE-2026-2652, CVE-2026-33866, CVE-2025-15381).
func TestNobodyEnters(t *testing.T) {
	s := startWithUsers(t)
	for _, r := range []struct{ method, path string }{
		{"POST", api + "users/create"}, {"POST", "//api/2.0/mlflow/users/create"}, {"POST", "/api/2.0/mlflow/users/create/"}, {"GET", "/"}, {"GET", "/metrics"},
		{"POST", "/v1/traces"}, {"GET", "/ajax-api/3.0/jobs/x"}, {"GET", "/ajax-api/2.0/mlflow/logged-models/m-1/artifacts/files?artifact_file_path=x"}, {"GET", "/graphql"},
		{"POST", "/api/2.0/mlflow-artifacts/mpu/create/0/x"}, {"GET", "/get-artifact?run_uuid=x&path=y"}, {"GET", "/ajax-api/2.0/drivecast/events?experiment_id=0"},
		{"GET", "/health/../metrics"}, {"POST", "/health/x"}, {"GET", "/static-files/x"}, {"GET", "/signup"},
	} {
		if a := s.rawRequest(t, r.method, r.path, ""); a.status != http.StatusUnauthorized && a.status != http.StatusBadRequest {
			t.Errorf("%s %s was answered %s", r.method, r.path, a)
		}
	}
	for _, path := range []string{"/health", "/version"} {
		if a := s.do(t, http.MethodGet, path, ""); a.status != http.StatusOK {
			t.Errorf("%s was answered %s", path, a)
		}
	}
}
