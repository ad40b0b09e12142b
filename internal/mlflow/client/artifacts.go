package client

import (
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// proxied returns the path under the server's artifact proxy that uri names, or
// a local folder when uri is a file URI or a plain path.
func (c *Client) proxied(uri string) (proxy, local string, err error) {
	u, err := url.Parse(uri)
	if err != nil {
		return "", "", errs.New(errs.Invalid, "artifact URI %q: %w", uri, err)
	}
	switch u.Scheme {
	case "mlflow-artifacts":
		return strings.Trim(u.Path, "/"), "", nil
	case "http", "https":
		_, rest, ok := strings.Cut(u.Path, "/api/2.0/mlflow-artifacts/artifacts/")
		if ok && strings.HasPrefix(uri, c.base+"/") {
			return strings.Trim(rest, "/"), "", nil
		}
	case "file", "":
		return "", filepath.FromSlash(u.Path), nil
	}
	return "", "", errs.New(errs.Unsupported, "artifacts at %q cannot be reached from here; only the server's own store and local folders can", uri)
}

func (c *Client) artifactURL(p string) string {
	parts := strings.Split(p, "/")
	for i, s := range parts {
		parts[i] = url.PathEscape(s)
	}
	return c.base + "/api/2.0/mlflow-artifacts/artifacts/" + strings.Join(parts, "/")
}

// UploadDir copies every file below dir to the artifact URI, keeping the
// folders.
func (c *Client) UploadDir(ctx context.Context, uri, dir string) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		return c.UploadFile(ctx, uri, filepath.ToSlash(rel), file)
	})
}

// UploadFile copies one file to rel below the artifact URI.
func (c *Client) UploadFile(ctx context.Context, uri, rel, file string) error {
	if f, err := c.workspaceFiles(uri); f != nil || err != nil {
		if err == nil {
			err = f.upload(ctx, rel, file)
		}
		return errs.Wrap(err, "upload %s", rel)
	}
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return err
	}
	if local != "" {
		return copyFile(filepath.Join(local, filepath.FromSlash(rel)), file)
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	resp, err := c.retry(ctx, func() (*http.Response, error) {
		f, err := os.Open(file)
		if err != nil {
			return nil, err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPut, c.artifactURL(path.Join(proxy, rel)), f)
		if err != nil {
			f.Close()
			return nil, err
		}
		if req.ContentLength = info.Size(); info.Size() == 0 {
			f.Close()
			req.Body = http.NoBody
		}
		return c.do(req)
	})
	if err != nil {
		return errs.Wrap(err, "upload %s", rel)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return errs.Wrap(serverError(resp.StatusCode, body), "upload %s", rel)
	}
	return nil
}

// DownloadDir copies every file below the artifact URI to dir.
func (c *Client) DownloadDir(ctx context.Context, uri, dir string) error {
	if f, err := c.workspaceFiles(uri); err != nil {
		return err
	} else if f != nil {
		return f.downloadAll(ctx, dir)
	}
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return err
	}
	if local != "" {
		return copyTree(dir, local)
	}
	n, err := c.downloadTree(ctx, proxy, dir, 0)
	if err == nil && n == 0 {
		err = errs.New(errs.NotFound, "there are no files at %s", uri)
	}
	return err
}

const maxDepth = 32 // folders below an artifact root

func (c *Client) downloadTree(ctx context.Context, proxy, dir string, depth int) (files int, err error) {
	if depth > maxDepth {
		return 0, errs.New(errs.TooLarge, "folders at %s are more than %d deep", proxy, maxDepth)
	}
	list, err := c.list(ctx, proxy)
	if err != nil {
		return 0, err
	}
	for _, f := range list {
		if err := safeName(f.Path); err != nil {
			return files, err
		}
		target := filepath.Join(dir, f.Path)
		if !f.Dir {
			files++
			err = c.downloadFile(ctx, path.Join(proxy, f.Path), target)
		} else {
			var n int
			n, err = c.downloadTree(ctx, path.Join(proxy, f.Path), target, depth+1)
			files += n
		}
		if err != nil {
			return files, err
		}
	}
	return files, nil
}

type listed struct {
	Path string `json:"path"`
	Dir  bool   `json:"is_dir"`
	Size Int    `json:"file_size"`
}

func (c *Client) list(ctx context.Context, proxy string) ([]listed, error) {
	target := c.base + "/api/2.0/mlflow-artifacts/artifacts?" + url.Values{"path": {proxy}}.Encode()
	body, err := c.open(ctx, target)
	if err != nil {
		return nil, errs.Wrap(err, "list artifacts of %s", proxy)
	}
	defer body.Close()
	var out struct {
		Files []listed `json:"files"`
	}
	return out.Files, errs.Wrap(json.NewDecoder(body).Decode(&out), "decode the list of artifacts of %s", proxy)
}

func (c *Client) open(ctx context.Context, target string) (io.ReadCloser, error) {
	resp, err := c.retry(ctx, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
		if err != nil {
			return nil, err
		}
		return c.do(req)
	})
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 4096))
		return nil, serverError(resp.StatusCode, body)
	}
	return resp.Body, nil
}

func (c *Client) downloadFile(ctx context.Context, proxy, target string) error {
	body, err := c.open(ctx, c.artifactURL(proxy))
	if err != nil {
		return errs.Wrap(err, "download %s", proxy)
	}
	defer body.Close()
	return errs.Wrap(writeFile(target, body), "download %s", proxy)
}

func writeFile(target string, r io.Reader) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	f, err := os.Create(target)
	if err != nil {
		return err
	}
	if _, err = io.Copy(f, r); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func copyFile(target, source string) error {
	f, err := os.Open(source)
	if err != nil {
		return err
	}
	defer f.Close()
	return writeFile(target, f)
}

func copyTree(target, source string) error {
	return filepath.WalkDir(source, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(source, file)
		if err != nil {
			return err
		}
		return copyFile(filepath.Join(target, rel), file)
	})
}

// ReadFile returns the content of rel below the artifact URI, at most limit
// bytes of it.
func (c *Client) ReadFile(ctx context.Context, uri, rel string, limit int64) ([]byte, error) {
	body, err := c.openFile(ctx, uri, rel)
	if err != nil {
		return nil, errs.Wrap(err, "read %s", rel)
	}
	defer body.Close()
	data, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = errs.New(errs.TooLarge, "more than %d bytes", limit)
	}
	return data, errs.Wrap(err, "read %s", rel)
}

func (c *Client) openFile(ctx context.Context, uri, rel string) (io.ReadCloser, error) {
	f, err := c.workspaceFiles(uri)
	if err != nil {
		return nil, err
	}
	if f != nil {
		return f.open(ctx, rel)
	}
	proxy, local, err := c.proxied(uri)
	if err != nil {
		return nil, err
	}
	if local != "" {
		return os.Open(filepath.Join(local, filepath.FromSlash(rel)))
	}
	return c.open(ctx, c.artifactURL(path.Join(proxy, rel)))
}
