package pod

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

const maxSpec = 16 << 20 // bytes of a spec

// Node does the work of one pod.
type Node struct {
	Root     string  // folder of the volume that the containers share
	Objects  Objects // where code and data are
	SpecHash string
	Client   *client.Client
	Environ  []string  // environment of the command, KEY=value
	Stdout   io.Writer // of the command and of the node: the container's log
	Now      func() time.Time
	Grace    time.Duration // from the polite signal to the kill; 0 is 5 s
	Poll     time.Duration // between looks at other trials of a sweep; 0 is 5 s
}

// FromEnvironment makes the node that a container's environment describes.
func FromEnvironment(environ []string, stdout io.Writer, now func() time.Time) (*Node, error) {
	vars := map[string]string{}
	for _, kv := range environ {
		k, v, _ := strings.Cut(kv, "=")
		vars[k] = v
	}
	for _, k := range []string{EnvObjects, EnvSpec, EnvRoot, "MLFLOW_TRACKING_URI"} {
		if vars[k] == "" {
			return nil, errs.New(errs.Usage, "$%s is not set: this command is for pods, which `drivecast job create --target kube` makes", k)
		}
	}
	c, err := client.New(vars["MLFLOW_TRACKING_URI"], func(k string) string { return vars[k] })
	if err != nil {
		return nil, err
	}
	return &Node{Root: vars[EnvRoot], Objects: Objects{Client: c, URI: vars[EnvObjects]}, SpecHash: vars[EnvSpec], Client: c,
		Environ: environ, Stdout: stdout, Now: now}, nil
}

func (n *Node) path(parts ...string) string {
	return filepath.Join(append([]string{n.Root}, parts...)...)
}

func (n *Node) getenv(key string) string {
	for _, kv := range n.Environ {
		if k, v, _ := strings.Cut(kv, "="); k == key {
			return v
		}
	}
	return ""
}

func (n *Node) number(key string) int {
	i, err := strconv.Atoi(n.getenv(key))
	if err != nil {
		return 0 // a job of one index has none, a first attempt no failures
	}
	return i
}

// Fetch brings the job's code and data, and this program, into the volume.
func (n *Node) Fetch(ctx context.Context) error {
	text, err := n.Objects.Bytes(ctx, n.SpecHash, maxSpec)
	if err != nil {
		return errs.Wrap(err, "fetch the job's spec")
	}
	s, err := decodeSpec(text)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.path("code"), 0o755); err != nil {
		return errs.Wrap(err, "make the working directory")
	}
	if s.Code != "" {
		if _, err := n.Objects.Fetch(ctx, s.Code, n.path("code"), false); err != nil {
			return errs.Wrap(err, "fetch the code")
		}
	}
	for name, in := range s.Task.Inputs {
		if err := n.fetchInput(ctx, name, in, s.Data[name]); err != nil {
			return errs.Wrap(err, "input %s", name)
		}
	}
	if err := n.install(); err != nil {
		return err
	}
	return errs.Wrap(os.WriteFile(n.path("spec.json"), text, 0o644), "write the job's spec")
}

func (n *Node) fetchInput(ctx context.Context, name string, in job.Input, hash string) error {
	dir := n.path("inputs", name)
	switch {
	case hash != "":
		_, err := n.Objects.Fetch(ctx, hash, dir, true)
		return err
	case strings.HasPrefix(in.Path, FromPrefix):
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return errs.Wrap(err, "make %s", dir)
		}
		err := n.Client.DownloadDir(ctx, strings.TrimPrefix(in.Path, FromPrefix), dir)
		if errs.Is(err, errs.NotFound) && in.Type != "uri_file" { // the other job wrote no files
			return nil
		}
		return err
	case in.Path != "" && fetched(in):
		return download(ctx, in.Path, dir)
	}
	return nil
}

// fetched reports whether the pod downloads the input by HTTP.
func fetched(in job.Input) bool {
	u, err := url.Parse(in.Path)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && in.Mode != "direct"
}

// download copies what is at an HTTP URL into dir, under the URL's last name.
func download(ctx context.Context, from, dir string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err != nil {
		return errs.New(errs.Invalid, "fetch %s: %w", from, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errs.New(errs.Unavailable, "fetch %s: %w", from, err)
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode >= http.StatusInternalServerError:
		return errs.New(errs.Unavailable, "fetch %s: the server answered %s", from, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return errs.New(errs.NotFound, "fetch %s: the server answered %s", from, resp.Status)
	}
	return writeFrom(filepath.Join(dir, urlName(from)), resp.Body, 0o444)
}

func urlName(from string) string {
	u, err := url.Parse(from)
	if err != nil {
		return "data"
	}
	if name := path.Base(u.Path); name != "." && name != "/" && filepath.IsLocal(name) {
		return name
	}
	return "data"
}

// install puts this program where the main container finds it.
func (n *Node) install() error {
	self, err := os.Executable()
	if err != nil {
		return errs.Wrap(err, "find this program")
	}
	target := n.path("bin", "drivecast")
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return errs.Wrap(err, "install this program")
	}
	if os.Link(self, target) == nil {
		return nil
	}
	in, err := os.Open(self) // on another volume: copied
	if err != nil {
		return errs.Wrap(err, "open this program")
	}
	defer in.Close()
	return writeFrom(target, in, 0o755)
}

func writeFrom(target string, r io.Reader, mode os.FileMode) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return errs.Wrap(err, "write %s", target)
	}
	tmp, err := os.CreateTemp(filepath.Dir(target), ".new-")
	if err != nil {
		return errs.Wrap(err, "write %s", target)
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, r)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), target)
	}
	return errs.Wrap(err, "write %s", target)
}
