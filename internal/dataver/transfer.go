package dataver

import (
	"context"
	"crypto/md5"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// Moved is what a push or a pull has done.
type Moved struct {
	Objects int      `json:"objects"` // that were copied
	Bytes   int64    `json:"bytes"`
	Changed []Output `json:"changed,omitempty"` // of the workspace, by a pull
}

// wanted are objects with the paths that they are known by to people.
type wanted map[OID]string

// contains reports which of the objects a remote has. Only the folders that could
// hold them are listed.
func contains(ctx context.Context, at remote, want wanted) (map[OID]bool, error) {
	var digits []string
	seen := map[string]bool{}
	for o := range want {
		if d := string(o[:2]); !seen[d] {
			seen[d] = true
			digits = append(digits, d)
		}
	}
	var mu sync.Mutex
	has := make(map[OID]bool, len(want))
	err := parallel(ctx, len(digits), 1, func(i int) error {
		list, err := at.list(ctx, digits[i])
		mu.Lock()
		defer mu.Unlock()
		for _, o := range list {
			if _, ok := want[o]; ok {
				has[o] = true
			}
		}
		return err
	})
	return has, err
}

// groups are outputs by the remote they go to.
func groups(outs []*Output, override string) map[string][]*Output {
	by := map[string][]*Output{}
	for _, o := range outs {
		if o.OID != "" && o.Cached && o.Push {
			name := override
			if name == "" {
				name = o.Remote
			}
			by[name] = append(by[name], o)
		}
	}
	return by
}

// Push copies to a remote what it lacks of the objects of the targets; "" is the
// default remote. The list of a folder goes last: a remote that has it has its
// files.
func (r *Repo) Push(ctx context.Context, targets []string, name string) (Moved, error) {
	var moved Moved
	t, err := r.load()
	if err != nil {
		return moved, err
	}
	outs, err := r.pick(t, targets)
	if err != nil {
		return moved, err
	}
	if len(outs) == 0 {
		_, err := r.remote(name)
		return moved, err
	}
	by := groups(outs, name)
	for remoteName, outs := range by {
		if err := r.pushTo(ctx, outs, remoteName, &moved); err != nil {
			return moved, err
		}
	}
	return moved, r.cache.save()
}

func (r *Repo) pushTo(ctx context.Context, outs []*Output, name string, moved *Moved) error {
	at, err := r.remote(name)
	if err != nil {
		return err
	}
	want := wanted{}
	for _, o := range outs {
		if o.legacy {
			return errLegacy(o)
		}
		entries, err := r.list(o.OID)
		if err != nil {
			return errs.Wrap(err, "push %s", o.Path)
		}
		want[o.OID] = o.Path
		for _, e := range entries {
			want[e.OID] = path.Join(o.Path, e.Path)
		}
	}
	has, err := contains(ctx, at, want)
	if err != nil {
		return err
	}
	lack := absent(want, has)
	if len(lack) == 0 {
		return nil
	}
	if err := r.checkAll(ctx, lack, want); err != nil {
		return err
	}
	firstDir := slices.IndexFunc(lack, OID.IsDir)
	if firstDir < 0 {
		firstDir = len(lack)
	}
	for _, part := range [][]OID{lack[:firstDir], lack[firstDir:]} {
		if len(part) == 0 {
			continue
		}
		if err := r.send(ctx, at, part, want, moved); err != nil {
			return err
		}
	}
	return nil
}

// absent sorts what is lacking: files first.
func absent(want wanted, has map[OID]bool) []OID {
	var lack []OID
	for o := range want {
		if !has[o] {
			lack = append(lack, o)
		}
	}
	slices.SortFunc(lack, func(a, b OID) int {
		if a.IsDir() != b.IsDir() {
			return len(a) - len(b)
		}
		return strings.Compare(string(a), string(b))
	})
	return lack
}

// checkAll makes sure that the cache can give all objects before any is sent.
func (r *Repo) checkAll(ctx context.Context, list []OID, want wanted) error {
	return parallel(ctx, len(list), 16, func(i int) error {
		return errs.Wrap(r.cache.check(list[i]), "push %s", want[list[i]])
	})
}

func (r *Repo) send(ctx context.Context, at remote, list []OID, want wanted, moved *Moved) error {
	var done, bytes atomic.Int64
	err := parallel(ctx, len(list), 1, func(i int) error {
		f, err := os.Open(r.cache.path(list[i]))
		if err != nil {
			return errs.Wrap(err, "push %s", want[list[i]])
		}
		defer f.Close()
		info, err := f.Stat()
		if err == nil {
			err = at.put(ctx, list[i], f, info.Size())
		}
		if err != nil {
			return errs.Wrap(err, "push %s", want[list[i]])
		}
		bytes.Add(info.Size())
		r.tick("push", done.Add(1), int64(len(list)))
		return nil
	})
	moved.Objects += int(done.Load())
	moved.Bytes += bytes.Load()
	return err
}

// Fetch copies from a remote the objects of the targets that the cache lacks, or
// has in a corrupt state. What was fetched stays when a later object fails: the
// next time goes on from there.
func (r *Repo) Fetch(ctx context.Context, targets []string, name string) (Moved, error) {
	var moved Moved
	t, err := r.load()
	if err != nil {
		return moved, err
	}
	outs, err := r.pick(t, targets)
	if err != nil {
		return moved, err
	}
	for remoteName, outs := range groups(outs, name) {
		if err := r.fetchFrom(ctx, outs, remoteName, &moved); err != nil {
			return moved, err
		}
	}
	return moved, r.cache.save()
}

// Pull fetches and checks out.
func (r *Repo) Pull(ctx context.Context, targets []string, name string, force bool) (Moved, error) {
	moved, err := r.Fetch(ctx, targets, name)
	if err != nil {
		return moved, err
	}
	moved.Changed, err = r.Checkout(ctx, targets, force)
	return moved, err
}

func (r *Repo) fetchFrom(ctx context.Context, outs []*Output, name string, moved *Moved) error {
	var at remote
	open := func() (err error) {
		if at == nil {
			at, err = r.remote(name)
		}
		return err
	}
	tops, files := wanted{}, wanted{}
	for _, o := range outs {
		if o.legacy {
			return errLegacy(o)
		}
		if r.cache.check(o.OID) != nil {
			tops[o.OID] = o.Path
		}
	}
	if err := r.receive(ctx, open, &at, tops, moved); err != nil {
		return err
	}
	for _, o := range outs {
		entries, err := r.list(o.OID)
		if err != nil {
			return errs.Wrap(err, "pull %s", o.Path)
		}
		lack := make([]bool, len(entries))
		if err := parallel(ctx, len(entries), 64, func(i int) error {
			lack[i] = r.cache.check(entries[i].OID) != nil
			return nil
		}); err != nil {
			return err
		}
		for i, e := range entries {
			if lack[i] {
				files[e.OID] = path.Join(o.Path, e.Path)
			}
		}
	}
	return r.receive(ctx, open, &at, files, moved)
}

func (r *Repo) receive(ctx context.Context, open func() error, at *remote, want wanted, moved *Moved) error {
	if len(want) == 0 {
		return nil
	}
	if err := open(); err != nil {
		return err
	}
	has, err := contains(ctx, *at, want)
	if err != nil {
		return err
	}
	if lack := absent(want, has); len(lack) > 0 {
		return errLacks(lack, want)
	}
	list := absent(want, nil)
	var done, bytes atomic.Int64
	err = parallel(ctx, len(list), 1, func(i int) error {
		n, err := r.receiveOne(ctx, *at, list[i])
		bytes.Add(n)
		if err == nil {
			r.tick("pull", done.Add(1), int64(len(list)))
		}
		return errs.Wrap(err, "pull %s", want[list[i]])
	})
	moved.Objects += int(done.Load())
	moved.Bytes += bytes.Load()
	if err != nil {
		_ = r.cache.save() // the error says more
	}
	return err
}

func errLacks(lack []OID, want wanted) error {
	var names []string
	for _, o := range lack[:min(3, len(lack))] {
		names = append(names, fmt.Sprintf("%s (%s)", want[o], o))
	}
	if len(lack) > 3 {
		names = append(names, fmt.Sprintf("and %d more", len(lack)-3))
	}
	return errs.New(errs.NotFound, "the remote lacks %d of the objects: %s; nothing was checked out. `drivecast data push` from where they are", len(lack), strings.Join(names, ", "))
}

// receiveOne fetches an object; content that is not what its name says is refused.
func (r *Repo) receiveOne(ctx context.Context, at remote, o OID) (int64, error) {
	body, err := at.open(ctx, o)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	temp, err := r.cache.create(filepath.Dir(r.cache.path(o)))
	if err != nil {
		return 0, err
	}
	sum := md5.New()
	n, err := io.Copy(io.MultiWriter(temp, sum), reader{ctx, body})
	if got := oidOf([md5.Size]byte(sum.Sum(nil))); err == nil && string(got) != strings.TrimSuffix(string(o), dirSuffix) {
		err = errs.New(errs.State, "the remote's object %s is corrupt: it holds %s", o, got)
	}
	return n, r.cache.keep(temp, o, err)
}
