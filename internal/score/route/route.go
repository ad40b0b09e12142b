// Package route decides which model answers a request: a champion, challengers
// that get a sticky share of the drives, and shadows that are asked about
// everything and never answer. A challenger that fails or is slow loses its share to
// the champion. What the routes did is measured, and written to an inference log.
package route

import (
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Router splits requests between a champion and its challengers. It is safe for
// concurrent use.
type Router struct {
	cfg    Config
	now    func() time.Time
	logger *slog.Logger
	split  split
	routes []*Route // the champion first
	byName map[string]*Route
	measures
}

// Route is one model among those that share requests.
type Route struct {
	Name   string
	Shadow bool    // never answers
	Weight float64 // per cent of the drives, as configured
	health *health // nil of the champion and of shadows
	away   atomic.Bool
	counts counts
}

// New makes a router of a checked Config. now tells the time.
func New(cfg Config, now func() time.Time, logger *slog.Logger) (*Router, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	r := &Router{cfg: cfg, now: now, logger: logger, byName: map[string]*Route{}, measures: newMeasures()}
	champion := &Route{Name: Champion, Weight: 100}
	r.routes = []*Route{champion}
	for _, c := range cfg.Challengers {
		champion.Weight -= c.Weight
		r.routes = append(r.routes, &Route{Name: c.Name, Shadow: c.Shadow, Weight: c.Weight})
		if !c.Shadow {
			r.routes[len(r.routes)-1].health = &health{limits: cfg.Rollback}
		}
	}
	var names []string
	var weights []float64
	for _, rt := range r.routes {
		rt.counts = r.measures.of(rt.Name)
		r.byName[rt.Name] = rt
		names, weights = append(names, rt.Name), append(weights, rt.Weight)
	}
	r.split = newSplit(names, weights)
	return r, nil
}

// Key is the column, tensor or parameter that holds a drive's id.
func (r *Router) Key() string { return r.cfg.Key }

// Routes returns all routes, the champion first.
func (r *Router) Routes() []*Route { return r.routes }

// Pick returns the route that answers for a drive: the champion in place of a
// challenger that is rolled back.
func (r *Router) Pick(key string) *Route {
	rt := r.routes[r.split.pick(key)]
	if rt.away.Load() {
		return r.routes[0]
	}
	return rt
}

// Named returns the route that a header asks for; an error of kind Invalid says which
// there are.
func (r *Router) Named(name string) (*Route, error) {
	rt := r.byName[name]
	if rt == nil || rt.Shadow {
		var have string
		for _, o := range r.routes {
			if !o.Shadow {
				have += " " + o.Name
			}
		}
		if rt != nil {
			return nil, errs.New(errs.Invalid, "the route %s is a shadow, whose answers are never returned; there are:%s", name, have)
		}
		return nil, errs.New(errs.Invalid, "there is no route %q; there are:%s", name, have)
	}
	return rt, nil
}

// Shadows returns the routes that are asked beside the one that answered: shadows,
// and the challenger that would have answered for the key but is rolled back.
func (r *Router) Shadows(dst []*Route, key string, answered *Route) []*Route {
	mine := r.routes[r.split.pick(key)]
	for _, rt := range r.routes {
		if rt != answered && (rt.Shadow || rt == mine && rt.away.Load()) {
			dst = append(dst, rt)
		}
	}
	return dst
}

// Observe counts an answer of a route: how long it took and whether it failed where
// the champion did not, or, of the champion, failed at all by its own fault.
func (r *Router) Observe(rt *Route, shadow bool, took time.Duration, failed bool) {
	rt.counts.observe(shadow, took, failed)
	if rt.health == nil || !rt.health.observe(r.now(), took, failed) {
		return
	}
	away, why, _, _ := rt.health.state()
	rt.away.Store(away)
	if away {
		rt.counts.rollbacks.Inc()
		r.logger.Warn("the challenger is rolled back: the champion answers for its drives", "route", rt.Name, "reason", why)
		return
	}
	r.logger.Warn("the challenger is back: it answers for its drives again", "route", rt.Name)
}

// State is how a route stands, for /routes.
type State struct {
	Name       string    `json:"name"`
	Model      string    `json:"model,omitempty"`   // name under which the server has it
	Version    string    `json:"version,omitempty"` // of the model
	Source     string    `json:"source,omitempty"`
	Weight     float64   `json:"weight"`           // per cent of the drives that it answers for now
	Configured float64   `json:"configuredWeight"` // and as configured
	Shadow     bool      `json:"shadow"`
	RolledBack bool      `json:"rolledBack"`
	Reason     string    `json:"reason,omitempty"` // of the rollback
	Since      time.Time `json:"since,omitzero"`   // the last rollback or return
	Rollbacks  int       `json:"rollbacks"`
	Tally
}

// States returns how each route stands, the champion first.
func (r *Router) States() []State {
	var out []State
	lost := 0.0
	for _, rt := range r.routes {
		s := State{Name: rt.Name, Weight: rt.Weight, Configured: rt.Weight, Shadow: rt.Shadow, Tally: rt.counts.tally()}
		if rt.health != nil {
			s.RolledBack, s.Reason, s.Since, s.Rollbacks = rt.health.state()
		}
		if s.RolledBack {
			lost += s.Weight
			s.Weight = 0
		}
		out = append(out, s)
	}
	out[0].Weight += lost
	return out
}
