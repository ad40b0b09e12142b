package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/auth"
)

// TestUpAsks runs the whole loop with users: strangers are refused while it runs,
// the jobs are not, and their token ends with it.
func TestUpAsks(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "drives.csv")
	writeDrives(t, data)
	host, port := freeAddress(t)
	_, port2 := freeAddress(t)
	up := func(flags ...string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"up", "--once", "--data", data, "--target", "broken", "--dir", filepath.Join(dir, "d"),
			"--tracking-addr", host + ":" + port, "--serving-addr", host + ":" + port2, "-o", "json"}, flags...)...)
		cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1", "DRIVECAST_ADMIN_PASSWORD=", "MLFLOW_TRACKING_USERNAME=nobody", "MLFLOW_TRACKING_PASSWORD=wrong")
		return cmd
	}
	for flags, want := range map[string]string{"--auth": "there is no admin yet", "--tracking-addr=0.0.0.0:" + port: "say --allow-unauthenticated", "--tracking-addr=here": "not an address"} {
		if out, err := up(flags).CombinedOutput(); err == nil || !strings.Contains(string(out), want) {
			t.Errorf("up %s: %v %s", flags, err, out)
		}
	}

	cmd := up("--auth")
	cmd.Env = append(cmd.Env, "DRIVECAST_ADMIN_PASSWORD=correct horse battery")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	status := 0
	for range 2000 {
		resp, err := http.Get("http://" + host + ":" + port + "/api/2.0/mlflow/experiments/search?max_results=1")
		if err == nil {
			status = resp.StatusCode
			resp.Body.Close()
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if status != http.StatusUnauthorized {
		t.Errorf("a stranger was answered %d", status)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	var result upResult
	if err := json.Unmarshal(stdout.Bytes(), &result); err != nil || len(result.Versions) != 2 || result.Champion == "" {
		t.Errorf("%v, %d versions, champion %q", err, len(result.Versions), result.Champion)
	}
	a := newApp()
	err := a.withUsers(t.Context(), "sqlite:///"+filepath.Join(dir, "d", storeFile), "", "", func(s *auth.Service) error {
		left, err := s.Store().Tokens(t.Context(), "")
		if len(left) > 0 {
			t.Errorf("tokens are left: %+v", left)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
