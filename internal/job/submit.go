package job

import (
	"context"
	"encoding/json"
	"io"
	"regexp"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// DefaultCluster runs jobs whose file names no compute.
const DefaultCluster = "training-cluster"

var nameForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,254}$`) })

// Submission is a job on its way to the queue.
type Submission struct {
	Job     *Job
	Cluster string    // "" is the job's compute, or else DefaultCluster
	Parent  string    // job that this one is a child of
	Notes   []byte    // JSON that the record keeps for the parent; nil for none
	Now     time.Time // time of creation
	Random  io.Reader // for a name when the job has none
}

// Submit queues a job and returns its record. A name that is taken is of kind
// Exists.
func Submit(ctx context.Context, s Store, sub Submission) (Record, error) {
	j := *sub.Job
	if j.Name == "" {
		name, err := NewName(sub.Random)
		if err != nil {
			return Record{}, err
		}
		j.Name = name
	}
	if !nameForm().MatchString(j.Name) {
		return Record{}, errs.New(errs.Invalid, "job name %q: use letters, digits, `-`, `_` and `.`, at most 255", j.Name)
	}
	if sub.Cluster != "" {
		j.Compute = sub.Cluster
	}
	if j.Compute == "" {
		j.Compute = DefaultCluster
	}
	if j.Experiment == "" {
		j.Experiment = "Default"
	}
	spec, err := json.Marshal(&j)
	if err != nil {
		return Record{}, errs.Wrap(err, "write down job %s", j.Name)
	}
	r, err := s.Add(ctx, Record{
		Name: j.Name, Parent: sub.Parent, Kind: j.Kind, Cluster: j.Compute, Nodes: j.NodeCount(), Display: j.DisplayName,
		Experiment: j.Experiment, Spec: spec, State: Queued, Notes: sub.Notes, Created: sub.Now.UTC().Truncate(time.Millisecond),
	})
	return r, errs.Wrap(err, "queue job %s", j.Name)
}

// NewName draws a name such as calm_harbor_3k9x0q2m7d. With ten letters of 36
// after the words, two jobs do not meet by chance.
func NewName(random io.Reader) (string, error) {
	var b [12]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", errs.Wrap(err, "draw a job name")
	}
	const letters = "0123456789abcdefghijklmnopqrstuvwxyz"
	tail := make([]byte, 10)
	for i := range tail {
		tail[i] = letters[int(b[i])%len(letters)]
	}
	return manners[int(b[10])%len(manners)] + "_" + places[int(b[11])%len(places)] + "_" + string(tail), nil
}

var manners = [...]string{
	"amber", "bold", "brave", "bright", "calm", "clear", "cool", "crisp", "eager", "early", "fair", "gentle", "glad", "green", "keen", "kind",
	"lively", "lucky", "mellow", "mild", "neat", "patient", "plain", "quick", "quiet", "ready", "silver", "sound", "steady", "sunny", "warm", "wise",
}

var places = [...]string{
	"anchor", "basin", "beach", "bridge", "brook", "cliff", "cloud", "coast", "cove", "dune", "field", "forest", "garden", "grove", "harbor", "hill",
	"island", "lake", "lantern", "leaf", "meadow", "orchard", "pine", "pond", "reef", "river", "shore", "spring", "stone", "tower", "valley", "willow",
}
