//go:build conformance && linux

package jobs

import (
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

const (
	kills   = 100
	singles = 70 // command jobs; families come on top
)

// TestKillAtRandomMoments kills the server, the runner and the nodes of jobs, and
// commands that create jobs, at 100 random moments: every job that was acknowledged
// is over in the end, ran to its end once, and has one tracking run with its log.
func TestKillAtRandomMoments(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 100))
	m := start(t)
	m.must("compute", "create", "-n", "cpu", "--max-instances", "4", "--dir", m.data)
	made := make(chan struct{})
	seed := random.Uint64()
	go func() {
		defer close(made)
		m.createAll(rand.New(rand.NewPCG(seed, 1)))
	}()
	begin, count := time.Now(), map[string]int{}
	for total := 0; total < kills; {
		time.Sleep(time.Duration(20+random.IntN(260)) * time.Millisecond)
		what := ""
		switch random.IntN(4) {
		case 0:
			what = "server"
			m.killServer()
		case 1, 2:
			if m.killRunner() {
				what = "runner"
			}
		case 3:
			if m.killNode(random) {
				what = "node"
			}
		}
		if what != "" {
			count[what]++
			total++
		}
		if t.Failed() || time.Since(begin) > time.Minute {
			t.Fatalf("%d kills in %s: %v", total, time.Since(begin), count)
		}
	}
	<-made
	t.Logf("%d kills in %s: %v, and %d of commands that create jobs", kills, time.Since(begin).Round(time.Millisecond), count, m.createsKilled)
	for what, n := range map[string]int{"server": 10, "runner": 20, "node": 10} {
		if count[what] < n {
			t.Errorf("the %s was killed %d times; the test proves little", what, count[what])
		}
	}
	m.awaitEnd(time.Minute)
	m.check()
}

// createAll creates the jobs, one command each, and remembers which were
// acknowledged. Some of the commands are killed.
func (m *machine) createAll(random *rand.Rand) {
	for i := range singles {
		line := fmt.Sprintf("sleep 0.%02d; echo x > ${{outputs.o}}/f; echo said by $AZUREML_JOB_NAME; echo $AZUREML_JOB_NAME >> %s; exit %d", random.IntN(40), m.ends, i%5/4)
		m.create(random, fmt.Sprintf("single%d", i), "command: '"+line+"'\noutputs: {o: {}}\n")
		time.Sleep(time.Duration(random.IntN(250)) * time.Millisecond)
		if i%20 != 10 {
			continue
		}
		say := "sleep 0.1; echo said by $AZUREML_JOB_NAME; echo $AZUREML_JOB_NAME >> " + m.ends + "; echo x > ${{outputs.o}}/f"
		step := "{command: '" + say + "', environment: 'azureml:e:1', outputs: {o: {}}"
		m.create(random, fmt.Sprintf("pipe%d", i), "type: pipeline\njobs:\n  a: "+step+"}\n  b: "+step+", inputs: {i: '${{parent.jobs.a.outputs.o}}'}}\n"+
			"  c: "+step+", inputs: {i: '${{parent.jobs.b.outputs.o}}'}}\nsettings: {force_rerun: true}\n")
		m.create(random, fmt.Sprintf("sweep%d", i), "type: sweep\ntrial: {command: '"+say+"; # ${{search_space.x}}', environment: 'azureml:e:1'}\noutputs: {o: {}}\nsampling_algorithm: grid\n"+
			"search_space: {x: {type: choice, values: [1, 2, 3, 4, 5]}}\nobjective: {goal: minimize, primary_metric: m}\n")
	}
}

// create runs one `job create`; one of eight is killed on its way.
func (m *machine) create(random *rand.Rand, name, text string) {
	file := filepath.Join(m.dir, name+".yml")
	m.write(file, text)
	c := m.command("job", "create", "-f", file, "-n", name, "--compute", "cpu", "--dir", m.data, "--tracking-uri", m.url)
	if err := c.Start(); err != nil {
		m.t.Error(err)
		return
	}
	if random.IntN(8) == 0 {
		time.AfterFunc(time.Duration(random.IntN(40))*time.Millisecond, func() { _ = c.Process.Kill() })
	}
	err := c.Wait()
	killed := c.ProcessState.Sys().(syscall.WaitStatus).Signaled()
	switch {
	case killed:
		m.createsKilled++
	case err != nil:
		m.t.Errorf("job create %s: %v\n%s", name, err, c.Stderr)
	default:
		m.acknowledged = append(m.acknowledged, name)
	}
}

// killNode kills the processes of a job that runs, as a node that is gone would lose
// them; of each job at most once, as three losses are the job's failure.
func (m *machine) killNode(random *rand.Rand) bool {
	list, err := m.store.List(m.t.Context(), job.Query{States: []job.State{job.Running}, Limit: 100})
	if err != nil {
		m.t.Fatal(err)
	}
	random.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
	for _, r := range list {
		if m.lost[r.Name] || len(r.Processes) == 0 || !m.runs(r.Processes[0].PID, local.JobDir(m.work(), r.Name)) {
			continue
		}
		m.lost[r.Name] = true
		return syscall.Kill(-r.Processes[0].PID, syscall.SIGKILL) == nil
	}
	return false
}
