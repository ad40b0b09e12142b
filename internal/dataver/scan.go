package dataver

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// stamp is what tells that a file has not changed since it was read.
type stamp struct {
	size, mtime int64 // bytes, ns
	inode       uint64
	changed     int64 // ns; 0 where the system does not say
}

func stampOf(info fs.FileInfo) stamp {
	s := stamp{size: info.Size(), mtime: info.ModTime().UnixNano()}
	s.inode, s.changed = identity(info)
	return s
}

// found is one file of a scan: rel is "" for the scanned path itself.
type found struct {
	rel string // slash-separated
	stamp
	exec bool
}

// scan lists the regular files at or below a path, sorted, without those that
// skips leaves out. Symbolic links to files count as files, links to folders are
// passed over, as in DVC. dir tells whether the path is a folder.
func scan(ctx context.Context, path string, skips func(rel string, folder bool) bool) (files []found, dir bool, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, false, err
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() {
			return nil, false, errs.New(errs.Invalid, "%s is neither a file nor a folder", path)
		}
		return []found{{stamp: stampOf(info), exec: info.Mode()&0o100 != 0}}, false, nil
	}
	names, err := below(ctx, path, skips)
	if err != nil {
		return nil, true, err
	}
	slices.Sort(names)
	root, err := os.Open(path)
	if err != nil {
		return nil, true, err
	}
	defer root.Close()
	files = make([]found, len(names))
	err = parallel(ctx, len(names), 256, func(i int) error {
		at, mode, err := statBelow(root, names[i])
		if err != nil {
			return errs.Wrap(err, "look at %s", names[i])
		}
		files[i] = found{rel: names[i], stamp: at, exec: mode&0o100 != 0}
		if !mode.IsRegular() {
			files[i].rel = "" // dropped below: a link to a folder
			if !mode.IsDir() {
				return errs.New(errs.Invalid, "%s in %s is neither a file nor a folder", names[i], path)
			}
		}
		return nil
	})
	return slices.DeleteFunc(files, func(f found) bool { return f.rel == "" }), true, err
}

// below lists the names of what is not a folder, level by level.
func below(ctx context.Context, root string, skips func(string, bool) bool) ([]string, error) {
	var names []string
	for level := []string{""}; len(level) > 0; {
		lists := make([][]string, len(level))
		folders := make([][]string, len(level))
		err := parallel(ctx, len(level), 1, func(i int) (err error) {
			lists[i], folders[i], err = within(root, level[i], skips)
			return err
		})
		if err != nil {
			return nil, err
		}
		names, level = slices.Concat(append(lists, names)...), slices.Concat(folders...)
	}
	return names, nil
}

// within lists one folder.
func within(root, rel string, skips func(string, bool) bool) (names, folders []string, err error) {
	at := filepath.Join(root, filepath.FromSlash(rel))
	d, err := os.Open(at)
	if err != nil {
		return nil, nil, errs.Wrap(err, "list %s", at)
	}
	defer d.Close()
	list, err := d.ReadDir(-1)
	if err != nil {
		return nil, nil, errs.Wrap(err, "list %s", at)
	}
	names = make([]string, 0, len(list))
	for _, e := range list {
		name := e.Name()
		if rel != "" {
			name = rel + "/" + name
		}
		if skips != nil && skips(name, e.IsDir()) {
			continue
		}
		if !utf8.ValidString(name) || strings.ContainsAny(name, "\\") {
			return nil, nil, errs.New(errs.Invalid, "the name %q cannot be written on every system; rename the file", name)
		}
		if e.IsDir() {
			folders = append(folders, name)
			continue
		}
		names = append(names, name)
	}
	return names, folders, nil
}

// parallel calls do for 0 ≤ i < n from several goroutines, in chunks, and returns
// the error of the lowest i that failed.
func parallel(ctx context.Context, n, chunk int, do func(i int) error) error {
	workers := min(2*runtime.GOMAXPROCS(0), (n+chunk-1)/chunk)
	var next atomic.Int64
	var mu sync.Mutex
	var wg sync.WaitGroup
	var first error
	at := n
	for range workers {
		wg.Go(func() {
			for {
				from := int(next.Add(int64(chunk))) - chunk
				for i := from; i < min(from+chunk, n); i++ {
					err := ctx.Err()
					if err == nil {
						err = do(i)
					}
					if err != nil {
						mu.Lock()
						if i < at {
							at, first = i, err
						}
						mu.Unlock()
						next.Store(int64(n))
						return
					}
				}
				if from >= n {
					return
				}
			}
		})
	}
	wg.Wait()
	return first
}

func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
