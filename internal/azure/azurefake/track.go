package azurefake

import (
	"context"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	arm "github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure/azurefake/history"
)

// newHistory makes the run history, whose files are in the storage.
func (s *Server) newHistory() *history.Service {
	ca, bundle := s.certificates()
	return history.New(history.Options{
		Dir: s.o.Dir, URL: s.o.URL, CA: ca, Bundle: bundle, Key: s.state.Token, Now: time.Now, Log: s.o.Log,
		File:  func(name string) string { return s.blobPath(store, name) },
		Sign:  func(name string) string { return s.blobURL(store + "/" + escaped(name)) },
		Login: func(token string) bool { return same(token, s.state.Token) },
	})
}

// certificates are the files that jobs trust: this server's own certificate, and that
// with this machine's, for programs that take but one file.
func (s *Server) certificates() (ca, bundle string) {
	if s.o.CA == "" {
		return "", ""
	}
	ca, err := filepath.Abs(s.o.CA)
	if err != nil {
		return s.o.CA, s.o.CA
	}
	own, err := os.ReadFile(ca)
	if err != nil {
		s.o.Log.Warn("read the certificate for jobs", "error", err)
		return ca, ca
	}
	for _, file := range []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem"} {
		if system, err := os.ReadFile(file); err == nil {
			own = append(append(system, '\n'), own...)
			break
		}
	}
	bundle = filepath.Join(filepath.Dir(ca), "ca-bundle.pem")
	if err := os.WriteFile(bundle, own, 0o644); err != nil {
		s.o.Log.Warn("write the certificates for jobs", "error", err)
		return ca, ca
	}
	return ca, bundle
}

// Close closes the records of runs; nothing is served after it.
func (s *Server) Close() error { return s.history.Close() }

// escaped writes a path for an address.
func escaped(name string) string {
	parts := strings.Split(name, "/")
	for i, p := range parts {
		parts[i] = url.PathEscape(p)
	}
	return strings.Join(parts, "/")
}

// scope is the ARM id of the workspace of a job.
func (r *record) scope() string {
	var body struct{ ID string }
	if json.Unmarshal(r.Body, &body) == nil {
		if scope, _, ok := strings.Cut(body.ID, "/jobs/"); ok {
			return scope
		}
	}
	return path("local", r.Workspace, "")
}

// begin makes the run of a job, or of a part of it, and returns the environment of
// its process.
func (s *Server) begin(ctx context.Context, r *record, part string, tags map[string]string) ([]string, error) {
	var b arm.JobBase
	if err := json.Unmarshal(r.Body, &b); err != nil {
		return nil, errs.Wrap(err, "read job %s", r.Name)
	}
	p := b.Properties.GetJobBaseProperties()
	run := history.Run{Scope: r.scope(), ID: r.Name, Name: text(p.DisplayName), Experiment: text(p.ExperimentName), Tags: tags}
	if part != "" {
		run.ID, run.Name, run.Parent = r.Name+"_"+part, part, r.Name
	}
	if run.Tags == nil {
		run.Tags = map[string]string{}
	}
	for k, v := range p.Tags {
		run.Tags[k] = text(v)
	}
	return s.history.Begin(ctx, run)
}

// end says how the run of a job, or of a part of it, ended. What cannot be said is
// logged: the job's own state is what counts.
func (s *Server) end(ctx context.Context, r *record, part string, failed error) {
	id, status := r.Name, "FINISHED"
	if part != "" {
		id += "_" + part
	}
	switch {
	case ctx.Err() != nil:
		status = "KILLED"
	case failed != nil:
		status = "FAILED"
	}
	if err := s.history.End(context.WithoutCancel(ctx), r.scope(), id, status); err != nil {
		s.o.Log.Error("end a run", "error", err)
	}
}

// keep makes what a process left artifacts of its run: the folders outputs and logs
// of its working directory, and its named outputs.
func (s *Server) keep(run, work, outputs string) error {
	at := s.blobPath(store, artifacts(run))
	for to, from := range map[string]string{
		"outputs": filepath.Join(work, "outputs"), "logs": filepath.Join(work, "logs"), "named-outputs": outputs,
	} {
		if _, err := os.Stat(from); err != nil {
			continue
		}
		if err := copyTree(filepath.Join(at, to), from); err != nil {
			return err
		}
	}
	return nil
}
