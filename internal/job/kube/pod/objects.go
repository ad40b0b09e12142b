package pod

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

const transfers = 8 // files under way at a time

// Objects is a place in a tracking server's artifacts where files lie by the hash
// of their content: objects/HH/HASH, and trees/HASH.json for folders. What is there
// already is not sent again.
type Objects struct {
	Client *client.Client
	URI    string // artifact URI of the place

	mu    sync.Mutex
	known map[string]map[string]bool // first two letters of a hash to the objects that are there
}

func objectPath(hash string) string { return "objects/" + hash[:2] + "/" + hash }
func treePath(hash string) string   { return "trees/" + hash + ".json" }

// KeepTree sends the folder or file at path and returns the hash of its tree, which
// is sent last: a tree that is there is whole.
func (o *Objects) KeepTree(ctx context.Context, path string) (string, error) {
	t, err := ReadTree(path)
	if err != nil {
		return "", err
	}
	hash, text, err := t.Hash()
	if err != nil {
		return "", err
	}
	if _, err := o.Client.ReadFile(ctx, o.URI, treePath(hash), maxTree); err == nil {
		return hash, nil
	}
	err = each(ctx, t.Files, func(ctx context.Context, f File) error {
		from := path
		if !t.Single {
			from = filepath.Join(path, filepath.FromSlash(f.Path))
		}
		return o.keep(ctx, f.Hash, from)
	})
	if err != nil {
		return "", errs.Wrap(err, "send %s", path)
	}
	return hash, o.bytes(ctx, treePath(hash), text)
}

// keep sends one file unless its object is there.
func (o *Objects) keep(ctx context.Context, hash, file string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.known == nil {
		o.known = map[string]map[string]bool{}
	}
	there, ok := o.known[hash[:2]]
	if !ok {
		names, err := o.Client.FileNames(ctx, o.URI, "objects/"+hash[:2])
		if err != nil {
			return err
		}
		there = map[string]bool{}
		for _, n := range names {
			there[n] = true
		}
		o.known[hash[:2]] = there
	}
	if there[hash] {
		return nil
	}
	there[hash] = true // by us, now; a failure ends the whole sending
	o.mu.Unlock()
	err := o.Client.UploadFile(ctx, o.URI, objectPath(hash), file)
	o.mu.Lock()
	return err
}

// KeepBytes sends a text and returns its hash.
func (o *Objects) KeepBytes(ctx context.Context, text []byte) (string, error) {
	hash := HashBytes(text)
	return hash, o.bytes(ctx, objectPath(hash), text)
}

func (o *Objects) bytes(ctx context.Context, rel string, text []byte) error {
	return sendBytes(ctx, o.Client, o.URI, rel, text)
}

func sendBytes(ctx context.Context, c *client.Client, uri, rel string, text []byte) error {
	tmp, err := os.CreateTemp("", "drivecast-")
	if err != nil {
		return errs.Wrap(err, "send %s", rel)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return errs.Wrap(err, "send %s", rel)
	}
	return c.UploadFile(ctx, uri, rel, tmp.Name())
}

// Bytes returns the text of that hash, at most limit bytes.
func (o *Objects) Bytes(ctx context.Context, hash string, limit int64) ([]byte, error) {
	if !isHash(hash) {
		return nil, errs.New(errs.Invalid, "%q is no hash", hash)
	}
	b, err := o.Client.ReadFile(ctx, o.URI, objectPath(hash), limit)
	if err == nil && HashBytes(b) != hash {
		err = errs.New(errs.Unavailable, "object %s came with other content", hash)
	}
	return b, err
}

// Fetch brings a tree into dir and returns the path of its folder or one file. Every
// file is checked against its hash. Data is made read-only, code is not.
func (o *Objects) Fetch(ctx context.Context, hash, dir string, data bool) (string, error) {
	if !isHash(hash) {
		return "", errs.New(errs.Invalid, "%q is no hash", hash)
	}
	text, err := o.Client.ReadFile(ctx, o.URI, treePath(hash), maxTree)
	if err != nil {
		return "", err
	}
	if HashBytes(text) != hash {
		return "", errs.New(errs.Unavailable, "tree %s came with other content", hash)
	}
	t, err := decodeTree(text)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", errs.Wrap(err, "make %s", dir)
	}
	err = each(ctx, t.Files, func(ctx context.Context, f File) error { return o.fetch(ctx, f, dir, data) })
	return t.Local(dir), errs.Wrap(err, "fetch files")
}

func (o *Objects) fetch(ctx context.Context, f File, dir string, data bool) error {
	target := filepath.Join(dir, filepath.FromSlash(f.Path))
	part := target + ".part"
	if err := o.Client.DownloadFile(ctx, o.URI, objectPath(f.Hash), part); err != nil {
		return err
	}
	sum, _, err := hashFile(part)
	if err == nil && sum != f.Hash {
		err = errs.New(errs.Unavailable, "%s came with other content", f.Path)
	}
	mode := os.FileMode(0o644)
	if f.Exec {
		mode |= 0o111
	}
	if data {
		mode &^= 0o222
	}
	if err == nil {
		err = os.Chmod(part, mode)
	}
	if err == nil {
		err = os.Rename(part, target)
	}
	return errs.Wrap(err, "fetch %s", f.Path)
}

// each calls f for every file, a few at a time, until one fails.
func each(ctx context.Context, files []File, f func(context.Context, File) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var wg sync.WaitGroup
	slots := make(chan struct{}, transfers)
	for _, file := range files {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			break
		}
		wg.Go(func() {
			defer func() { <-slots }()
			if err := f(ctx, file); err != nil {
				stop(err)
			}
		})
	}
	wg.Wait()
	return context.Cause(ctx)
}
