package local_test

import (
	"testing"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
)

func TestNodeLimits(t *testing.T) {
	b := newBench(t)
	b.cfg.Limits = local.NodeLimits{Memory: 512 << 20, CPUs: 1}
	name := b.submit("command: (ulimit -v; nproc; echo $OMP_NUM_THREADS)")
	greedy := b.submit("command: head -c 900000000 /dev/zero | tail -c 900000000 > /dev/null")
	b.run()
	if got := b.log(name); got != "524288\n1\n1\n" {
		t.Errorf("limits = %q", got)
	}
	if r := b.get(greedy); r.State != job.Failed {
		t.Errorf("a process beyond its memory: %s", r.State)
	}
}
