package dataver

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// cache holds objects in files that nobody may write to.
type cache struct {
	dir   string // its root
	temp  string // where objects whose names are not known yet are written first
	state string // folder of the state
	links []linkType
	plain atomic.Bool // the file system cannot share blocks: tried once

	mu       sync.Mutex
	loaded   bool
	changed  bool
	verified map[OID]stamp // objects that hold what their names say
	folders  map[string]bool
}

// whole is the largest file that is read into memory at once.
const whole = 1 << 20

func (c *cache) path(o OID) string { return filepath.Join(c.dir, filepath.FromSlash(o.path())) }

// objectStamp leaves out the time of the last change: links change it.
func objectStamp(info fs.FileInfo) stamp {
	s := stampOf(info)
	s.changed = 0
	return s
}

func (c *cache) load() {
	if c.loaded {
		return
	}
	c.loaded, c.verified = true, map[OID]stamp{}
	for _, f := range readState(c.state, "objects").files {
		c.verified[oidOf(f.sum)+OID(f.rel)] = f.stamp
	}
}

// save keeps which objects were verified.
func (c *cache) save() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.changed {
		return nil
	}
	k := &known{files: make([]hashed, 0, len(c.verified))}
	for oid, s := range c.verified {
		rel := ""
		if oid.IsDir() {
			rel = dirSuffix
		}
		k.files = append(k.files, hashed{found{rel: rel, stamp: s}, oid.sum()})
	}
	c.changed = false
	return errs.Wrap(writeState(c.state, "objects", k), "keep the state of the cache")
}

func (c *cache) vouch(o OID, s stamp) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	c.verified[o], c.changed = s, true
}

func (c *cache) vouched(o OID, s stamp) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.load()
	return c.verified[o] == s
}

// check makes sure that the cache has an object and that it holds what its name
// says: errs.NotFound, or errs.State when it is corrupt.
func (c *cache) check(o OID) error {
	info, err := os.Stat(c.path(o))
	if missing(err) {
		return errAbsent(o)
	}
	if err != nil {
		return errs.Wrap(err, "look at the cache")
	}
	s := objectStamp(info)
	if c.vouched(o, s) {
		return nil
	}
	f, err := os.Open(c.path(o))
	if err != nil {
		return errs.Wrap(err, "open an object")
	}
	defer f.Close()
	sum := md5.New()
	if _, err := io.Copy(sum, f); err != nil {
		return errs.Wrap(err, "read an object")
	}
	if !bytes.Equal(sum.Sum(nil), slice(o.sum())) {
		return errs.New(errs.State, "the object %s of the cache is corrupt: it holds %x; `drivecast data pull` replaces it", o, sum.Sum(nil))
	}
	c.vouch(o, s)
	return nil
}

func slice(s [md5.Size]byte) []byte { return s[:] }

// read returns a small object; the caller makes sure that it is what its name says.
func (c *cache) read(o OID) ([]byte, error) {
	text, err := os.ReadFile(c.path(o))
	if missing(err) {
		return nil, errAbsent(o)
	}
	return text, errs.Wrap(err, "read an object")
}

func errAbsent(o OID) error {
	return errs.New(errs.NotFound, "the cache has no object %s; `drivecast data pull` fetches it from a remote", o)
}

// put keeps content that is in memory.
func (c *cache) put(o OID, content []byte) error {
	if c.check(o) == nil {
		return nil
	}
	temp, err := c.create(filepath.Dir(c.path(o)))
	if err != nil {
		return err
	}
	_, err = temp.Write(content)
	return c.keep(temp, o, err)
}

// create makes a temporary file. Within one folder renaming costs a file system
// far less than between two.
func (c *cache) create(dir string) (*os.File, error) {
	err := c.folder(dir)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, randomName()), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o444)
	return f, errs.Wrap(err, "write to the cache")
}

// folder makes a folder once.
func (c *cache) folder(dir string) error {
	c.mu.Lock()
	made := c.folders[dir]
	c.mu.Unlock()
	if made {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return errs.Wrap(err, "make the cache")
	}
	c.mu.Lock()
	c.folders[dir] = true
	c.mu.Unlock()
	return nil
}

// keep gives a temporary file its name, unless writing it failed.
func (c *cache) keep(temp *os.File, o OID, err error) error {
	info, statErr := temp.Stat()
	err = errors.Join(err, statErr, temp.Close())
	if err == nil {
		err = c.folder(filepath.Dir(c.path(o)))
	}
	if err == nil {
		err = os.Rename(temp.Name(), c.path(o))
	}
	if err != nil {
		os.Remove(temp.Name())
		return errs.Wrap(err, "write to the cache")
	}
	c.vouch(o, objectStamp(info))
	return nil
}

// ingest reads a file once, keeps it if store is set, and returns its name. A file
// that changes meanwhile is errs.State.
func (c *cache) ingest(ctx context.Context, path string, was stamp, store bool) (OID, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	var oid OID
	if was.size <= whole {
		oid, err = c.ingestSmall(f, was.size, store)
	} else {
		oid, err = c.ingestLarge(ctx, f, store)
	}
	if err != nil {
		return "", errs.Wrap(err, "read %s", path)
	}
	if info, err := f.Stat(); err != nil || stampOf(info) != was {
		return "", errs.New(errs.State, "%s changed while it was read; try again when nobody writes to it", path)
	}
	return oid, nil
}

func (c *cache) ingestSmall(f *os.File, size int64, store bool) (OID, error) {
	content := make([]byte, size+1) // one more shows that the file has grown
	n, err := io.ReadFull(f, content)
	if !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) && err != nil {
		return "", err
	}
	oid := oidOf(md5.Sum(content[:n]))
	if store {
		err = c.put(oid, content[:n])
		return oid, err
	}
	return oid, nil
}

// share tries to make one file share the blocks of another, until it has failed once.
func (c *cache) share(to, from *os.File) bool {
	if c.plain.Load() {
		return false
	}
	if reflink(to, from) == nil {
		return true
	}
	c.plain.Store(true)
	return false
}

func (c *cache) ingestLarge(ctx context.Context, f *os.File, store bool) (OID, error) {
	sum := md5.New()
	buffer := make([]byte, 1<<20)
	if !store {
		_, err := io.CopyBuffer(sum, reader{ctx, f}, buffer)
		return oidOf([md5.Size]byte(sum.Sum(nil))), err
	}
	temp, err := c.create(c.temp)
	if err != nil {
		return "", err
	}
	var from io.Reader = io.TeeReader(reader{ctx, f}, temp)
	if c.links[0] == linkReflink && c.share(temp, f) {
		from = reader{ctx, temp}
	}
	_, err = io.CopyBuffer(sum, from, buffer)
	oid := oidOf([md5.Size]byte(sum.Sum(nil)))
	if err == nil && c.check(oid) == nil {
		temp.Close()
		return oid, os.Remove(temp.Name())
	}
	return oid, c.keep(temp, oid, err)
}

// reader reads until its context ends.
type reader struct {
	ctx context.Context
	r   io.Reader
}

// Read reads on.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}

// finish gives a temporary file of a remote its name.
func (c *cache) finish(temp *os.File, o OID, err error) error {
	err = errors.Join(err, temp.Close())
	if err == nil {
		err = c.folder(filepath.Dir(c.path(o)))
	}
	if err == nil {
		err = os.Rename(temp.Name(), c.path(o))
	}
	if err != nil {
		os.Remove(temp.Name())
	}
	return errs.Wrap(err, "write the object %s", o)
}
