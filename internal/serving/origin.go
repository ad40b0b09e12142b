package serving

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
)

// origin is what a model's URI stands for at some moment.
type origin struct {
	uri     string // as it was given
	pinned  string // the same model, whatever moves: an alias is replaced by its version
	version string // of the registry, or ""
	mark    string // changes when the model does; "" of what never changes
	file    bool   // a path, not a registry
}

// origin finds out what a URI stands for now.
func (e Env) origin(ctx context.Context, uri, tracking string) (origin, error) {
	o := origin{uri: uri, pinned: uri}
	switch {
	case IsURI(uri):
		server, at, err := e.server(uri, tracking)
		if err != nil || strings.HasPrefix(at, "runs:/") {
			return o, err
		}
		v, err := server.Resolve(ctx, at)
		if err != nil {
			return o, err
		}
		o.version, o.pinned = v.Version, "models:/"+v.Name+"/"+v.Version
		if isAddress(uri) {
			o.pinned = server.URI() + "/models:/" + url.PathEscape(v.Name) + "/" + v.Version
		}
		o.mark = strings.Join([]string{v.Name, v.Version, v.Source, fmt.Sprint(v.Created)}, "\n")
	default:
		mark, err := markOf(uri)
		if errors.Is(err, fs.ErrNotExist) {
			return o, errs.New(errs.NotFound, "there is no model at %s; check the path", uri)
		}
		if err != nil {
			return o, errs.Wrap(err, "look at the model %s", uri)
		}
		o.file, o.mark = true, mark
	}
	return o, nil
}

// openOrigin opens the model that was found.
func (e Env) openOrigin(ctx context.Context, o origin, tracking string) (*model.Model, error) {
	m, err := e.Open(ctx, o.pinned, tracking)
	if err == nil {
		m.Source = o.uri
	}
	return m, err
}

// mostFiles bounds the files of a folder that are looked at.
const mostFiles = 10_000

// markOf describes the files of a model by name, size and time.
func markOf(path string) (string, error) {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	n := 0
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() && p != root {
			return err
		}
		if n++; n > mostFiles {
			return fs.SkipAll
		}
		st, err := os.Stat(p)
		if err != nil {
			return err
		}
		if !st.IsDir() {
			fmt.Fprintf(&b, "%s %d %d\n", p, st.Size(), st.ModTime().UnixNano())
		}
		return nil
	})
	return b.String(), err
}

// OpenMarked opens a model as Open does, and tells with it a text that is another one
// once the URI stands for another model or its files have changed.
func (e Env) OpenMarked(ctx context.Context, uri, tracking string) (*model.Model, string, error) {
	o, err := e.origin(ctx, uri, tracking)
	if err != nil {
		return nil, "", err
	}
	m, err := e.openOrigin(ctx, o, tracking)
	return m, o.pinned + "\n" + o.mark, err
}
