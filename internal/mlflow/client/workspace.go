package client

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// runFiles are the files of a run of an Azure ML workspace, below prefix. The
// workspace's run history hands out a signed address for each of them.
type runFiles struct {
	c      *Client
	base   string // of the run's artifacts in the run history
	write  string // where the artifact service signs addresses to write to files that are there already
	prefix string
}

const workspaceProvider = "/providers/Microsoft.MachineLearningServices/workspaces/"

// workspaceFiles finds the run that an artifact URI of a workspace names,
// azureml://HOST/mlflow/v2.0/subscriptions/…/workspaces/W/experiments/E/runs/R/artifacts/PATH;
// it is nil for other URIs. The host that is asked is always that of the
// tracking URI, so that the token goes nowhere else.
func (c *Client) workspaceFiles(uri string) (*runFiles, error) {
	if !strings.HasPrefix(uri, "azureml://") {
		return nil, nil
	}
	host, workspace, ok := c.workspace()
	u, err := url.Parse(uri)
	if err != nil || !ok {
		return nil, errs.New(errs.Unsupported, "artifacts at %q are in an Azure ML workspace; name it with --tracking-uri azureml://…", uri)
	}
	_, rest, found := strings.Cut(u.Path, workspaceProvider)
	parts := strings.Split(rest, "/")
	if !found || len(parts) < 6 || parts[1] != "experiments" || parts[3] != "runs" || parts[5] != "artifacts" || parts[4] == "" {
		return nil, errs.New(errs.Unsupported, "artifacts at %q are not those of a run", uri)
	}
	history := host + "/history/v1.0" + workspace + "/experiments/" + url.PathEscape(parts[2]) + "/runs/" + url.PathEscape(parts[4]) + "/artifacts"
	return &runFiles{
		c: c, base: history, prefix: strings.Trim(strings.Join(parts[6:], "/"), "/"),
		write: host + "/artifact/v2.0" + workspace + "/artifacts/ExperimentRun/" + url.PathEscape("dcid."+parts[4]) + "/write",
	}, nil
}

// workspace splits the address of a workspace's MLflow server into the host and the
// workspace's own path; ok is false for other servers.
func (c *Client) workspace() (host, path string, ok bool) {
	host, rest, ok := strings.Cut(c.base, "/mlflow/v")
	_, path, slash := strings.Cut(rest, "/")
	return host, "/" + path, ok && slash && strings.Contains(c.base, workspaceProvider)
}

// signed is an address that needs no login.
type signed struct {
	Address string `json:"contentUri"`
}

// ask sends one request with the login and decodes the answer.
func (f *runFiles) ask(ctx context.Context, method, target string, in, out any) error {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return err
		}
	}
	resp, err := f.c.retry(ctx, func() (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(string(body)))
		if err != nil {
			return nil, err
		}
		if in != nil {
			req.Header.Set("Content-Type", "application/json")
		}
		return f.c.do(req)
	})
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return unreached(err)
	}
	if resp.StatusCode != http.StatusOK {
		return serverError(resp.StatusCode, text)
	}
	return errs.Wrap(json.Unmarshal(text, out), "decode the answer of %s", target)
}

// upload sends a file: the run history makes an empty artifact and signs an
// address for its content. A file that the run has is written anew.
func (f *runFiles) upload(ctx context.Context, rel, file string) error {
	name := path.Join(f.prefix, rel)
	var made struct {
		Signed map[string]signed `json:"artifactContentInformation"`
		Errors map[string]struct {
			Error struct{ Code, Message string } `json:"error"`
		} `json:"errors"`
	}
	in := map[string]any{"paths": []any{map[string]string{"path": name}}}
	err := f.ask(ctx, http.MethodPost, f.base+"/batch/metadata", in, &made)
	if err != nil {
		return err
	}
	to := made.Signed[name]
	if refused, ok := made.Errors[name]; ok || to.Address == "" {
		if err := f.ask(ctx, http.MethodGet, f.write+"?"+url.Values{"path": {name}}.Encode(), nil, &to); err != nil || to.Address == "" {
			return errs.New(errs.State, "the workspace takes no file %s: %s %s", name, refused.Error.Code, refused.Error.Message)
		}
	}
	return f.c.putBlob(ctx, to.Address, file)
}

// names lists the files below the prefix, relative to it and sorted.
func (f *runFiles) names(ctx context.Context) ([]string, error) {
	out, token := []string{}, ""
	for {
		target := f.base
		if token != "" {
			target += "?" + url.Values{"continuationToken": {token}}.Encode()
		}
		var page struct {
			Value []struct {
				Path string `json:"path"`
			} `json:"value"`
			Token string `json:"continuationToken"`
			Next  string `json:"nextLink"`
		}
		if err := f.ask(ctx, http.MethodGet, target, nil, &page); err != nil {
			return nil, err
		}
		for _, v := range page.Value {
			rel, ok := v.Path, true
			if f.prefix != "" {
				rel, ok = strings.CutPrefix(v.Path, f.prefix+"/")
			}
			if ok && !filepath.IsLocal(filepath.FromSlash(rel)) {
				return nil, errs.New(errs.Invalid, "the workspace listed a file by the unsafe name %q", v.Path)
			}
			if ok {
				out = append(out, rel)
			}
		}
		next := page.Token
		if u, err := url.Parse(page.Next); next == "" && err == nil {
			next = u.Query().Get("continuationToken")
		}
		if next == "" || next == token {
			slices.Sort(out)
			return out, nil
		}
		token = next
	}
}

// open reads the file rel.
func (f *runFiles) open(ctx context.Context, rel string) (io.ReadCloser, error) {
	var at signed
	query := url.Values{"path": {path.Join(f.prefix, rel)}}
	if err := f.ask(ctx, http.MethodGet, f.base+"/contentinfo?"+query.Encode(), nil, &at); err != nil {
		return nil, err
	}
	return f.c.getBlob(ctx, at.Address)
}

func (f *runFiles) download(ctx context.Context, rel, target string) error {
	body, err := f.open(ctx, rel)
	if err != nil {
		return errs.Wrap(err, "download %s", rel)
	}
	defer body.Close()
	return errs.Wrap(writeFile(target, body), "download %s", rel)
}

// downloadAll copies every file below the prefix; with no file there, the prefix
// may be the name of one.
func (f *runFiles) downloadAll(ctx context.Context, dir string) error {
	names, err := f.names(ctx)
	if err != nil {
		return errs.Wrap(err, "list artifacts of %s", f.prefix)
	}
	for _, name := range names {
		if err := f.download(ctx, name, filepath.Join(dir, filepath.FromSlash(name))); err != nil {
			return err
		}
	}
	if len(names) == 0 {
		return errs.New(errs.NotFound, "the run has no files at %q", f.prefix)
	}
	return nil
}

// size is how long a file is.
func size(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
