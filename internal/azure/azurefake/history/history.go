// Package history is the run history of a local Azure ML: for each workspace a
// tracking server with the routes of MLflow that a workspace has and no other,
// the artifacts of runs behind signed addresses, and the tokens of jobs.
package history

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Options of a run history. All are required but Life.
type Options struct {
	Dir    string                   // where the records are kept
	URL    string                   // https://HOST:PORT that clients use
	CA     string                   // PEM file with this server's certificate
	Bundle string                   // PEM file of all that jobs trust
	File   func(name string) string // the file behind a blob of the store of artifacts
	Sign   func(name string) string // its address, for whoever has it
	Key    string                   // that tokens are signed with
	Login  func(token string) bool  // whether a token is that of somebody who logged in
	Now    func() time.Time
	Life   time.Duration // of a job's token; 0 is an hour
	Log    *slog.Logger
}

// Service is the run history of all workspaces. It is safe for concurrent use.
type Service struct {
	o Options

	mu    sync.Mutex
	books map[string]*book
}

// book is the record of one workspace.
type book struct {
	scope string // the workspace's ARM id
	api   *mlflow.Handler
	store tracking.Store
	close func() error
}

// New makes a run history; records of workspaces are opened when they are needed.
func New(o Options) *Service {
	if o.Life <= 0 {
		o.Life = time.Hour
	}
	return &Service{o: o, books: map[string]*book{}}
}

// Close closes what was opened.
func (s *Service) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first error
	for _, b := range s.books {
		if err := b.close(); first == nil {
			first = err
		}
	}
	clear(s.books)
	return first
}

// book opens the record of a workspace, by its ARM id.
func (s *Service) book(ctx context.Context, scope string) (*book, error) {
	_, name, ok := strings.Cut(scope, "/workspaces/")
	if !ok || name == "" || strings.Contains(name, "/") {
		return nil, errs.New(errs.Invalid, "%q names no workspace", scope)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b := s.books[name]; b != nil {
		return b, nil
	}
	b, err := s.open(context.WithoutCancel(ctx), scope, url.PathEscape(name))
	if err != nil {
		return nil, errs.Wrap(err, "open the run history of %s", name)
	}
	s.books[name] = b
	return b, nil
}

// unused is what the experiment 0 is called, which a workspace does not have.
const unused = "drivecast-unused"

func (s *Service) open(ctx context.Context, scope, name string) (*book, error) {
	dir, err := filepath.Abs(filepath.Join(s.o.Dir, "mlflow", name))
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	db, err := sqlstore.Open(ctx, "sqlite:///"+filepath.ToSlash(filepath.Join(dir, "runs.db")), sqlstore.Options{})
	if err != nil {
		return nil, err
	}
	files, err := artifact.OpenFolder(filepath.Join(dir, "unused"))
	if err != nil {
		db.Close()
		return nil, err
	}
	b := &book{scope: scope, store: db.Tracking()}
	b.api, err = mlflow.NewHandler(ctx, mlflow.Config{
		Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files, DefaultArtifactRoot: s.location(scope, unused), Root: files, Logger: s.o.Log, Now: s.o.Now,
	})
	if err == nil {
		err = b.hideDefault(ctx)
	}
	b.close = func() error {
		var first error
		if b.api != nil {
			first = b.api.Close()
		}
		for _, err := range []error{files.Close(), db.Close()} {
			if first == nil {
				first = err
			}
		}
		return first
	}
	if err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

// hideDefault takes away the experiment with id 0, so that a workspace's own
// experiment called Default is one like others.
func (b *book) hideDefault(ctx context.Context) error {
	e, err := b.api.Runs.Experiment(ctx, tracking.DefaultExperimentID)
	if err != nil || e.Name == unused {
		return err
	}
	if err := b.api.Runs.RenameExperiment(ctx, tracking.DefaultExperimentID, unused); err != nil {
		return err
	}
	return b.api.Runs.DeleteExperiment(ctx, tracking.DefaultExperimentID)
}

// location is where the runs of an experiment keep their files.
func (s *Service) location(scope, experiment string) string {
	return strings.Replace(s.o.URL, "https://", "azureml://", 1) + "/mlflow/v2.0" + scope + "/experiments/" + url.PathEscape(experiment) + "/runs"
}

// experiment returns the id of the experiment of that name, made when there is none.
func (s *Service) experiment(ctx context.Context, b *book, name string) (string, error) {
	e, err := b.api.Runs.ExperimentByName(ctx, name)
	if errs.Is(err, errs.NotFound) {
		if _, err = b.api.Runs.CreateExperiment(ctx, name, s.location(b.scope, name), nil); err == nil || errs.Is(err, errs.Exists) {
			e, err = b.api.Runs.ExperimentByName(ctx, name)
		}
	}
	if err != nil {
		return "", errs.Wrap(err, "open experiment %q", name)
	}
	return e.ID, nil
}

// cut splits a path of a request below /subscriptions into the workspace's ARM id
// and what follows it.
func cut(path string) (scope, rest string, ok bool) {
	const before = "/providers/Microsoft.MachineLearningServices/workspaces/"
	head, tail, ok := strings.Cut(path, before)
	name, rest, _ := strings.Cut(tail, "/")
	i := strings.Index(head, "/subscriptions/")
	if !ok || i < 0 || name == "" {
		return "", "", false
	}
	return head[i:] + before + name, rest, true
}

// known lets through who logged in, and jobs.
func (s *Service) known(w http.ResponseWriter, r *http.Request) bool {
	token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	if s.o.Login(token) || s.genuine(token) {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	refuse(w, http.StatusUnauthorized, "UserError", "log in first, or renew the run's token")
	return false
}
