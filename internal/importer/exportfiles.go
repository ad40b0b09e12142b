package importer

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// FilesOptions changes what ExportFiles writes.
type FilesOptions struct {
	Rewrite func(uri string) string // of artifact URIs; nil leaves them as they are

	// Place finds the folder of an artifact URI in our own store, or no store. Files
	// there are copied, and the records name the copies. nil copies nothing.
	Place func(uri string) (artifact.Store, string)
}

// ExportFiles writes every record to dir, a folder mlruns of MLflow's file store,
// which must be new or empty. A key that cannot be a file there (one that is also
// the beginning of another, or one that climbs) is left out and counted.
func ExportFiles(ctx context.Context, from *sqlstore.DB, dir string, o FilesOptions) (Exported, error) {
	out := Exported{Tables: map[string]int{}, Left: map[string]int{}}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return out, err
	}
	if list, err := os.ReadDir(abs); err == nil && len(list) > 0 {
		return out, errs.New(errs.Exists, "%s is not empty; name a new folder", dir)
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		return out, err
	}
	temp, err := os.MkdirTemp(filepath.Dir(abs), filepath.Base(abs)+".writing-")
	if err != nil {
		return out, err
	}
	defer os.RemoveAll(temp)
	w := &folderTo{ctx: ctx, o: o, out: &out, target: abs, temp: temp, places: map[string]string{}, copies: map[string]string{}, inputs: map[string]*fileInput{}, models: map[string]*fileModel{}}
	if err := w.all(from); err != nil {
		return out, errs.Wrap(err, "export to %s", dir)
	}
	if err := os.Chmod(temp, 0o755); err != nil {
		return out, err
	}
	if err := os.Remove(abs); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return out, err
	}
	return out, os.Rename(temp, abs)
}

// folderTo writes rows of MLflow's tables to a folder mlruns.
type folderTo struct {
	ctx          context.Context
	o            FilesOptions
	out          *Exported
	target, temp string // the folder's path at the end, and while it is written
	root         *os.Root
	places       map[string]string     // folders of experiments, runs and logged models by their ids
	copies       map[string]string     // new artifact URIs by old
	inputs       map[string]*fileInput // that are written last, with their tags
	models       map[string]*fileModel // registered, that are written last, with their aliases
	points       pointFile
}

// record is one row by column.
type record map[string]any

func (r record) text(column string) string {
	switch v := r[column].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

func (w *folderTo) all(from *sqlstore.DB) (err error) {
	if w.root, err = os.OpenRoot(w.temp); err != nil {
		return err
	}
	defer w.root.Close()
	kinds := w.kinds()
	r := record{}
	err = from.Export(w.ctx, func(table string, columns []string, values []any) error {
		write := kinds[table]
		if write == nil {
			return nil
		}
		clear(r)
		for i, c := range columns {
			r[c] = values[i]
		}
		fits, err := write(r)
		if unfit(err) {
			fits, err = false, nil
		}
		if fits {
			w.out.Tables[table]++
		} else {
			w.out.Left[table]++
		}
		return errs.Wrap(err, "%s", table)
	})
	if err2 := w.points.close(); err == nil {
		err = err2
	}
	if err == nil {
		err = w.rest()
	}
	return err
}

// unfit reports whether a name could not be a file beside the others.
func unfit(err error) bool {
	for _, e := range []error{syscall.ENOTDIR, syscall.EISDIR, syscall.ENAMETOOLONG, syscall.EINVAL, fs.ErrExist} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// file writes one file, whose name is a key below dir; keys that climb do not fit.
func (w *folderTo) file(dir, key, text string) (fits bool, err error) {
	name, ok := below(dir, key)
	if !ok {
		return false, nil
	}
	if err := w.root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return false, err
	}
	f, err := w.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return false, err
	}
	_, err = f.WriteString(text)
	return true, errors.Join(err, f.Close())
}

func below(dir, key string) (name string, ok bool) {
	return path.Join(dir, key), dir != "" && path.Clean(key) == key && filepath.IsLocal(filepath.FromSlash(key)) && key != "."
}

// meta writes dir/meta.yaml: names and values, nil for none. Go's quoted text is
// YAML's too as long as it is ASCII.
func (w *folderTo) meta(dir string, fields ...any) (fits bool, err error) {
	var b strings.Builder
	for i := 0; i < len(fields); i += 2 {
		switch v := fields[i+1].(type) {
		case nil:
			fmt.Fprintf(&b, "%s: null\n", fields[i])
		case string:
			fmt.Fprintf(&b, "%s: %s\n", fields[i], strconv.QuoteToASCII(v))
		case [][2]string:
			if len(v) == 0 {
				fmt.Fprintf(&b, "%s: {}\n", fields[i])
				continue
			}
			fmt.Fprintf(&b, "%s:\n", fields[i])
			for _, pair := range v {
				fmt.Fprintf(&b, "  %s: %s\n", strconv.QuoteToASCII(pair[0]), strconv.QuoteToASCII(pair[1]))
			}
		default:
			fmt.Fprintf(&b, "%s: %v\n", fields[i], v)
		}
	}
	return w.file(dir, "meta.yaml", b.String())
}

// files returns the URI of the folder that a record at place keeps its files in.
// When they are in our store they are copied there first, or will be by their
// runs when all is false.
func (w *folderTo) files(uri, place string, all bool) (string, error) {
	if w.o.Place == nil {
		return w.uri(uri), nil
	}
	store, dir := w.o.Place(uri)
	if store == nil {
		return w.uri(uri), nil
	}
	if all {
		err := artifact.Walk(w.ctx, store, dir, func(p string, _ artifact.Entry) error {
			return w.copy(store, p, path.Join(place, strings.TrimPrefix(p, dir)))
		})
		if err != nil {
			return "", errs.Wrap(err, "copy %s", uri)
		}
	}
	to := url.URL{Scheme: "file", Path: path.Join("/", filepath.ToSlash(w.target), place)}
	w.copies[uri] = to.String()
	return w.copies[uri], nil
}

func (w *folderTo) copy(from artifact.Store, p, to string) error {
	in, err := from.Open(w.ctx, p)
	if errs.Is(err, errs.NotFound) { // deleted meanwhile
		return nil
	}
	if err != nil {
		return err
	}
	defer in.Close()
	if err := w.root.MkdirAll(path.Dir(to), 0o755); err != nil {
		return err
	}
	out, err := w.root.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	if _, err = io.Copy(out, in); err == nil {
		err = out.Sync()
	}
	w.out.Files++
	return errors.Join(err, out.Close())
}

// uri is where files are that records named so: with the copy of a folder above
// them, or rewritten.
func (w *folderTo) uri(uri string) string {
	for at := uri; ; {
		if to, ok := w.copies[at]; ok {
			return to + uri[len(at):]
		}
		i := strings.LastIndexByte(at, '/')
		if i < 0 {
			break
		}
		at = at[:i]
	}
	if w.o.Rewrite != nil {
		return w.o.Rewrite(uri)
	}
	return uri
}

// pointFile is the file of one metric, to which points are added.
type pointFile struct {
	name string
	file *os.File
	w    *bufio.Writer
}

func (p *pointFile) close() error {
	if p.file == nil {
		return nil
	}
	err := errors.Join(p.w.Flush(), p.file.Close())
	p.file, p.name = nil, ""
	return err
}

func (p *pointFile) add(root *os.Root, name, line string) error {
	if p.file == nil || p.name != name {
		if err := p.close(); err != nil {
			return err
		}
		if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
			return err
		}
		f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o644)
		if err != nil {
			return err
		}
		p.name, p.file, p.w = name, f, bufio.NewWriter(f)
	}
	_, err := p.w.WriteString(line)
	return err
}
