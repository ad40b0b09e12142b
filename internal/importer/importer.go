// Package importer takes over what an MLflow server recorded: from the SQLite
// file of its database, from the folder mlruns of its file store, or from the
// server itself while it runs; and writes such a file or folder back. Ids, times
// and numbers stay as they were. An import that was broken off can be run again:
// what arrived already is left alone.
//
// Files of runs stay where they are unless they are copied; see Options.
package importer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Target is where records go; *sqlstore.Import is one.
type Target interface {
	Experiment(ctx context.Context, e tracking.Experiment) (id string, fresh bool, err error)
	Run(ctx context.Context, r sqlstore.ImportedRun) (points int, err error)
	Model(ctx context.Context, m tracking.LoggedModel, stage string, links []sqlstore.ModelLink) (fresh bool, err error)
	// HasRun reports whether a run is there.
	HasRun(ctx context.Context, id string) (bool, error)
	Registered(ctx context.Context, m registry.Model, versions []registry.Version, last int64) (fresh bool, err error)
}

// Rewrite replaces the beginning of artifact URIs.
type Rewrite struct{ From, To string }

// ParseRewrite reads from=to.
func ParseRewrite(text string) (Rewrite, error) {
	from, to, ok := strings.Cut(text, "=")
	if !ok || from == "" {
		return Rewrite{}, errs.New(errs.Usage, "rewrite %q is not of the form from=to", text)
	}
	return Rewrite{from, to}, nil
}

// Options changes how records are taken over.
type Options struct {
	Rewrites []Rewrite    // the first whose From begins a URI applies
	Logger   *slog.Logger // hears of what was left out and why; nil is silence

	// Files copies the files behind an artifact URI of a server, before the record
	// of their run or logged model is written; nil leaves them where they are.
	Files func(ctx context.Context, uri string) error
}

// Report counts what was taken over, and what was there already.
type Report struct {
	Experiments      int `json:"experiments"`
	Runs             int `json:"runs"`
	Points           int `json:"points"`
	LoggedModels     int `json:"logged_models"`
	RegisteredModels int `json:"registered_models"`
	Versions         int `json:"versions"`
	Known            int `json:"known"`   // records that were there already
	Skipped          int `json:"skipped"` // records that could not be read; each was logged
}

// localPath turns the address of a source into its path.
func localPath(source string) string {
	return strings.TrimPrefix(strings.TrimPrefix(source, "file://"), "sqlite:///")
}

// Look reports what stands against importing from a file or folder before there is
// anything to import into: of kind NotFound when it is not there, of kind Invalid when
// it is a file and no SQLite database.
func Look(source string) error {
	path := localPath(source)
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return errs.New(errs.NotFound, "import %s: there is no such file or folder; check the path", path)
	}
	if err != nil || info.IsDir() {
		return errs.Wrap(err, "import")
	}
	f, err := os.Open(path)
	if err != nil {
		return errs.Wrap(err, "import")
	}
	defer f.Close()
	head := make([]byte, 16)
	if n, err := io.ReadFull(f, head); n > 0 && string(head) != "SQLite format 3\x00" || n == 0 && err == io.EOF {
		return errs.New(errs.Invalid, "import %s: this is no SQLite database; name the database file of an MLflow server, a folder mlruns, or the server's address", path)
	}
	return nil
}

// Import reads the source at path: a SQLite file or a folder mlruns.
func Import(ctx context.Context, path string, into Target, o Options) (Report, error) {
	if err := Look(path); err != nil {
		return Report{}, err
	}
	path = localPath(path)
	info, err := os.Stat(path)
	if err != nil {
		return Report{}, errs.Wrap(err, "import")
	}
	w := newWork(into, o)
	if info.IsDir() {
		err = w.files(ctx, path)
	} else {
		err = w.sqlite(ctx, path)
	}
	return w.report, errs.Wrap(err, "import %s", path)
}

// work is one import under way.
type work struct {
	into        Target
	o           Options
	report      Report
	experiments map[string]string // id there: id here
}

func newWork(into Target, o Options) *work {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &work{into: into, o: o, experiments: map[string]string{}}
}

// Rewriter returns what replaces the beginnings of URIs; the first whose From
// begins a URI applies.
func Rewriter(list []Rewrite) func(string) string {
	return func(s string) string {
		for _, r := range list {
			if rest, ok := strings.CutPrefix(s, r.From); ok {
				return r.To + rest
			}
		}
		return s
	}
}

func (w *work) uri(s string) string { return Rewriter(w.o.Rewrites)(s) }

func (w *work) experiment(ctx context.Context, e tracking.Experiment) error {
	e.ArtifactLocation = w.uri(e.ArtifactLocation)
	id, fresh, err := w.into.Experiment(ctx, e)
	if err != nil {
		return errs.Wrap(err, "experiment %q", e.Name)
	}
	if w.experiments[e.ID] = id; id != e.ID {
		w.o.Logger.Warn("experiment has another id here", "name", e.Name, "was", e.ID, "is", id)
	}
	count(&w.report.Experiments, &w.report.Known, fresh)
	return nil
}

func (w *work) run(ctx context.Context, r sqlstore.ImportedRun) error {
	id, ok := w.experiments[r.ExperimentID]
	if !ok {
		return w.skip("run", r.ID, "its experiment "+r.ExperimentID+" is not there")
	}
	r.ExperimentID, r.ArtifactURI = id, w.uri(r.ArtifactURI)
	points, err := w.into.Run(ctx, r)
	if err != nil {
		return errs.Wrap(err, "run %s", r.ID)
	}
	count(&w.report.Runs, &w.report.Known, points >= 0)
	w.report.Points += max(points, 0)
	return nil
}

func (w *work) model(ctx context.Context, m tracking.LoggedModel, stage string, links []sqlstore.ModelLink) error {
	id, ok := w.experiments[m.ExperimentID]
	if !ok {
		return w.skip("logged model", m.ID, "its experiment "+m.ExperimentID+" is not there")
	}
	m.ExperimentID, m.ArtifactURI = id, w.uri(m.ArtifactURI)
	fresh, err := w.into.Model(ctx, m, stage, links)
	if err != nil {
		return errs.Wrap(err, "logged model %s", m.ID)
	}
	count(&w.report.LoggedModels, &w.report.Known, fresh)
	return nil
}

func (w *work) registered(ctx context.Context, m registry.Model, versions []registry.Version, last int64) error {
	for i := range versions {
		v := &versions[i]
		v.Source, v.Storage = w.uri(v.Source), w.uri(v.Storage)
		if v.Storage == "" {
			v.Storage = v.Source
		}
		last = max(last, v.Number)
	}
	fresh, err := w.into.Registered(ctx, m, versions, last)
	if err != nil {
		return errs.Wrap(err, "registered model %q", m.Name)
	}
	if count(&w.report.RegisteredModels, &w.report.Known, fresh); fresh {
		w.report.Versions += len(versions)
	}
	return nil
}

func (w *work) skip(what, name, why string) error {
	w.report.Skipped++
	w.o.Logger.Warn("left out", "what", what, "name", name, "why", why)
	return nil
}

func count(fresh, known *int, isFresh bool) {
	if isFresh {
		*fresh++
	} else {
		*known++
	}
}
