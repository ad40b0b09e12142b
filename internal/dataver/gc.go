package dataver

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// GCOptions say what is kept: what the workspace names always is.
type GCOptions struct {
	Branches, Tags, Commits bool   // what any branch, tag or commit names, too
	Cloud                   bool   // collect in the remote as well
	Remote                  string // "" for the default one
	Dry                     bool   // remove nothing
}

// Collected is what was removed, or with Dry would be.
type Collected struct {
	Objects       int   `json:"objects"`
	Bytes         int64 `json:"bytes"`
	RemoteObjects int   `json:"remote_objects"`
}

// GC removes objects that nothing names. A folder that is named and whose list of
// files is not at hand stops it: its files could not be told from others.
func (r *Repo) GC(ctx context.Context, o GCOptions) (Collected, error) {
	var done Collected
	unlock, err := r.lock(ctx)
	if err != nil {
		return done, err
	}
	defer unlock()
	tops, err := r.named(ctx, o)
	if err != nil {
		return done, err
	}
	var at remote
	if o.Cloud {
		if at, err = r.remote(o.Remote); err != nil {
			return done, err
		}
	}
	keep := map[OID]bool{}
	for oid, who := range tops {
		keep[oid] = true
		if !oid.IsDir() {
			continue
		}
		entries, err := r.listAnywhere(ctx, oid, at)
		if err != nil {
			return done, errs.Wrap(err, "%s: the files of a folder are not known, so nothing was removed; fetch it first", who)
		}
		for _, e := range entries {
			keep[e.OID] = true
		}
	}
	if done.Objects, done.Bytes, err = r.sweep(ctx, keep, o.Dry); err != nil || at == nil {
		return done, err
	}
	done.RemoteObjects, err = sweepRemote(ctx, at, keep, o.Dry)
	return done, err
}

// named collects what is to be kept, and who names it.
func (r *Repo) named(ctx context.Context, o GCOptions) (map[OID]string, error) {
	t, err := r.load()
	if err != nil {
		return nil, err
	}
	tops := map[OID]string{}
	for _, out := range t.outs {
		if out.OID != "" {
			tops[out.OID] = out.File
		}
	}
	var scopes []string
	for _, s := range []struct {
		on   bool
		flag string
	}{{o.Branches, "--branches"}, {o.Tags, "--tags"}} {
		if s.on {
			scopes = append(scopes, s.flag)
		}
	}
	var revisions []byte
	switch {
	case o.Commits:
		revisions, err = r.git(ctx, "rev-list", "--all")
	case len(scopes) > 0:
		revisions, err = r.git(ctx, append([]string{"rev-list", "--no-walk"}, scopes...)...)
	}
	if err != nil {
		return nil, err
	}
	for _, revision := range strings.Fields(string(revisions)) {
		outs, err := r.recorded(ctx, revision)
		if err != nil {
			return nil, err
		}
		for _, out := range outs {
			if out.OID != "" {
				tops[out.OID] = fmt.Sprintf("%s at %.10s", out.File, revision)
			}
		}
	}
	return tops, nil
}

// listAnywhere reads a folder's list from the cache, or else from the remote.
func (r *Repo) listAnywhere(ctx context.Context, o OID, at remote) ([]Entry, error) {
	entries, err := r.list(o)
	if err == nil || at == nil {
		return entries, err
	}
	body, err := at.open(ctx, o)
	if err != nil {
		return nil, err
	}
	defer body.Close()
	text, err := io.ReadAll(reader{ctx, body})
	if err != nil {
		return nil, err
	}
	return decodeNamed(o, text)
}

// allDigits are the names of the folders that objects are in.
func allDigits() []string {
	out := make([]string, 256)
	for i := range out {
		out[i] = fmt.Sprintf("%02x", i)
	}
	return out
}

func (r *Repo) sweep(ctx context.Context, keep map[OID]bool, dry bool) (n int, bytes int64, err error) {
	here := newFolderRemote(r.cache.dir)
	for _, digits := range allDigits() {
		list, err := here.list(ctx, digits)
		if err != nil {
			return n, bytes, err
		}
		if !dry {
			r.sweepTemps(filepath.Join(r.cache.dir, filepath.FromSlash(objects), digits))
		}
		for _, o := range list {
			if keep[o] {
				continue
			}
			if info, err := os.Stat(here.path(o)); err == nil {
				bytes += info.Size()
			}
			n++
			if dry {
				continue
			}
			if err := here.remove(ctx, o); err != nil {
				return n, bytes, errs.Wrap(err, "remove an object")
			}
		}
	}
	return n, bytes, nil
}

// forgotten is how old a temporary file is that nobody writes to any more.
const forgotten = 24 * time.Hour

// sweepTemps removes what programs left that were killed while they wrote. What
// cannot be removed harms nothing.
func (r *Repo) sweepTemps(dir string) {
	names, _ := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	for _, name := range names {
		if info, err := os.Lstat(name); err == nil && r.now().Sub(info.ModTime()) > forgotten {
			os.Remove(name)
		}
	}
}

func sweepRemote(ctx context.Context, at remote, keep map[OID]bool, dry bool) (n int, err error) {
	digits := allDigits()
	lists := make([][]OID, len(digits))
	err = parallel(ctx, len(digits), 1, func(i int) (err error) {
		lists[i], err = at.list(ctx, digits[i])
		return err
	})
	if err != nil {
		return 0, err
	}
	for _, list := range lists {
		for _, o := range list {
			if keep[o] {
				continue
			}
			n++
			if !dry {
				if err := at.remove(ctx, o); err != nil {
					return n, errs.Wrap(err, "remove an object of the remote")
				}
			}
		}
	}
	return n, nil
}
