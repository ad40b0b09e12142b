package dataver

import (
	"os"
	"path"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// tracked is everything that the repository versions.
type tracked struct {
	pointers  []*pointerFile
	pipelines []*pipeline
	outs      []*Output // of both, by path
}

// load reads all .dvc files and pipelines of the repository. Folders that are
// outputs are not looked into.
func (r *Repo) load() (*tracked, error) {
	t := &tracked{}
	if err := r.loadFolder(t, "", r.ignore); err != nil {
		return nil, err
	}
	t.collect()
	return t, t.check()
}

func (t *tracked) collect() {
	t.outs = nil
	for _, p := range t.pointers {
		for i := range p.outs {
			t.outs = append(t.outs, &p.outs[i])
		}
	}
	for _, p := range t.pipelines {
		for _, s := range p.stages {
			for i := range s.outs {
				t.outs = append(t.outs, &s.outs[i].Output)
			}
		}
	}
	slices.SortFunc(t.outs, func(a, b *Output) int { return strings.Compare(a.Path, b.Path) })
}

func (r *Repo) loadFolder(t *tracked, dir string, ignore ignored) error {
	list, err := os.ReadDir(r.full(dir))
	if err != nil {
		return errs.Wrap(err, "list %s", dir)
	}
	if dir != "" {
		more, err := readIgnored(r.Root, dir, ".dvcignore")
		if err != nil {
			return err
		}
		ignore = append(ignore[:len(ignore):len(ignore)], more...)
	}
	outs := map[string]bool{}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if e.IsDir() || ignore.skips(name, false) {
			continue
		}
		switch {
		case strings.HasSuffix(e.Name(), ".dvc"):
			p, err := r.readPointer(name)
			if err != nil {
				return err
			}
			t.pointers = append(t.pointers, p)
			for _, o := range p.outs {
				outs[o.Path] = true
			}
		case e.Name() == "dvc.yaml":
			p, err := r.readPipeline(name)
			if err != nil {
				return err
			}
			t.pipelines = append(t.pipelines, p)
			for _, s := range p.stages {
				for _, o := range s.outs {
					outs[o.Path] = true
				}
			}
		}
	}
	for _, e := range list {
		name := path.Join(dir, e.Name())
		if !e.IsDir() || outs[name] || ignore.skips(name, true) {
			continue
		}
		if _, err := os.Stat(r.full(name + "/.dvc")); err == nil {
			continue // a repository of its own
		}
		if err := r.loadFolder(t, name, ignore); err != nil {
			return err
		}
	}
	return nil
}

// check refuses outputs that overlap.
func (t *tracked) check() error {
	owner := make(map[string]*Output, len(t.outs))
	for _, o := range t.outs {
		if other := owner[o.Path]; other != nil {
			return errs.New(errs.Invalid, "%s is an output of both %s and %s", o.Path, other.File, o.File)
		}
		owner[o.Path] = o
	}
	for _, o := range t.outs {
		for up := path.Dir(o.Path); up != "."; up = path.Dir(up) {
			if other := owner[up]; other != nil {
				return errs.New(errs.Invalid, "%s of %s is within %s of %s; one path belongs to one file", o.Path, o.File, other.Path, other.File)
			}
		}
	}
	return nil
}

// pick returns the outputs that targets name: a path, the folder of several, a
// .dvc file, a stage's name. No target means all.
func (r *Repo) pick(t *tracked, targets []string) ([]*Output, error) {
	if len(targets) == 0 {
		return t.outs, nil
	}
	var out []*Output
	for _, target := range targets {
		rel, err := r.rel(target)
		if err != nil {
			return nil, err
		}
		before := len(out)
		for _, o := range t.outs {
			file, stage, _ := strings.Cut(target, ":")
			named := o.Stage != "" && (o.Stage == target || o.Stage == stage && strings.HasSuffix(o.File, strings.Replace(file, "dvc.yaml", "dvc.lock", 1)))
			if o.Path == rel || o.File == rel || strings.HasPrefix(o.Path, rel+"/") || rel == "." || named {
				if !slices.Contains(out, o) {
					out = append(out, o)
				}
			}
		}
		if before == len(out) {
			return nil, errs.New(errs.NotFound, "nothing that is versioned has the name %s; `drivecast data add` versions a file or folder", target)
		}
	}
	return out, nil
}
