package dataver

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

func errLegacy(o *Output) error {
	return errs.New(errs.Unsupported, "%s of %s is named by the hash of DVC 2; `dvc cache migrate --dvc-files` renews it", o.Path, o.File)
}

// plan is what a checkout of one output will do.
type plan struct {
	out  *Output
	is   *measured // nil when nothing is there
	want []Entry   // of the output, by path
	put  []int     // of want, that the workspace lacks or has otherwise
	drop []hashed  // files that do not belong there
}

// Checkout makes the workspace hold what is recorded. Everything is checked
// first: objects that are missing or corrupt, and, unless force is set, changes of
// the workspace that no object holds, stop it before the first file changes. The
// changed outputs are returned.
func (r *Repo) Checkout(ctx context.Context, targets []string, force bool) ([]Output, error) {
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	outs, err := r.pick(t, targets)
	if err != nil {
		return nil, err
	}
	return r.checkout(ctx, outs, force)
}

func (r *Repo) checkout(ctx context.Context, outs []*Output, force bool) ([]Output, error) {
	var plans []*plan
	for _, o := range outs {
		if o.OID == "" || !o.Cached {
			continue
		}
		p, err := r.planCheckout(ctx, o, force)
		if err != nil {
			return nil, err
		}
		if p.is == nil || p.is.OID != o.OID || p.is.Exec != o.Exec && !o.OID.IsDir() {
			plans = append(plans, p)
		}
	}
	changed := []Output{}
	for _, p := range plans {
		if err := r.apply(ctx, p); err != nil {
			return changed, err
		}
		changed = append(changed, *p.out)
	}
	return changed, r.cache.save()
}

func (r *Repo) planCheckout(ctx context.Context, o *Output, force bool) (*plan, error) {
	if o.legacy {
		return nil, errLegacy(o)
	}
	if err := r.safe(o.Path); err != nil {
		return nil, err
	}
	p := &plan{out: o}
	info, err := os.Stat(r.full(o.Path))
	if err == nil {
		if p.is, err = r.measure(ctx, o.Path, false); err != nil {
			return nil, err
		}
		if p.is.OID == o.OID {
			return p, nil
		}
	} else if !missing(err) {
		return nil, errs.Wrap(err, "look at %s", o.Path)
	}
	if p.want, err = r.list(o.OID); err != nil {
		return nil, errs.Wrap(err, "check out %s", o.Path)
	}
	p.compare(info != nil && info.IsDir() != o.OID.IsDir())
	err = parallel(ctx, len(p.put), 16, func(i int) error {
		e := p.want[p.put[i]]
		return errs.Wrap(r.cache.check(e.OID), "check out %s", path.Join(o.Path, e.Path))
	})
	if err == nil && !force {
		err = r.wouldLose(p)
	}
	return p, err
}

// compare finds what to write and what to remove; replace is set when a file takes
// the place of a folder, or the other way round.
func (p *plan) compare(replaced bool) {
	if p.is == nil {
		for i := range p.want {
			p.put = append(p.put, i)
		}
		return
	}
	have := p.is.files
	if replaced {
		p.drop, have = have, nil
	}
	at := 0
	for i, e := range p.want {
		for at < len(have) && have[at].rel < e.Path {
			p.drop = append(p.drop, have[at])
			at++
		}
		if at < len(have) && have[at].rel == e.Path {
			at++
			if oidOf(have[at-1].sum) == e.OID {
				continue
			}
		}
		p.put = append(p.put, i)
	}
	p.drop = append(p.drop, have[at:]...)
}

// wouldLose refuses a plan that removes content which no object holds.
func (r *Repo) wouldLose(p *plan) error {
	if p.is == nil {
		return nil
	}
	going := slices.Clone(p.drop)
	for _, i := range p.put {
		at, ok := slices.BinarySearchFunc(p.is.files, p.want[i].Path, func(f hashed, name string) int { return strings.Compare(f.rel, name) })
		if ok && len(p.drop) != len(p.is.files) {
			going = append(going, p.is.files[at])
		}
	}
	for _, f := range going {
		if err := r.cache.check(oidOf(f.sum)); err != nil {
			return errs.New(errs.State, "%s has changes that no version holds; `drivecast data add %s` keeps them, --force drops them", path.Join(p.out.Path, f.rel), p.out.Path)
		}
	}
	return nil
}

func (r *Repo) apply(ctx context.Context, p *plan) error {
	root := r.full(p.out.Path)
	for _, f := range p.drop {
		at := filepath.Join(root, filepath.FromSlash(f.rel))
		if err := os.Remove(at); err != nil && !missing(err) {
			return errs.Wrap(err, "remove %s", at)
		}
		r.prune(filepath.Dir(at), filepath.Dir(root))
	}
	if p.is != nil && len(p.drop) == len(p.is.files) && (p.is.Files > 0) != p.out.OID.IsDir() {
		if err := removeEmpty(root); err != nil {
			return errs.Wrap(err, "make room for %s", p.out.Path)
		}
	}
	if p.out.OID.IsDir() {
		if err := os.MkdirAll(root, 0o755); err != nil {
			return errs.Wrap(err, "make %s", p.out.Path)
		}
	}
	var last string
	for _, i := range p.put {
		if dir := filepath.Dir(filepath.Join(root, filepath.FromSlash(p.want[i].Path))); dir != last {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return errs.Wrap(err, "make %s", dir)
			}
			last = dir
		}
	}
	err := parallel(ctx, len(p.put), 8, func(i int) error {
		e := p.want[p.put[i]]
		return r.cache.checkout(e.OID, filepath.Join(root, filepath.FromSlash(e.Path)), p.out.Exec && !p.out.OID.IsDir())
	})
	if err != nil {
		return err
	}
	return r.settled(ctx, p)
}

// settled keeps the state of what was just checked out.
func (r *Repo) settled(ctx context.Context, p *plan) error {
	m := &measured{Output: *p.out, files: make([]hashed, len(p.want))}
	for i, e := range p.want {
		m.files[i].rel, m.files[i].sum = e.Path, e.OID.sum()
	}
	return r.restamp(ctx, m, 0)
}

// prune removes folders that have become empty, from dir up to, without, top.
func (r *Repo) prune(dir, top string) {
	for len(dir) > len(top) {
		if os.Remove(dir) != nil {
			return
		}
		dir = filepath.Dir(dir)
	}
}

// removeEmpty removes a folder that only has folders in it, if it is there.
func removeEmpty(dir string) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		if missing(err) {
			return nil
		}
		if info, e := os.Lstat(dir); e == nil && !info.IsDir() {
			return nil
		}
		return err
	}
	for _, e := range list {
		if err := removeEmpty(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return os.Remove(dir)
}
