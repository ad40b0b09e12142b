package dataver

import (
	"context"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// recorded returns what a Git revision records: the outputs of its .dvc and
// dvc.lock files.
func (r *Repo) recorded(ctx context.Context, revision string) ([]Output, error) {
	if strings.HasPrefix(revision, "-") {
		return nil, errs.New(errs.Usage, "%q is no revision", revision)
	}
	names, err := r.git(ctx, "ls-tree", "-r", "-z", "--name-only", revision)
	if err != nil {
		return nil, errs.Wrap(err, "read revision %s", revision)
	}
	var out []Output
	for name := range strings.SplitSeq(string(names), "\x00") {
		base := name[strings.LastIndexByte(name, '/')+1:]
		if !strings.HasSuffix(base, ".dvc") && base != "dvc.lock" {
			continue
		}
		text, err := r.git(ctx, "show", revision+":./"+name)
		if err != nil {
			return nil, err
		}
		outs, err := parseRecorded(name, text)
		if err != nil {
			return nil, errs.Wrap(err, "revision %s", revision)
		}
		out = append(out, outs...)
	}
	return out, nil
}

// parseRecorded reads the outputs of a .dvc file or a dvc.lock.
func parseRecorded(name string, text []byte) ([]Output, error) {
	doc, err := parseDocument(name, text)
	if err != nil {
		return nil, err
	}
	if !strings.HasSuffix(name, "dvc.lock") {
		p, err := parsePointer(name, doc)
		if err != nil {
			return nil, err
		}
		return p.outs, nil
	}
	var out []Output
	stages := get(doc.Content[0], "stages")
	if stages == nil {
		return nil, nil
	}
	dir := name[:len(name)-len("dvc.lock")]
	for i := 1; i < len(stages.Content); i += 2 {
		outs := get(stages.Content[i], "outs")
		if outs == nil {
			continue
		}
		for _, n := range outs.Content {
			// a stage with a working directory of its own is found by what it holds
			o, err := parseOutput(name, strings.TrimSuffix(dir, "/"), n)
			if err != nil {
				return nil, err
			}
			o.Stage = stages.Content[i-1].Value
			out = append(out, o)
		}
	}
	return out, nil
}

// Version is the content of a file or folder at one time.
type Version struct {
	Label string // as the user named it
	// Files are the paths to read, by their names in the version: those of a
	// folder, or the base name of a file.
	Files map[string]string
	OIDs  map[string]OID // by name; the content hashes
	OID   OID            // of the whole
}

// OnDisk returns what a file or folder holds now, in a repository or not.
func OnDisk(ctx context.Context, target string) (*Version, error) {
	files, _, err := scan(ctx, target, func(rel string, folder bool) bool { return ignored(nil).skips(rel, folder) })
	if err != nil {
		return nil, errs.Wrap(err, "read %s", target)
	}
	v := &Version{Label: target, Files: map[string]string{}, OIDs: map[string]OID{}}
	entries := make([]Entry, len(files))
	err = parallel(ctx, len(files), 1, func(i int) (err error) {
		entries[i].Path = files[i].rel
		entries[i].OID, err = (&cache{}).ingest(ctx, filepath.Join(target, filepath.FromSlash(files[i].rel)), files[i].stamp, false)
		return err
	})
	if err != nil {
		return nil, err
	}
	if len(entries) == 1 && entries[0].Path == "" {
		v.OID = entries[0].OID
	} else {
		_, v.OID = EncodeList(entries)
	}
	for _, e := range entries {
		v.add(e.Path, filepath.ToSlash(filepath.Clean(target)), e.OID, filepath.Join(target, filepath.FromSlash(e.Path)))
	}
	return v, nil
}

func (v *Version) add(rel, name string, oid OID, at string) {
	if rel == "" {
		rel = name[strings.LastIndexByte(name, '/')+1:]
	}
	v.Files[rel], v.OIDs[rel] = at, oid
}

// At returns what a versioned path held at a Git revision. Its objects have to be
// in the cache; dir is a folder where files with their own names are made of them.
func (r *Repo) At(ctx context.Context, revision, target, dir string) (*Version, error) {
	name, err := r.rel(target)
	if err != nil {
		return nil, err
	}
	outs, err := r.recorded(ctx, revision)
	if err != nil {
		return nil, err
	}
	for _, o := range outs {
		if o.Path == name {
			return r.materialize(ctx, o, revision+":"+name, dir)
		}
	}
	return nil, errs.New(errs.NotFound, "revision %s records no %s", revision, name)
}

func (r *Repo) materialize(ctx context.Context, o Output, label, dir string) (*Version, error) {
	entries, err := r.list(o.OID)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", label)
	}
	v := &Version{Label: label, Files: map[string]string{}, OIDs: map[string]OID{}, OID: o.OID}
	for _, e := range entries {
		v.add(e.Path, o.Path, e.OID, "")
		if err := r.cache.check(e.OID); err != nil {
			return nil, errs.Wrap(err, "read %s", label)
		}
	}
	names := sortedKeys(v.Files)
	for _, n := range names {
		v.Files[n] = filepath.Join(dir, filepath.FromSlash(n))
		if err := os.MkdirAll(filepath.Dir(v.Files[n]), 0o755); err != nil {
			return nil, errs.Wrap(err, "read %s", label)
		}
	}
	err = parallel(ctx, len(names), 8, func(i int) error {
		from, to := r.cache.path(v.OIDs[names[i]]), v.Files[names[i]]
		if os.Link(from, to) == nil {
			return nil
		}
		return place(linkCopy, from, to, false)
	})
	return v, errs.Wrap(err, "read %s", label)
}
