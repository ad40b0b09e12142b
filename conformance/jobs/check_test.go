//go:build conformance && linux

package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

// awaitEnd waits until no job is open any more.
func (m *machine) awaitEnd(within time.Duration) {
	m.t.Helper()
	m.await(within, "the queue to drain", func() bool {
		n, err := m.store.Count(m.t.Context(), job.Query{States: []job.State{
			job.NotStarted, job.Queued, job.Starting, job.Preparing, job.Running, job.Finalizing, job.CancelRequested}})
		return err == nil && n == 0 && m.healthy()
	})
}

// check compares what the queue, the folders and the tracking server say.
func (m *machine) check() {
	t := m.t
	t.Helper()
	list, err := m.store.List(t.Context(), job.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	ends, err := os.ReadFile(m.ends)
	if err != nil {
		t.Fatal(err)
	}
	there, children := map[string]bool{}, map[string]int{}
	for _, r := range list {
		there[r.Name] = true
		children[r.Parent]++
	}
	for _, name := range m.acknowledged {
		if !there[name] {
			t.Errorf("job %s was acknowledged and is gone", name)
		}
	}
	ended := map[string]int{}
	for _, name := range strings.Fields(string(ends)) {
		ended[name]++
	}
	for _, r := range list {
		want := job.Completed
		var n int
		if _, err := fmt.Sscanf(r.Name, "single%d", &n); err == nil && n%5 == 4 {
			want = job.Failed
		}
		if r.State != want {
			t.Errorf("job %s is %s, not %s: %s", r.Name, r.State, want, r.Detail)
		}
		switch r.Kind {
		case job.KindCommand:
			m.checkCommand(r, ended[r.Name])
		case job.KindPipeline:
			if children[r.Name] != 3 {
				t.Errorf("pipeline %s has %d steps, not 3", r.Name, children[r.Name])
			}
		case job.KindSweep:
			if children[r.Name] != 5 {
				t.Errorf("sweep %s has %d trials, not 5", r.Name, children[r.Name])
			}
		}
		m.checkRun(r)
	}
	t.Logf("%d jobs, %d acknowledged, %d lost a node on their way", len(list), len(m.acknowledged), len(m.lost))
	if len(m.acknowledged) < singles*3/4 {
		t.Errorf("only %d jobs were acknowledged; the test proves little", len(m.acknowledged))
	}
}

// checkCommand looks whether a command was seen to end once. One whose node was
// killed between its last act and its end may have acted twice.
func (m *machine) checkCommand(r job.Record, acted int) {
	found, err := filepath.Glob(filepath.Join(local.JobDir(m.work(), r.Name), "exit-*"))
	if err != nil || len(found) != 1 {
		m.t.Errorf("job %s ended %d times, %v: %v", r.Name, len(found), found, err)
	}
	if r.ExitCode == nil {
		m.t.Errorf("job %s has no exit code", r.Name)
	}
	if acted != 1 && (acted != 2 || !m.lost[r.Name]) {
		m.t.Errorf("the command of job %s came to its last line %d times; it lost a node: %v", r.Name, acted, m.lost[r.Name])
	}
}

// checkRun looks for the job's tracking run: one, ended, with the log.
func (m *machine) checkRun(r job.Record) {
	var found struct {
		Runs []struct {
			Info struct {
				RunID  string `json:"run_id"`
				Status string
			}
		}
	}
	m.ask("runs/search", map[string]any{"experiment_ids": m.experiments(), "filter": "tags.`drivecast.job.name` = '" + r.Name + "'"}, &found)
	if len(found.Runs) != 1 {
		m.t.Errorf("job %s has %d tracking runs", r.Name, len(found.Runs))
		return
	}
	want := "FINISHED"
	if r.State == job.Failed {
		want = "FAILED"
	}
	run := found.Runs[0].Info
	if run.Status != want || run.RunID != r.RunID {
		m.t.Errorf("job %s: run %s is %s, want %s of %s", r.Name, run.RunID, run.Status, want, r.RunID)
	}
	if r.Kind != job.KindCommand {
		return
	}
	resp, err := http.Get(m.url + "/get-artifact?run_id=" + r.RunID + "&path=user_logs/std_log.txt")
	if err != nil {
		m.t.Error(err)
		return
	}
	defer resp.Body.Close()
	var log bytes.Buffer
	if _, err := log.ReadFrom(resp.Body); err != nil || resp.StatusCode != http.StatusOK || !strings.Contains(log.String(), "said by "+r.Name+"\n") {
		m.t.Errorf("job %s: its log is %s %q, %v", r.Name, resp.Status, log.String(), err)
	}
}

func (m *machine) experiments() []string {
	var all struct {
		Experiments []struct {
			ID string `json:"experiment_id"`
		}
	}
	m.ask("experiments/search", map[string]any{"max_results": 1000}, &all)
	var out []string
	for _, e := range all.Experiments {
		out = append(out, e.ID)
	}
	return out
}

// ask posts to the tracking server's API.
func (m *machine) ask(what string, body any, answer any) {
	m.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		m.t.Fatal(err)
	}
	client := &http.Client{Timeout: 20 * time.Second}
	resp, err := client.Post(m.url+"/api/2.0/mlflow/"+what, "application/json", bytes.NewReader(text))
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil || resp.StatusCode != http.StatusOK {
		m.t.Fatalf("%s: %s, %v", what, resp.Status, err)
	}
}
