package client

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// File is one file below an artifact URI.
type File struct {
	Path string // below the URI, with slashes
	Size int64  // in bytes
}

// Proxied reports whether the server itself hands out and takes the files at an
// artifact URI, so that they can be reached wherever the server can.
func (c *Client) Proxied(uri string) bool {
	_, local, err := c.proxied(uri)
	return err == nil && local == ""
}

// Files lists every file below the artifact URI, folder by folder. A folder that is
// not there has none.
func (c *Client) Files(ctx context.Context, uri string) ([]File, error) {
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return nil, err
	}
	if local == "" {
		return c.walk(ctx, proxy, "", nil, 0)
	}
	var out []File
	err = filepath.WalkDir(local, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(local, file)
		out = append(out, File{filepath.ToSlash(rel), info.Size()})
		return err
	})
	if os.IsNotExist(err) {
		return nil, nil
	}
	return out, errs.Wrap(err, "list %s", uri)
}

func (c *Client) walk(ctx context.Context, root, below string, out []File, depth int) ([]File, error) {
	if depth > maxDepth {
		return nil, errs.New(errs.TooLarge, "folders at %s are more than %d deep", root, maxDepth)
	}
	list, err := c.list(ctx, path.Join(root, below))
	if errs.Is(err, errs.NotFound) {
		return out, nil
	}
	for _, f := range list {
		if err := safeName(f.Path); err != nil {
			return nil, err
		}
		at := path.Join(below, f.Path)
		if !f.Dir {
			out = append(out, File{at, int64(f.Size)})
		} else if out, err = c.walk(ctx, root, at, out, depth+1); err != nil {
			return nil, err
		}
	}
	return out, err
}

// safeName refuses names that servers may not give to files.
func safeName(name string) error {
	if name == "" || !filepath.IsLocal(name) || strings.ContainsAny(name, `/\`) {
		return errs.New(errs.Invalid, "the server listed a file by the unsafe name %q", name)
	}
	return nil
}

// Open returns the content of rel below the artifact URI; the caller closes it.
func (c *Client) Open(ctx context.Context, uri, rel string) (io.ReadCloser, error) {
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return nil, err
	}
	if local != "" {
		f, err := os.Open(filepath.Join(local, filepath.FromSlash(rel)))
		return f, errs.Wrap(err, "open %s", rel)
	}
	body, err := c.open(ctx, c.artifactURL(path.Join(proxy, rel)))
	return body, errs.Wrap(err, "open %s", rel)
}
