package azurefake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// Run runs queued jobs and the instances of online endpoints until ctx ends; then
// those that run are stopped, and queued again for the next start.
func (s *Server) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() { s.online.Run(ctx) })
	slots := make(chan struct{}, s.o.Slots)
	for {
		r, next := s.next(ctx)
		if r == nil {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case slots <- struct{}{}:
		}
		all.Add(1)
		go func() {
			defer all.Done()
			defer func() { <-slots; s.poke() }()
			s.finish(ctx, r, s.execute(next, r))
		}()
	}
}

// next takes the oldest queued job; it is in Starting then.
func (s *Server) next(ctx context.Context) (*record, context.Context) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.state.Jobs {
		if r.Status == "Queued" {
			own, stop := context.WithCancel(ctx)
			r.Status, s.running[r.Workspace+"/"+r.Name] = "Starting", stop
			return r, own
		}
	}
	return nil, nil
}

// turn moves a job to another state, unless it is being canceled.
func (s *Server) turn(r *record, status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Status == "CancelRequested" && status != "Canceled" {
		return
	}
	r.Status = status
	if err := s.save(); err != nil {
		s.o.Log.Error("keep the state", "error", err)
	}
}

func (s *Server) finish(ctx context.Context, r *record, err error) {
	s.mu.Lock()
	canceled := r.Status == "CancelRequested"
	if stop := s.running[r.Workspace+"/"+r.Name]; stop != nil {
		stop()
		delete(s.running, r.Workspace+"/"+r.Name)
	}
	s.mu.Unlock()
	switch {
	case canceled:
		s.turn(r, "Canceled")
	case ctx.Err() != nil:
		s.turn(r, "Queued")
	case err != nil:
		s.o.Log.Warn("job failed", "job", r.Name, "error", err)
		s.turn(r, "Failed")
	default:
		s.turn(r, "Completed")
	}
}

func (s *Server) pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(s.o.Step):
	}
}

// execute runs a command job, sweep or pipeline, and lets others pass through the states.
func (s *Server) execute(ctx context.Context, r *record) error {
	var b arm.JobBase
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return errs.Wrap(err, "read job %s", r.Name)
	}
	s.pause(ctx)
	s.turn(r, "Running")
	if err := s.history.Clear(r.Name); err != nil {
		return err
	}
	env, err := s.begin(ctx, r, "", nil)
	if err != nil {
		return err
	}
	switch p := b.Properties.(type) {
	case *arm.CommandJob:
		err = s.single(ctx, r, p, env)
	case *arm.SweepJob:
		err = s.sweep(ctx, r, p)
	case *arm.PipelineJob:
		err = s.pipeline(ctx, r, p)
	default:
		s.pause(ctx)
		err = ctx.Err()
	}
	s.end(ctx, r, "", err)
	return err
}

// single runs a command job.
func (s *Server) single(ctx context.Context, r *record, command *arm.CommandJob, env []string) error {
	dir := s.runDir(r.Name)
	if err := os.RemoveAll(dir); err != nil {
		return errs.Wrap(err, "clear %s", dir)
	}
	work := filepath.Join(dir, "work")
	if err := os.MkdirAll(work, 0o755); err != nil {
		return errs.Wrap(err, "make %s", work)
	}
	if command.CodeID != nil {
		if err := s.code(r.Workspace, *command.CodeID, work); err != nil {
			return err
		}
	}
	line, err := s.line(command, dir)
	if err != nil {
		return err
	}
	failed := s.process(ctx, r, command, env, line, work)
	if err := s.keep(r.Name, work, filepath.Join(dir, "outputs")); err != nil {
		return err
	}
	return failed
}

// code copies what was uploaded for a job.
func (s *Server) code(ws, id, work string) error {
	_, rest, ok := strings.Cut(id, "/workspaces/"+ws+"/")
	if !ok {
		rest = id
	}
	var version arm.CodeVersion
	if !s.get(ws+"/"+rest, &version) || version.Properties == nil || version.Properties.CodeURI == nil {
		return errs.New(errs.NotFound, "code %s is not registered", id)
	}
	from, err := s.local(*version.Properties.CodeURI)
	if err != nil {
		return err
	}
	return copyTree(work, from)
}

// local is the folder behind an address of the storage.
func (s *Server) local(address string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", errs.New(errs.Invalid, "%q is no address", address)
	}
	rest, ok := strings.CutPrefix(u.Path, "/blob/")
	if !ok || !s.ours(u) || !filepath.IsLocal(filepath.FromSlash(rest)) {
		return "", errs.New(errs.Unsupported, "%s is not in this server's storage", address)
	}
	return filepath.Join(s.o.Dir, "blobs", filepath.FromSlash(rest)), nil
}

// ours reports whether an address is this server's, now or at another port before.
func (s *Server) ours(u *url.URL) bool {
	ip := net.ParseIP(u.Hostname())
	return strings.HasPrefix(u.String(), s.o.URL+"/") || u.Scheme == "https" && (u.Hostname() == "localhost" || ip != nil && ip.IsLoopback())
}

// line puts values and paths into the command.
func (s *Server) line(c *arm.CommandJob, dir string) (string, error) {
	values := map[string]string{}
	given, err := s.inputTexts(c.Inputs)
	if err != nil {
		return "", err
	}
	for name, v := range given {
		values["inputs."+name] = v
	}
	for name := range c.Outputs {
		path := filepath.Join(dir, "outputs", name)
		if err := os.MkdirAll(path, 0o755); err != nil {
			return "", errs.Wrap(err, "make output %s", name)
		}
		values["outputs."+name] = path
	}
	return job.Expand(text(c.Command), lookup(values))
}

// inputTexts are what stands for each input: the literal, or the path.
func (s *Server) inputTexts(inputs map[string]arm.JobInputClassification) (map[string]string, error) {
	out := map[string]string{}
	for name, in := range inputs {
		var err error
		switch in := in.(type) {
		case *arm.LiteralJobInput:
			out[name] = text(in.Value)
		case *arm.URIFolderJobInput:
			out[name], err = s.local(text(in.URI))
		case *arm.URIFileJobInput:
			out[name], err = s.local(text(in.URI))
		}
		if err != nil {
			return nil, errs.Wrap(err, "input %s", name)
		}
	}
	return out, nil
}

// text is what p points at, "" for nothing.
func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// process runs the command of a job; its log is an artifact of the run.
func (s *Server) process(ctx context.Context, r *record, c *arm.CommandJob, env []string, line, work string) error {
	log, err := s.openLog(r.Name)
	if err != nil {
		return err
	}
	defer log.Close()
	for name, v := range c.EnvironmentVariables {
		if v != nil {
			env = append(env, name+"="+*v)
		}
	}
	if err := s.command(ctx, line, work, env, log); err != nil {
		return err
	}
	return errs.Wrap(log.Sync(), "keep the log")
}

// openLog begins the log of a job.
func (s *Server) openLog(name string) (*os.File, error) {
	path := s.blobPath(store, artifacts(name)+"/user_logs/std_log.txt")
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, errs.Wrap(err, "make the log")
	}
	log, err := os.Create(path)
	return log, errs.Wrap(err, "make the log")
}

// command runs a command line with variables beside the server's own.
func (s *Server) command(ctx context.Context, line, work string, env []string, log io.Writer) error {
	shell := []string{"/bin/sh", "-c"}
	if runtime.GOOS == "windows" {
		shell = []string{"cmd", "/C"}
	}
	p := exec.CommandContext(ctx, shell[0], shell[1], line)
	p.Dir, p.Stdout, p.Stderr = work, log, log
	p.Env = append(append([]string{}, s.o.Environ...), env...)
	p.WaitDelay = 5 * time.Second
	inGroup(p)
	if err := p.Run(); err != nil {
		fmt.Fprintf(log, "\nthe command failed: %v\n", err)
		return errs.Wrap(err, "run the command")
	}
	return nil
}

// copyTree copies the files below from, if there are any.
func copyTree(to, from string) error {
	err := filepath.WalkDir(from, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			if path == from && errors.Is(err, fs.ErrNotExist) {
				return filepath.SkipAll
			}
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil || e.IsDir() || !e.Type().IsRegular() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, content, 0o755)
	})
	return errs.Wrap(err, "copy %s", from)
}
