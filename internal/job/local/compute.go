package local

import (
	"context"
	"encoding/json"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// ComputeSpec is a cluster as `compute create` registers it, in the words of
// Azure ML's YAML.
type ComputeSpec struct {
	Name        string            `json:"name"`
	Type        string            `json:"type"` // amlcompute
	Description string            `json:"description,omitempty"`
	Size        string            `json:"size,omitempty"` // machine size of the cloud; not used here
	Min         int               `json:"min_instances"`
	Max         int               `json:"max_instances"`
	Idle        float64           `json:"idle_time_before_scale_down"` // seconds
	Tier        string            `json:"tier,omitempty"`
	Tags        map[string]string `json:"tags,omitempty"`
}

// CreateCompute registers a cluster, or changes it. A runner that lives takes
// the change over when it is next started.
func CreateCompute(ctx context.Context, c job.Catalog, s ComputeSpec, now time.Time) (ComputeSpec, error) {
	s.Type = "amlcompute"
	if s.Max == 0 {
		s.Max = 1
	}
	switch {
	case !validName(s.Name):
		return s, errs.New(errs.Usage, "compute name %q: use letters, digits, `-` and `_`, at most 64", s.Name)
	case s.Min < 0 || s.Max < s.Min:
		return s, errs.New(errs.Usage, "compute %s: min_instances %d, max_instances %d: want 0 ≤ min ≤ max", s.Name, s.Min, s.Max)
	case s.Idle < 0:
		return s, errs.New(errs.Usage, "compute %s: idle_time_before_scale_down is %g seconds; it cannot be negative", s.Name, s.Idle)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return s, errs.Wrap(err, "write down compute %s", s.Name)
	}
	return s, c.Put(ctx, job.Asset{Kind: job.KindAmlCompute, Name: s.Name, Spec: text, Created: now.UTC().Truncate(time.Millisecond)})
}

// Computes lists the registered clusters and the default one.
func Computes(ctx context.Context, c job.Catalog) ([]ComputeSpec, error) {
	list, err := c.Assets(ctx, job.KindAmlCompute)
	if err != nil {
		return nil, err
	}
	out, named := []ComputeSpec{}, false
	for _, a := range list {
		var s ComputeSpec
		if err := json.Unmarshal(a.Spec, &s); err != nil {
			return nil, errs.Wrap(err, "read compute %s", a.Name)
		}
		named = named || a.Name == job.DefaultCluster
		out = append(out, s)
	}
	if !named {
		out = append(out, DefaultCompute())
	}
	return out, nil
}

// DefaultCompute is the cluster that is there without being registered.
func DefaultCompute() ComputeSpec {
	return ComputeSpec{Name: job.DefaultCluster, Type: "amlcompute", Max: 1, Idle: 120}
}

// Sized gives a configuration the size of a registered cluster.
func Sized(cfg *Config, a job.Asset) error {
	var s ComputeSpec
	if err := json.Unmarshal(a.Spec, &s); err != nil {
		return errs.Wrap(err, "read compute %s", a.Name)
	}
	cfg.Min, cfg.Max, cfg.Idle = s.Min, s.Max, time.Duration(s.Idle*float64(time.Second))
	if cfg.Idle == 0 {
		cfg.Idle = -1
	}
	return nil
}

// ReadCompute reads an amlCompute YAML file into s. Fields whose flag was given,
// as changed says, keep the flag's value.
func ReadCompute(file string, s *ComputeSpec, changed func(flag string) bool) error {
	d, err := job.Open(file)
	if err != nil {
		return err
	}
	c, err := d.Compute()
	if err != nil {
		return err
	}
	if !changed("name") {
		s.Name = c.Name
	}
	if !changed("min-instances") {
		s.Min = c.Min
	}
	if !changed("max-instances") && c.Max > 0 {
		s.Max = c.Max
	}
	if !changed("idle-time-before-scale-down") && c.IdleGiven {
		s.Idle = c.Idle.Seconds()
	}
	if !changed("size") {
		s.Size = c.Size
	}
	s.Description, s.Tier, s.Tags = c.Description, c.Tier, c.Tags
	return nil
}

// AtRest is the status of a cluster without a runner.
func AtRest(ctx context.Context, c job.Catalog, name string) (*ClusterStatus, error) {
	list, err := Computes(ctx, c)
	if err != nil {
		return nil, err
	}
	for _, s := range list {
		if s.Name == name {
			return &ClusterStatus{
				Name: name, Type: s.Type, Min: s.Min, Max: s.Max, Idle: s.Idle, State: "Succeeded", Allocation: "steady", Nodes: []NodeStatus{},
			}, nil
		}
	}
	return nil, errs.New(errs.NotFound, "no cluster is named %s; `drivecast compute create` makes one", name)
}
