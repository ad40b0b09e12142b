package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestPredictGoesOn kills predict at random moments and runs it again until it is
// through: the output is that of a run that nobody disturbed, and rows that were kept
// are not scored again.
func TestPredictGoesOn(t *testing.T) {
	dir := t.TempDir()
	model := smallModel(t, dir)
	data, out := filepath.Join(dir, "many.csv"), filepath.Join(dir, "out.csv")
	var text bytes.Buffer
	text.WriteString("serial_number,a,b\n")
	for i := range 600_000 {
		fmt.Fprintf(&text, "S%d,%d,%d\n", i, i%211, i%17)
	}
	if err := os.WriteFile(data, text.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	predict := func(out string, more ...string) *exec.Cmd {
		c := exec.Command(os.Args[0], append([]string{"predict", "-m", model, "--data", data, "-o", out, "--shard", "2/3"}, more...)...)
		c.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1", "DRIVECAST_TEST_KEEP_EVERY=50000")
		return c
	}
	run := func(c *exec.Cmd) string {
		t.Helper()
		said, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, said)
		}
		return string(said)
	}
	whole := filepath.Join(dir, "whole.csv")
	begin := time.Now()
	run(predict(whole))
	took := time.Since(begin)
	want, err := os.ReadFile(whole)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	going := regexp.MustCompile(`going on after (\d+) rows`)
	last, resumed, done := 0, 0, false
	for try := 0; try < 30 && !done; try++ {
		c := predict(out)
		var said bytes.Buffer
		c.Stderr = &said
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(took/2+took*time.Duration(try)/20+time.Duration(r.Int64N(int64(took)/2)), func() { c.Process.Kill() })
		done = c.Wait() == nil
		kill.Stop()
		if m := going.FindStringSubmatch(said.String()); m != nil {
			n, _ := strconv.Atoi(m[1])
			if n < last || n%50_000 != 0 {
				t.Fatalf("went on after %d rows, and after %d before", n, last)
			}
			last = n
			resumed++
		}
		if got, err := os.ReadFile(out); err == nil && !done { // it was killed after its last act
			if !bytes.Equal(got, want) {
				t.Fatal("an unfinished output has its name")
			}
			done = true
			os.Remove(out + ".resume")
		}
	}
	if !done { // a machine that is too fast or too slow today: the last run is not disturbed
		run(predict(out))
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("%d bytes, want %d: %v", len(got), len(want), err)
	}
	if left, _ := filepath.Glob(out + ".*"); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("went on %d times, last after %d rows", resumed, last)
	interrupted(t, predict, run, out, want)
}

// interrupted leaves an output of whose rows some are kept, and asks with other
// arguments, other data and --anew: none of them goes on.
func interrupted(t *testing.T, predict func(string, ...string) *exec.Cmd, run func(*exec.Cmd) string, out string, want []byte) {
	leave := func() {
		t.Helper()
		os.Remove(out)
		for range 50 {
			c := predict(out)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			for c.ProcessState == nil {
				if _, err := os.Stat(out + ".resume"); err == nil {
					c.Process.Kill()
					c.Wait()
					break
				}
				if _, err := os.Stat(out); err == nil {
					c.Wait()
					break
				}
				time.Sleep(time.Millisecond)
			}
			if _, err := os.Stat(out + ".resume"); err == nil {
				return
			}
			os.Remove(out)
		}
		t.Fatal("no run was caught in the middle")
	}
	leave()
	if said := run(predict(out)); !bytes.Contains([]byte(said), []byte("going on after")) {
		t.Errorf("an interrupted run was not taken up: %s", said)
	}
	if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
		t.Errorf("what was taken up became %d bytes, want %d: %v", len(got), len(want), err)
	}
	for name, more := range map[string][]string{"anew": {"--anew"}, "another shard": {"--shard", "1/3"}} {
		leave()
		if said := run(predict(out, more...)); bytes.Contains([]byte(said), []byte("going on")) {
			t.Errorf("%s: %s", name, said)
		}
		if got, err := os.ReadFile(out); err != nil || bytes.Equal(got, want) != (name == "anew") {
			t.Errorf("%s: the output is not its own: %v", name, err)
		}
	}
}
