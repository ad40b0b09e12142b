package local

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// node is one slot of this machine.
type node struct {
	id    string
	job   string    // "" when idle
	since time.Time // of the present state
}

// NodeStatus is what a node does.
type NodeStatus struct {
	ID    string    `json:"node_id"`
	State string    `json:"node_state"` // idle or running
	Job   string    `json:"run_id,omitempty"`
	Since time.Time `json:"since"`
}

// ClusterStatus is what a cluster does, in Azure ML's words.
type ClusterStatus struct {
	Name       string       `json:"name"`
	Type       string       `json:"type"`                        // amlcompute
	Min        int          `json:"min_instances"`               // nodes kept
	Max        int          `json:"max_instances"`               // nodes at most
	Idle       float64      `json:"idle_time_before_scale_down"` // seconds
	State      string       `json:"provisioning_state"`          // Succeeded
	Allocation string       `json:"allocation_state"`            // steady or resizing
	Current    int          `json:"current_node_count"`
	Nodes      []NodeStatus `json:"nodes"`
}

// Status says what the cluster does now.
func (c *Cluster) Status() ClusterStatus {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := ClusterStatus{
		Name: c.cfg.Name, Type: "amlcompute", Min: c.cfg.Min, Max: c.cfg.Max, Idle: max(0, c.cfg.Idle.Seconds()),
		State: "Succeeded", Allocation: "steady", Current: len(c.nodes), Nodes: []NodeStatus{},
	}
	for _, n := range c.nodes {
		state := "idle"
		if n.job != "" {
			state = "running"
		}
		s.Nodes = append(s.Nodes, NodeStatus{ID: n.id, State: state, Job: n.job, Since: n.since})
	}
	return s
}

// free is how many nodes a further job may have.
func (c *Cluster) free() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cfg.Max - c.busy()
}

// claimable is how many nodes the next job may want. When all are free it is any
// number, so that a job that wants more than there can be does not wait for ever.
func (c *Cluster) claimable() int {
	if n := c.free(); n < c.cfg.Max || n == 0 {
		return n
	}
	return math.MaxInt32
}

func (c *Cluster) busy() int {
	n := 0
	for _, x := range c.nodes {
		if x.job != "" {
			n++
		}
	}
	return n
}

// empty reports whether no job is in hand and no node beyond the minimum is up.
func (c *Cluster) empty() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.work) == 0 && len(c.nodes) <= c.cfg.Min
}

// take gives n nodes to a job, idle ones first, and starts more as needed.
func (c *Cluster) take(name string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.cfg.Now()
	for _, x := range c.nodes {
		if n > 0 && x.job == "" {
			x.job, x.since = name, now
			n--
		}
	}
	for ; n > 0; n-- {
		c.add(now).job = name
	}
}

func (c *Cluster) add(now time.Time) *node {
	x := &node{since: now}
	for i := 0; x.id == ""; i++ {
		id := fmt.Sprintf("%s-%d", c.cfg.Name, i)
		if !slices.ContainsFunc(c.nodes, func(o *node) bool { return o.id == id }) {
			x.id = id
		}
	}
	c.nodes = append(c.nodes, x)
	c.cfg.Logger.Debug("node is up", "cluster", c.cfg.Name, "node", x.id, "nodes", len(c.nodes))
	return x
}

func (c *Cluster) scaleTo(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.nodes) < n {
		c.add(c.cfg.Now())
	}
}

// release makes a job's nodes idle.
func (c *Cluster) release(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, x := range c.nodes {
		if x.job == name {
			x.job, x.since = "", c.cfg.Now()
		}
	}
}

// scaleDown lets nodes go that have been idle for long enough and returns the
// time until the next may go.
func (c *Cluster) scaleDown() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	now, next, kept := c.cfg.Now(), c.cfg.Poll, []*node{}
	left := len(c.nodes)
	for _, x := range c.nodes {
		due := x.since.Add(max(0, c.cfg.Idle)).Sub(now)
		if x.job == "" && due <= 0 && left > c.cfg.Min {
			left--
			c.cfg.Logger.Debug("node goes", "cluster", c.cfg.Name, "node", x.id, "nodes", left)
			continue
		}
		if x.job == "" && due > 0 {
			next = min(next, due)
		}
		kept = append(kept, x)
	}
	c.nodes = kept
	return next
}
