package client

import (
	"context"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// DownloadFile copies the one file rel below the artifact URI to target. A file
// that is not there is of kind NotFound.
func (c *Client) DownloadFile(ctx context.Context, uri, rel, target string) error {
	if f, err := c.workspaceFiles(uri); err != nil {
		return err
	} else if f != nil {
		return f.download(ctx, rel, target)
	}
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return err
	}
	if local != "" {
		return errs.Wrap(copyFile(target, filepath.Join(local, filepath.FromSlash(rel))), "download %s", rel)
	}
	return c.downloadFile(ctx, path.Join(proxy, rel), target)
}

// FileNames lists the files directly in the folder rel below the artifact URI,
// sorted. A folder that is not there has none.
func (c *Client) FileNames(ctx context.Context, uri, rel string) ([]string, error) {
	if f, err := c.workspaceFiles(strings.TrimRight(uri+"/"+rel, "/")); err != nil {
		return nil, err
	} else if f != nil {
		names, err := f.names(ctx)
		return slices.DeleteFunc(names, func(n string) bool { return strings.Contains(n, "/") }), errs.Wrap(err, "list %s", rel)
	}
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return nil, err
	}
	var out []string
	if local != "" {
		entries, err := os.ReadDir(filepath.Join(local, filepath.FromSlash(rel)))
		if err != nil && !os.IsNotExist(err) {
			return nil, errs.Wrap(err, "list %s", rel)
		}
		for _, e := range entries {
			if !e.IsDir() {
				out = append(out, e.Name())
			}
		}
		return out, nil
	}
	list, err := c.list(ctx, path.Join(proxy, rel))
	if errs.Is(err, errs.NotFound) {
		return nil, nil
	}
	for _, f := range list {
		if !f.Dir {
			out = append(out, path.Base(strings.TrimRight(f.Path, "/")))
		}
	}
	slices.Sort(out)
	return out, err
}
