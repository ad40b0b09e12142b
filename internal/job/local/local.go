// Package local runs queued jobs on this machine.
//
// A [Cluster] is the runner of one compute cluster in one folder. A lock file
// sees to it that only one lives. It claims jobs from the queue, gives each as
// many nodes as it asks for (a node is a slot of this machine), starts one
// process per node in a working copy of the job's code, and keeps the log, the
// outputs and the exit code. Nodes come when there is work, up to a maximum, and
// go after a time of idleness.
//
// # Why a killed runner loses nothing
//
// A process is started behind a gate: it waits for a word on its standard input
// until its id is written to the queue. If the runner dies before that, the gate
// closes and the command never starts; if it dies later, the process goes on by
// itself and leaves its exit code in a file. The next runner takes the job over
// and finds the exit code, or the living process, or neither: only then, the node
// being lost, is the command run again. So no job is lost, and none that ran to
// its end runs a second time.
//
// # The folder
//
//	jobs/NAME/code        working copy and working directory (code-1, … for further nodes)
//	jobs/NAME/inputs      downloaded inputs
//	jobs/NAME/outputs     outputs by name
//	jobs/NAME/user_logs   std_log.txt, the output of the process
//	snapshots/HASH        code as it was when a job was created
//	compute/NAME.lock     lock and address of a cluster's runner
//	bin/drivecast         link to this program, first on the PATH of jobs
package local

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Config is what a cluster is made of. Zero durations take the defaults.
type Config struct {
	Store    job.Store
	Name     string        // cluster, for instance job.DefaultCluster
	Min, Max int           // nodes; Max 0 is 1
	Idle     time.Duration // time without work after which a node goes; negative is at once, 0 is 120 s
	WorkDir  string        // folder described at the package
	Env      []string      // further environment of every process, KEY=value
	Runs     Runs          // nil when jobs are not tracked
	Assets   Assets        // nil when there are no registered assets
	Catalog  job.Catalog   // remembers the steps of pipelines; nil when none are to be reused
	Tracking string        // MLFLOW_TRACKING_URI of the processes
	Logger   *slog.Logger
	Now      func() time.Time // nil is time.Now
	Random   func() string    // draws the runner's name; nil is from crypto/rand
	ExitIdle bool             // Run returns once nothing is left and all nodes have gone

	Poll        time.Duration // longest time between looks at the queue; 0 is 1 s
	Lease       time.Duration // length of a lease; 0 is 30 s
	Grace       time.Duration // from the polite signal to the kill; 0 is 5 s
	MaxLost     int           // attempts lost with their node before a job fails; 0 is 3
	TrackingFor time.Duration // how long an unreachable tracking server is retried; 0 is 2 min
	Limits      NodeLimits    // what each process may use
}

// NodeLimits bound every process of a node. Zero is no limit.
type NodeLimits struct {
	Memory int64 // bytes of address space
	CPUs   int   // cores, told to numeric libraries and enforced where the system can
}

// Assets finds registered data and models.
type Assets interface {
	// Resolve returns the local path of a reference such as azureml:NAME:VERSION,
	// or an error of kind NotFound.
	Resolve(ctx context.Context, reference string) (path string, err error)
}

// Cluster runs the jobs of one compute cluster.
type Cluster struct {
	cfg   Config
	owner string

	run context.Context // ends when the runner stops; set by Run

	mu    sync.Mutex
	nodes []*node
	work  map[string]context.CancelCauseFunc // jobs in hand, by name
	ended chan struct{}                      // closed, and made anew, each time a job leaves the runner's hands

	wake  chan struct{}
	freed chan struct{}
	beat  chan struct{} // asks for a heartbeat now
	done  sync.WaitGroup
}

// NewCluster makes a cluster; nothing happens before Run.
func NewCluster(cfg Config) (*Cluster, error) {
	if cfg.Store == nil || cfg.WorkDir == "" || !validName(cfg.Name) {
		return nil, errs.New(errs.Usage, "a cluster wants a queue, a folder and a name of letters, digits, `-` and `_`, got %q", cfg.Name)
	}
	if cfg.Max == 0 {
		cfg.Max = 1
	}
	if cfg.Min < 0 || cfg.Max < cfg.Min {
		return nil, errs.New(errs.Usage, "cluster %s: from %d to %d nodes is no range", cfg.Name, cfg.Min, cfg.Max)
	}
	setDefaults(&cfg)
	return &Cluster{
		cfg: cfg, owner: cfg.Random(), work: map[string]context.CancelCauseFunc{},
		ended: make(chan struct{}), wake: make(chan struct{}, 1), freed: make(chan struct{}, 1), beat: make(chan struct{}, 1),
	}, nil
}

func setDefaults(c *Config) {
	orElse := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	orElse(&c.Idle, 120*time.Second)
	orElse(&c.Poll, time.Second)
	orElse(&c.Lease, 30*time.Second)
	orElse(&c.Grace, 5*time.Second)
	orElse(&c.TrackingFor, 2*time.Minute)
	if c.MaxLost == 0 {
		c.MaxLost = 3
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Random == nil {
		c.Random = randomName
	}
}

func validName(s string) bool {
	for _, r := range s {
		ok := r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !ok {
			return false
		}
	}
	return s != "" && len(s) <= 64
}
