package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// maxFetch is the largest file that is fetched over HTTP: 64 GiB.
const maxFetch = 64 << 30

// LocalAssets finds data and models that were registered on this machine.
type LocalAssets struct{ Catalog job.Catalog }

// Resolve is described at Assets.
func (l LocalAssets) Resolve(ctx context.Context, ref string) (string, error) {
	name, version, ok := SplitReference(ref)
	if !ok {
		return "", errs.New(errs.NotFound, "%s is in the cloud, not on this machine; give a local path, or register the data under a name", ref)
	}
	for _, k := range []job.Kind{job.KindData, job.KindModel} {
		a, err := l.Catalog.Asset(ctx, k, name, version)
		if errs.Is(err, errs.NotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		d, err := AssetDocument(a)
		if err != nil {
			return "", err
		}
		p := d.LocalPath()
		if isHTTP(p) {
			return p, nil
		}
		if job.IsRemote(p) {
			return "", errs.New(errs.NotFound, "%s is registered at %s, which is not on this machine", ref, p)
		}
		if _, err := os.Stat(p); err != nil {
			return "", errs.Wrap(err, "%s", ref)
		}
		return p, nil
	}
	return "", errs.New(errs.NotFound, "no data or model %s is registered here; register it, or give a local path", ref)
}

// isHTTP reports whether a path is fetched over HTTP.
func isHTTP(p string) bool {
	u, err := url.Parse(p)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}

// fetch downloads a URL into the work folder and returns the file. Files are
// kept by the hash of their content; the same content is kept once.
func fetch(ctx context.Context, workDir, from string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return "", errs.New(errs.Invalid, "fetch %s: %w", from, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", errs.New(errs.Unavailable, "fetch %s: %w", from, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		kind := errs.NotFound
		if resp.StatusCode >= http.StatusInternalServerError {
			kind = errs.Unavailable
		}
		return "", errs.New(kind, "fetch %s: the server answered %s", from, resp.Status)
	}
	root := filepath.Join(workDir, "fetched")
	if err := os.MkdirAll(root, 0o755); err != nil {
		return "", errs.Wrap(err, "make %s", root)
	}
	tmp, err := os.CreateTemp(root, ".new-")
	if err != nil {
		return "", errs.Wrap(err, "fetch %s", from)
	}
	defer os.Remove(tmp.Name())
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(tmp, h), io.LimitReader(resp.Body, maxFetch+1))
	if err == nil {
		err = tmp.Chmod(0o444)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	switch {
	case err != nil:
		return "", errs.Wrap(err, "fetch %s", from)
	case n > maxFetch:
		return "", errs.New(errs.TooLarge, "fetch %s: over %d GiB", from, maxFetch>>30)
	}
	dir := filepath.Join(root, hex.EncodeToString(h.Sum(nil)))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", errs.Wrap(err, "make %s", dir)
	}
	target := filepath.Join(dir, fileName(req.URL))
	return target, errs.Wrap(os.Rename(tmp.Name(), target), "keep %s", from)
}

func fileName(u *url.URL) string {
	name := path.Base(u.Path)
	if name == "." || name == "/" || name == ".." || filepath.Base(name) != name {
		return "data"
	}
	return name
}
