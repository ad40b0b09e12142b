package dataver

import (
	"context"
	"crypto/md5"
	"path"
	"strings"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// measured is what a path of the workspace holds.
type measured struct {
	Output
	files []hashed // sorted by path
}

// entries lists the files as a directory's object does.
func (m *measured) entries() []Entry {
	list := make([]Entry, len(m.files))
	for i := range m.files {
		list[i] = Entry{m.files[i].rel, oidOf(m.files[i].sum)}
	}
	return list
}

// ignoreOf collects what .dvcignore files say about a path: those of all folders
// from the root down to it.
func (r *Repo) ignoreOf(name string) (func(rel string, folder bool) bool, error) {
	all := r.ignore[:len(r.ignore):len(r.ignore)]
	for i := range name + "/" {
		if (name + "/")[i] != '/' {
			continue
		}
		more, err := readIgnored(r.Root, name[:i], ".dvcignore")
		if err != nil {
			// the path may be a file, or nothing
			continue
		}
		all = append(all, more...)
	}
	if len(all) == 0 {
		return all.skips, nil
	}
	return func(rel string, folder bool) bool { return all.skips(name+"/"+rel, folder) }, nil
}

// measure finds out what a path holds; only files that changed since the last time
// are read. With store, the contents are put in the cache.
func (r *Repo) measure(ctx context.Context, name string, store bool) (*measured, error) {
	skips, err := r.ignoreOf(name)
	if err != nil {
		return nil, err
	}
	began := r.now().UnixNano()
	files, dir, err := scan(ctx, r.full(name), skips)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	m := &measured{Output: Output{Path: name}, files: make([]hashed, len(files))}
	past := readState(r.state(), name)
	todo, same := m.recall(files, past)
	if store {
		todo = r.lacking(ctx, m, todo)
	}
	if err := r.hash(ctx, m, todo, store); err != nil {
		return nil, err
	}
	if err := r.sum(m, dir, same && len(todo) == 0, past.oid, store); err != nil {
		return nil, err
	}
	if same && len(todo) == 0 && past.oid == m.OID {
		return m, nil
	}
	return m, r.remember(m, began)
}

// recall fills in what is known of files, and returns which are not known. same
// tells that the set of files is what it was.
func (m *measured) recall(files []found, past *known) (todo []int, same bool) {
	same = len(files) == len(past.files)
	at := 0
	for i, f := range files {
		m.files[i].found = f
		for at < len(past.files) && past.files[at].rel < f.rel {
			at++
		}
		if at < len(past.files) && past.files[at].found == f {
			m.files[i].sum = past.files[at].sum
			continue
		}
		todo = append(todo, i)
	}
	return todo, same
}

// lacking adds the files whose contents are known, but not in the cache.
func (r *Repo) lacking(ctx context.Context, m *measured, todo []int) []int {
	fresh := make([]bool, len(m.files))
	for _, i := range todo {
		fresh[i] = true
	}
	lack := make([]bool, len(m.files))
	_ = parallel(ctx, len(m.files), 64, func(i int) error { // what is not asked about is read
		lack[i] = fresh[i] || r.cache.check(oidOf(m.files[i].sum)) != nil
		return nil
	})
	todo = nil
	for i := range lack {
		if lack[i] {
			todo = append(todo, i)
		}
	}
	return todo
}

func (r *Repo) hash(ctx context.Context, m *measured, todo []int, store bool) error {
	if len(todo) == 0 {
		return nil
	}
	var done atomic.Int64
	return parallel(ctx, len(todo), 1, func(i int) error {
		f := &m.files[todo[i]]
		oid, err := r.cache.ingest(ctx, r.full(path.Join(m.Path, f.rel)), f.stamp, store)
		if err != nil {
			return err
		}
		f.sum = oid.sum()
		r.tick("hash "+m.Path, done.Add(1), int64(len(todo)))
		return nil
	})
}

// sum makes the name of the whole.
func (r *Repo) sum(m *measured, dir, same bool, past OID, store bool) error {
	for i := range m.files {
		m.Size += m.files[i].size
	}
	if !dir {
		m.OID, m.Exec = oidOf(m.files[0].sum), m.files[0].exec
		return nil
	}
	m.Files = len(m.files)
	if same && past.IsDir() && (!store || r.cache.check(past) == nil) {
		m.OID = past
		return nil
	}
	text, oid := EncodeList(m.entries())
	m.OID = oid
	if store {
		return r.cache.put(oid, text)
	}
	return nil
}

// remember keeps what was measured for the next time. Files that were written just
// before they were read might change again without showing it; they are left out.
func (r *Repo) remember(m *measured, began int64) error {
	k := &known{oid: m.OID, files: m.files}
	for i := range k.files {
		if max(k.files[i].mtime, k.files[i].changed) > began-settle {
			k = k.without(began - settle)
			break
		}
	}
	return errs.Wrap(writeState(r.state(), m.Path, k), "keep the state of %s", m.Path)
}

// without drops what changed after a time.
func (k *known) without(after int64) *known {
	out := &known{}
	for _, f := range k.files {
		if max(f.mtime, f.changed) <= after {
			out.files = append(out.files, f)
		}
	}
	return out
}

// list returns the files of an output by their names: those of a folder, or the
// file itself under "".
func (r *Repo) list(o OID) ([]Entry, error) {
	if !o.IsDir() {
		return []Entry{{"", o}}, nil
	}
	text, err := r.cache.read(o)
	if err != nil {
		return nil, err
	}
	return decodeNamed(o, text)
}

func decodeNamed(o OID, text []byte) ([]Entry, error) {
	if got := oidOf(md5.Sum(text)); got != OID(strings.TrimSuffix(string(o), dirSuffix)) {
		return nil, errs.New(errs.State, "the object %s is corrupt: it holds %s; `drivecast data pull` replaces it in the cache", o, got)
	}
	entries, err := DecodeList(text)
	return entries, errs.Wrap(err, "read the object %s", o)
}
