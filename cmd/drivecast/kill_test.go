package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestUpSurvivesKills kills `up` at ten random moments; whatever had been
// registered is still there, and a last run finishes.
func TestUpSurvivesKills(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "drives.csv")
	writeDrives(t, data)
	host, port := freeAddress(t)
	_, port2 := freeAddress(t)
	args := []string{"up", "--once", "--data", data, "--target", "broken", "--dir", filepath.Join(dir, "d"),
		"--tracking-addr", host + ":" + port, "--serving-addr", host + ":" + port2, "-o", "json"}
	r := rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano())))
	whole := 0
	for range 10 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(20+r.IntN(900))*time.Millisecond)
		cmd := exec.CommandContext(ctx, os.Args[0], args...)
		cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
		if cmd.Run() == nil {
			whole++
		}
		cancel()
	}
	t.Logf("%d of 10 runs ended before they were killed", whole)
	cmd := exec.CommandContext(t.Context(), os.Args[0], args...)
	cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the run after the kills failed: %v\n%s", err, stderr.Bytes())
	}
	var result upResult
	if err := json.Unmarshal(out, &result); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if len(result.Versions) < 2*whole+2 || result.Champion == "" {
		t.Errorf("%d versions after %d whole runs and the last one; champion %q", len(result.Versions), whole, result.Champion)
	}
	if i := slices.IndexFunc(result.Jobs, func(j jobResult) bool { return j.State != "Completed" }); i >= 0 {
		t.Errorf("job %s is %s", result.Jobs[i].Name, result.Jobs[i].State)
	}
}

func writeDrives(t *testing.T, file string) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("serial,age,sectors,broken\n")
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 400 {
		broken := i % 3 / 2
		b.WriteString(string(rune('A'+i%26)) + time.Duration(i).String() + ",")
		for _, v := range []int{r.IntN(900) + 300*broken, r.IntN(5) * (1 + 3*broken), broken} {
			text, _ := json.Marshal(v)
			b.Write(text)
			b.WriteByte(',')
		}
		b.Truncate(b.Len() - 1)
		b.WriteByte('\n')
	}
	if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestRealData runs the loop on real drives within the stated bounds.
func TestRealData(t *testing.T) {
	dir := dataDir(t)
	for _, tt := range []struct {
		data  string
		split string
		best  float64
	}{
		{"seed/hdd_balanced_dataset.csv", "stratified", .9987},
		{"backblaze/2013_daily", "time", .7},
	} {
		host, port := freeAddress(t)
		_, port2 := freeAddress(t)
		work := t.TempDir()
		cmd := exec.CommandContext(t.Context(), os.Args[0], "up", "--once", "--data", filepath.Join(dir, tt.data), "--dir", work,
			"--tracking-addr", host+":"+port, "--serving-addr", host+":"+port2, "-o", "json")
		cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("%s: %v\n%s", tt.data, err, stderr.Bytes())
		}
		var result upResult
		if err := json.Unmarshal(out, &result); err != nil {
			t.Fatal(err)
		}
		if len(result.Versions) != 2 || len(result.Samples) != 3 || result.Versions[1].Metrics["roc_auc"] < tt.best {
			t.Errorf("%s: %s", tt.data, out)
		}
		logs, err := filepath.Glob(filepath.Join(work, "work/jobs/*/user_logs/*"))
		if err != nil || len(logs) < 2 {
			t.Fatal(logs, err)
		}
		text, err := os.ReadFile(logs[0])
		if err != nil || !bytes.Contains(text, []byte(tt.split)) {
			t.Errorf("%s: the log says nothing of a %s split: %s (%v)", tt.data, tt.split, text, err)
		}
	}
}
