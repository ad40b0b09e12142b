package dataver

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// StageRun is one stage that is to be run.
type StageRun struct {
	Name     string
	Commands []string // for the system's shell, one after the other until one fails
	Dir      string   // where they are run
	Root     string   // of the repository
}

// ReproOptions say what Reproduce does.
type ReproOptions struct {
	Targets []string // stages; none means all
	Single  bool     // without the stages that they rest on
	Force   bool     // also what has not changed
	Dry     bool     // only say what would be run
	// Run runs a stage to its end; an error stops the work.
	Run func(ctx context.Context, s StageRun) error
}

// Done is what became of a stage: "skipped", "restored" from the cache, "ran", or
// "would run".
type Done struct {
	Stage string `json:"stage"`
	How   string `json:"how"`
	Why   string `json:"why,omitempty"` // the first change that called for it
}

// Reproduce runs the stages that are out of date, those that others rest on first,
// and records in dvc.lock what they were run with and what they made.
func (r *Repo) Reproduce(ctx context.Context, o ReproOptions) ([]Done, error) {
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { unlock() }()
	run := o.Run
	o.Run = func(ctx context.Context, s StageRun) error {
		unlock() // the command may itself use the repository
		failed := run(ctx, s)
		again, err := r.lock(context.WithoutCancel(ctx))
		if err == nil {
			unlock = again
		}
		return errors.Join(failed, err)
	}
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	stages, err := t.order(o)
	if err != nil {
		return nil, err
	}
	done := []Done{}
	for _, s := range stages {
		d, err := r.reproduce(ctx, s, o)
		if err != nil {
			return done, errs.Wrap(err, "stage %s", s.address())
		}
		done = append(done, d)
	}
	return done, r.cache.save()
}

// order sorts stages so that each comes after those that it rests on.
func (t *tracked) order(o ReproOptions) ([]*stage, error) {
	var all []*stage
	for _, p := range t.pipelines {
		all = append(all, p.stages...)
	}
	if len(all) == 0 {
		return nil, errs.New(errs.NotFound, "there is no dvc.yaml with stages")
	}
	chosen := all
	if len(o.Targets) > 0 {
		chosen = nil
		for _, target := range o.Targets {
			before := len(chosen)
			for _, s := range all {
				if s.address() == target || s.in.name == target || strings.HasPrefix(s.address(), target+"@") {
					chosen = append(chosen, s)
				}
			}
			if len(chosen) == before {
				return nil, errs.New(errs.NotFound, "there is no stage %s", target)
			}
		}
	}
	if o.Single {
		return chosen, nil
	}
	w := walk{all: all, mark: map[*stage]int{}}
	for _, s := range chosen {
		if err := w.visit(s); err != nil {
			return nil, err
		}
	}
	return w.sorted, nil
}

type walk struct {
	all    []*stage
	mark   map[*stage]int // 1 while it is being visited, 2 afterwards
	sorted []*stage
}

func (w *walk) visit(s *stage) error {
	switch w.mark[s] {
	case 1:
		return errs.New(errs.Invalid, "the stages rest on one another in a circle, at %s", s.address())
	case 2:
		return nil
	}
	w.mark[s] = 1
	for _, other := range w.all {
		if s.restsOn(other) {
			if err := w.visit(other); err != nil {
				return err
			}
		}
	}
	w.mark[s] = 2
	w.sorted = append(w.sorted, s)
	return nil
}

// restsOn reports whether a dependency of s is, holds or is within an output of other.
func (s *stage) restsOn(other *stage) bool {
	reads := slices.Concat(s.deps, sortedKeys(s.params))
	for _, d := range reads {
		for _, o := range other.outs {
			if d == o.Path || strings.HasPrefix(d, o.Path+"/") || strings.HasPrefix(o.Path, d+"/") {
				return true
			}
		}
	}
	return false
}

// using measures what a stage would be run with. A dependency that is not there is
// left without OID, or, with must, an error.
func (r *Repo) using(ctx context.Context, s *stage, must bool) (*used, error) {
	u := &used{}
	for _, d := range s.deps {
		m, err := r.measure(ctx, d, false)
		switch {
		case errs.Is(err, errs.NotFound) && !must:
			u.deps = append(u.deps, Output{Path: d})
		case errs.Is(err, errs.NotFound):
			return nil, errs.New(errs.NotFound, "the dependency %s does not exist", d)
		case err != nil:
			return nil, err
		default:
			u.deps = append(u.deps, m.Output)
		}
	}
	var err error
	u.params, err = r.values(s)
	return u, err
}

// stageChanges tells of stages whose commands, dependencies or parameters are not
// those of their last run.
func (r *Repo) stageChanges(ctx context.Context, t *tracked) ([]Change, error) {
	var out []Change
	for _, p := range t.pipelines {
		for _, s := range p.stages {
			u, err := r.using(ctx, s, false)
			if err != nil {
				return nil, errs.Wrap(err, "stage %s", s.address())
			}
			out = append(out, s.differs(u)...)
		}
	}
	return out, nil
}

func (r *Repo) reproduce(ctx context.Context, s *stage, o ReproOptions) (Done, error) {
	d := Done{Stage: s.address(), How: "skipped"}
	u, err := r.using(ctx, s, !o.Dry)
	if err != nil {
		return d, err
	}
	changes := s.differs(u)
	current := len(changes) == 0 && !o.Force
	for i := range s.outs {
		kind, err := r.compare(ctx, &s.outs[i].Output)
		if err != nil {
			return d, err
		}
		if kind != "" && kind != "not in cache" {
			changes = append(changes, Change{Path: s.outs[i].Path, Kind: kind})
		}
	}
	if len(changes) == 0 && !o.Force || s.frozen && len(changes) > 0 && s.locked != nil {
		return d, nil
	}
	if len(changes) > 0 {
		d.Why = changes[0].Path + ": " + changes[0].Kind
	}
	if o.Dry {
		d.How = "would run"
		return d, nil
	}
	if current && r.restore(ctx, s) == nil {
		d.How = "restored"
		return d, nil
	}
	d.How = "ran"
	return d, r.runStage(ctx, s, u, o)
}

// restore checks out the outputs of a run with the same inputs.
func (r *Repo) restore(ctx context.Context, s *stage) error {
	var outs []*Output
	for i := range s.outs {
		if !s.outs[i].Cached || s.outs[i].OID == "" {
			return errs.New(errs.NotFound, "not in the cache")
		}
		outs = append(outs, &s.outs[i].Output)
	}
	_, err := r.checkout(ctx, outs, true)
	return err
}

func (r *Repo) runStage(ctx context.Context, s *stage, u *used, o ReproOptions) error {
	for _, out := range s.outs {
		if err := r.safe(out.Path); err != nil {
			return err
		}
	}
	for _, out := range s.outs {
		if !out.persist {
			if err := os.RemoveAll(r.full(out.Path)); err != nil {
				return errs.Wrap(err, "remove the old %s", out.Path)
			}
		} else if err := r.unlink(ctx, out.Path); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(r.full(s.dir), 0o755); err != nil {
		return errs.Wrap(err, "make %s", s.dir)
	}
	if err := o.Run(ctx, StageRun{Name: s.address(), Commands: s.commands, Dir: r.full(s.dir), Root: r.Root}); err != nil {
		return err
	}
	for i := range s.outs {
		out := &s.outs[i]
		m, err := r.measure(ctx, out.Path, out.Cached)
		if errs.Is(err, errs.NotFound) {
			return errs.New(errs.NotFound, "the command did not make %s", out.Path)
		}
		if err != nil {
			return err
		}
		out.OID, out.Size, out.Files, out.Exec, out.legacy = m.OID, m.Size, m.Files, m.Exec, false
		if !out.Cached {
			continue
		}
		if r.cache.shared() {
			if err := r.relink(ctx, m); err != nil {
				return err
			}
		}
		if err := r.gitIgnore(out.Path); err != nil {
			return err
		}
	}
	again, err := r.using(ctx, s, true)
	if err != nil {
		return err
	}
	for i, d := range again.deps {
		if d.OID != u.deps[i].OID {
			return errs.New(errs.State, "the command changed its own dependency %s; nothing was recorded", d.Path)
		}
	}
	return r.writeLock(s, u)
}

// unlink makes files that are links to objects writable copies: the command goes
// on from what they hold.
func (r *Repo) unlink(ctx context.Context, name string) error {
	if _, err := os.Stat(r.full(name)); missing(err) || !r.cache.shared() {
		return nil
	}
	m, err := r.measure(ctx, name, true)
	if err != nil {
		return err
	}
	links := r.cache.links
	r.cache.links = []linkType{linkCopy}
	defer func() { r.cache.links = links }()
	return r.relink(ctx, m)
}
