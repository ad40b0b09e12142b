package score

import (
	"cmp"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/model"
)

// lineup is the models of a server. It does not change: a change makes another.
type lineup struct {
	byName map[string]*served
	order  []*served // as they were added
}

// served is a model that is served under a name: now this one, later another.
type served struct {
	plan    atomic.Pointer[plan]
	problem atomic.Pointer[string]
}

// Status is how a served model stands.
type Status struct {
	Name    string `json:"name"`
	Version string `json:"version"`
	Source  string `json:"source"`
	Format  string `json:"format"`
	Problem string `json:"problem,omitempty"` // why a newer model was not taken over
}

// Put makes m the model of that name once it has answered a self-test; version ""
// stands for "1". Requests in flight end with the model they began with. On an
// error, of kind Invalid, the old model stays.
func (h *Handler) Put(name, version string, m *model.Model) error {
	p := newPlan(m)
	p.parquet = h.cfg.Parquet
	p.name, p.version = name, cmp.Or(version, "1")
	if err := p.selfTest(); err != nil {
		return errs.Wrap(err, "model %s does not answer", m.Source)
	}
	h.change.Lock()
	defer h.change.Unlock()
	all := h.models.Load()
	s := all.byName[name]
	if s == nil {
		s = &served{}
		s.plan.Store(p)
		more := &lineup{byName: map[string]*served{name: s}, order: append(slices.Clip(all.order), s)}
		for k, v := range all.byName {
			more.byName[k] = v
		}
		h.models.Store(more)
		return nil
	}
	s.plan.Store(p)
	s.problem.Store(nil)
	return nil
}

// Fault notes why a newer model of that name was not taken over, or, when why is
// "", that nothing is amiss any more.
func (h *Handler) Fault(name, why string) {
	s := h.models.Load().byName[name]
	switch {
	case s == nil:
	case why == "":
		s.problem.Store(nil)
	default:
		s.problem.Store(&why)
	}
}

// Status returns how each model stands, in the order of their addition.
func (h *Handler) Status() []Status {
	var out []Status
	for _, s := range h.models.Load().order {
		out = append(out, s.status())
	}
	return out
}

func (s *served) status() Status {
	p := s.plan.Load()
	out := Status{Name: p.name, Version: p.version, Source: p.m.Source, Format: p.m.Format}
	if why := s.problem.Load(); why != nil {
		out.Problem = *why
	}
	return out
}

// Model returns the first served model.
func (h *Handler) Model() *model.Model { return h.models.Load().order[0].plan.Load().m }

// Router returns what shares the first model's requests; nil: nothing does.
func (h *Handler) Router() *route.Router { return h.cfg.Router }

// names lists the models for a message.
func (f *lineup) names() string {
	out := ""
	for i, s := range f.order {
		if i > 0 {
			out += ", "
		}
		out += strconv.Quote(s.plan.Load().name)
	}
	return out
}

// selfTest scores a row of zeros.
func (p *plan) selfTest() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errs.New(errs.Invalid, "scoring a row of zeros: %v", r)
		}
	}()
	a := &answer{x: make([]float64, p.n)}
	p.ask(a, 1)
	return nil
}
