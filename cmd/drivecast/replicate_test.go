package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/mlflow/client"
	"github.com/drivecast/drivecast/internal/replicate"
)

// killable is a program that is killed and started again.
type killable struct {
	t    *testing.T
	args []string
	cmd  *exec.Cmd
	log  bytes.Buffer
}

func (k *killable) start() {
	k.t.Helper()
	k.cmd = exec.Command(os.Args[0], k.args...)
	k.cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
	k.cmd.Stderr = &k.log
	k.cmd.Stdout = io.Discard
	if err := k.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
}

// kill ends the program at once, without a chance to tidy up.
func (k *killable) kill() {
	if k.cmd != nil {
		_ = k.cmd.Process.Kill()
		_ = k.cmd.Wait()
	}
	k.cmd = nil
}

// region is a server that can be killed, and a client of it.
type region struct {
	killable
	*client.Client
}

func startRegion(t *testing.T) *region {
	t.Helper()
	host, port := freeAddress(t)
	dir := t.TempDir()
	r := &region{killable: killable{t: t, args: []string{"server", "--host", host, "--port", port,
		"--backend-store-uri", "sqlite:///" + filepath.ToSlash(filepath.Join(dir, "store.db")), "--artifacts-destination", filepath.Join(dir, "files")}}}
	var err error
	if r.Client, err = client.New("http://"+host+":"+port, nil, client.WithRetries(8, 50*time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	r.start()
	t.Cleanup(r.kill)
	if err := waitFor(r.URI()+"/health", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	return r
}

// add registers a version whose files tell its number.
func (r *region) add(t *testing.T, n int) {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	for i := range 4 {
		text := bytes.Repeat([]byte(fmt.Sprintf("version %d file %d\n", n, i)), 1+20000*i)
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("part", i)), text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	e, err := r.EnsureExperiment(ctx, "drives")
	if err != nil {
		t.Fatal(err)
	}
	run, err := r.CreateRun(ctx, e.ID, fmt.Sprint("fit ", n), time.UnixMilli(int64(n)), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.UploadDir(ctx, run.ArtifactURI+"/model", dir); err != nil {
		t.Fatal(err)
	}
	v, err := r.Register(ctx, "hdd", run.ArtifactURI+"/model", run.ID, []client.Tag{{Key: "n", Value: fmt.Sprint(n)}})
	if err == nil {
		err = r.SetAlias(ctx, "hdd", "champion", v.Version)
	}
	if err != nil || v.Version != fmt.Sprint(n) {
		t.Fatalf("version %s, %v", v.Version, err)
	}
}

// TestReplicationSurvivesKills kills source, target and replicator at random moments
// while versions are made; in the end the target has each of them once.
func TestReplicationSurvivesKills(t *testing.T) {
	a, b := startRegion(t), startRegion(t)
	r := rand.New(rand.NewPCG(3, uint64(time.Now().UnixNano())))
	follow := &killable{t: t, args: []string{"models", "replicate", "--from", a.URI(), "--to", b.URI(), "--follow", "--every", "5ms"}}
	follow.start()
	defer follow.kill()
	const kills = 24
	made := 0
	for i, until := 0, time.Now().Add(30*time.Second); i < kills && time.Now().Before(until); i++ {
		for range 2 {
			made++
			a.add(t, made)
		}
		time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond)
		victim := []*killable{&a.killable, &b.killable, follow}[r.IntN(3)]
		victim.kill()
		time.Sleep(time.Duration(r.IntN(40)) * time.Millisecond)
		victim.start()
		if err := waitFor(a.URI()+"/health", 20*time.Second); err != nil {
			t.Fatal(err)
		}
	}
	follow.kill()
	if err := waitFor(b.URI()+"/health", 20*time.Second); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], "models", "replicate", "--from", a.URI(), "--to", b.URI(), "--verify", "-o", "json")
	cmd.Env = append(os.Environ(), "DRIVECAST_TEST_MAIN=1")
	out, err := cmd.Output()
	var report replicate.Report
	if err2 := json.Unmarshal(out, &report); err != nil || err2 != nil {
		t.Fatalf("%v, %v: %s\n%s", err, err2, out, follow.log.String())
	}
	t.Logf("%d versions made; the last pass found %d and made %d", made, report.Known, report.Versions)
	if report.Known == 0 || report.Mended > 0 {
		t.Errorf("the passes under kills left %+v", report)
	}
	compareRegions(t, a, b, made)
}

// compareRegions wants every version of a once in b, with its files and its run.
func compareRegions(t *testing.T, a, b *region, made int) {
	t.Helper()
	ctx := t.Context()
	versions, err := b.Versions(ctx, "hdd")
	if err != nil || len(versions) != made {
		t.Fatalf("%d versions of %d, %v", len(versions), made, err)
	}
	runs := map[string]bool{}
	for _, v := range versions {
		runs[v.RunID] = true
		if tagOf(v, "n") != v.Version || tagOf(v, "drivecast.replica.pending") != "done" {
			t.Errorf("version %s has the tags %v", v.Version, v.Tags)
		}
		from, err := a.DownloadURI(ctx, "hdd", v.Version)
		if err != nil {
			t.Fatal(err)
		}
		to, err := b.DownloadURI(ctx, "hdd", v.Version)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 4 {
			x, err1 := a.ReadFile(ctx, from, fmt.Sprint("part", i), 1<<22)
			y, err2 := b.ReadFile(ctx, to, fmt.Sprint("part", i), 1<<22)
			if err1 != nil || err2 != nil || !bytes.Equal(x, y) {
				t.Errorf("part%d of version %s: %d and %d bytes, %v, %v", i, v.Version, len(x), len(y), err1, err2)
			}
		}
	}
	e, err := b.EnsureExperiment(ctx, "drives")
	if err != nil {
		t.Fatal(err)
	}
	all, next, err := b.SearchRuns(ctx, client.Search{ExperimentIDs: []string{e.ID}, Max: 1000})
	if err != nil || next != "" || len(all) != made || len(runs) != made {
		t.Errorf("%d runs, %d of them in versions, for %d versions, %v", len(all), len(runs), made, err)
	}
	if v, err := b.ByAlias(ctx, "hdd", "champion"); err != nil || v.Version != fmt.Sprint(made) {
		t.Errorf("champion is %s, %v", v.Version, err)
	}
	if resp, err := http.Get(a.URI() + "/health"); err != nil || resp.Body.Close() != nil {
		t.Error(err)
	}
}
