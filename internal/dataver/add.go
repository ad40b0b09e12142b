package dataver

import (
	"context"
	"os"
	"path"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Add versions files and folders as they are now: their contents go to the cache,
// their names to .dvc files beside them, and Git is told to leave them alone. All
// targets are checked before anything is written.
func (r *Repo) Add(ctx context.Context, targets []string) ([]Output, error) {
	unlock, err := r.lock(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(targets))
	for i, target := range targets {
		if names[i], err = r.addable(ctx, t, target); err != nil {
			return nil, err
		}
	}
	var out []Output
	for _, name := range names {
		o, err := r.addOne(ctx, t, name)
		if err != nil {
			return out, err
		}
		out = append(out, o)
	}
	return out, r.cache.save()
}

// addable checks a target and returns its path.
func (r *Repo) addable(ctx context.Context, t *tracked, target string) (string, error) {
	name, err := r.rel(target)
	if err != nil {
		return "", err
	}
	if _, err := os.Stat(target); err != nil {
		return "", errs.Wrap(err, "add %s", target)
	}
	switch base := path.Base(name); {
	case name == "." || reservedPath(name):
		return "", errs.New(errs.Invalid, "%s is the repository itself; add a file or a folder in it", target)
	case strings.HasSuffix(base, ".dvc") || base == "dvc.yaml" || base == "dvc.lock" || base == ".dvcignore" || base == ".gitignore":
		return "", errs.New(errs.Invalid, "%s belongs to Git: it names versions of data", target)
	}
	if err := r.safe(name); err != nil {
		return "", err
	}
	for _, o := range t.outs {
		switch {
		case o.Path == name && o.Stage != "":
			return "", errs.New(errs.State, "%s is made by the stage %s; `drivecast data repro` versions it", name, o.Stage)
		case strings.HasPrefix(name, o.Path+"/"):
			return "", errs.New(errs.State, "%s is within %s, which is versioned as a whole; add that", name, o.Path)
		case strings.HasPrefix(o.Path, name+"/"):
			return "", errs.New(errs.State, "%s holds %s, which is versioned by itself in %s", name, o.Path, o.File)
		}
	}
	if r.gitTracks(ctx, name) {
		return "", errs.New(errs.State, "%s is kept by Git; take it out first: git rm -r --cached %q", name, name)
	}
	return name, nil
}

func (r *Repo) addOne(ctx context.Context, t *tracked, name string) (Output, error) {
	m, err := r.measure(ctx, name, true)
	if err != nil {
		return Output{}, err
	}
	if r.cache.shared() {
		if err := r.relink(ctx, m); err != nil {
			return Output{}, err
		}
	}
	m.File = name + ".dvc"
	if err := r.writePointer(t, m.Output); err != nil {
		return Output{}, err
	}
	return m.Output, r.gitIgnore(name)
}

// relink replaces the files of the workspace by links to their objects.
func (r *Repo) relink(ctx context.Context, m *measured) error {
	began := r.now().UnixNano()
	err := parallel(ctx, len(m.files), 16, func(i int) error {
		f := &m.files[i]
		at, oid := r.full(path.Join(m.Path, f.rel)), oidOf(f.sum)
		if info, err := os.Stat(at); err == nil {
			if object, err := os.Stat(r.cache.path(oid)); err == nil && os.SameFile(info, object) == r.cache.shared() {
				return nil
			}
		}
		return r.cache.checkout(oid, at, f.exec)
	})
	if err != nil {
		return err
	}
	return r.restamp(ctx, m, began)
}

// restamp looks at files again that were put there from the cache: what they hold
// is known.
func (r *Repo) restamp(ctx context.Context, m *measured, _ int64) error {
	err := parallel(ctx, len(m.files), 64, func(i int) error {
		info, err := os.Stat(r.full(path.Join(m.Path, m.files[i].rel)))
		if err != nil {
			return errs.Wrap(err, "look at %s", m.Path)
		}
		m.files[i].stamp, m.files[i].exec = stampOf(info), info.Mode()&0o100 != 0
		return nil
	})
	if err != nil {
		return err
	}
	return errs.Wrap(writeState(r.state(), m.Path, &known{oid: m.OID, files: m.files}), "keep the state of %s", m.Path)
}

// writePointer writes the .dvc file of an output, and keeps whatever else an
// earlier one said.
func (r *Repo) writePointer(t *tracked, o Output) error {
	for _, p := range t.pointers {
		for i := range p.outs {
			if p.outs[i].Path == o.Path {
				if p.outs[i].OID == o.OID && p.outs[i].Size == o.Size && !p.outs[i].legacy {
					return nil
				}
				record(get(p.doc.Content[0], "outs").Content[i], o)
				return errs.Wrap(replace(r.full(p.name), emit(p.doc), 0o644, true), "write %s", p.name)
			}
		}
	}
	item := mapping()
	set(item, "path", textNode(path.Base(o.Path)))
	record(item, o)
	root := mapping()
	set(root, "outs", &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq", Content: []*yaml.Node{item}})
	return errs.Wrap(replace(r.full(o.File), emit(root), 0o644, true), "write %s", o.File)
}
