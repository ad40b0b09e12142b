// Package replicate keeps the register of one MLflow server, ours or another, as a
// second one has it: models, versions with their numbers, files, tags, descriptions,
// stages and aliases, and of the runs that made them what is known of them.
//
// It keeps no state of its own. What was done is read from the target each time, so
// that a replication that was broken off at any moment, by the death of either server
// or of the replicator, is taken up where it stopped:
//
//   - Files are compared by SHA-256, and each one that was sent is read back. A version
//     is made when all of its files are there, and is marked as pending until its
//     number is known to be the right one.
//   - A number that has other content at the target is never overwritten. It is
//     reported as a conflict, and so is a number that was deleted there.
//   - A description, a stage and tags that changed at the source are set at the target;
//     what was changed at the target stays until the source changes.
//   - An alias is moved when it is where replication put it last, or was not there. One
//     that was moved at the target stays, and is reported.
//   - Deletions are not followed, but with Options.Prune, and then only those of what
//     replication brought.
//
// One replicator works on a pair of servers at a time.
package replicate

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// Options changes what is replicated.
type Options struct {
	Models      []string     // by name; none means all
	Prune       bool         // follow deletions of what replication brought
	Verify      bool         // read the files of known versions again on both sides, and mend the target's
	TakeAliases bool         // move aliases that were moved at the target, too
	TempDir     string       // where files rest on their way; "" is the system's
	Logger      *slog.Logger // hears of what goes on; nil is silence
}

// Note is something that was left as it is, and why.
type Note struct {
	Model   string `json:"model"`
	Version string `json:"version,omitempty"`
	Alias   string `json:"alias,omitempty"`
	Why     string `json:"why"`
}

// Report counts what one pass did.
type Report struct {
	Models    int    `json:"models"`      // made
	Versions  int    `json:"versions"`    // made
	Known     int    `json:"known"`       // versions that were there already
	Adopted   int    `json:"adopted"`     // versions that were there with the same content, by another hand
	Mended    int    `json:"mended"`      // versions whose files at the target were not what was sent
	Changed   int    `json:"changed"`     // models and versions whose description, stage or tags were set
	Aliases   int    `json:"aliases"`     // moved or made
	Deleted   int    `json:"deleted"`     // models, versions, aliases and tags
	Runs      int    `json:"runs"`        // made
	Files     int    `json:"files"`       // sent
	Bytes     int64  `json:"bytes"`       // of the files that were sent
	FilesHere int    `json:"files_known"` // files of new versions that were there already
	Kept      []Note `json:"kept"`        // aliases that were moved at the target, and stay
	Conflicts []Note `json:"conflicts"`   // versions that are not replicated
}

// Quiet reports whether the pass changed nothing.
func (r *Report) Quiet() bool {
	return r.Models+r.Versions+r.Adopted+r.Mended+r.Changed+r.Aliases+r.Deleted+r.Runs+r.Files == 0
}

// Err is of kind State when some versions could not be replicated.
func (r *Report) Err() error {
	if len(r.Conflicts) == 0 {
		return nil
	}
	n := r.Conflicts[0]
	return errs.New(errs.State, "%d versions were not replicated; the first is version %s of %s: %s", len(r.Conflicts), n.Version, n.Model, n.Why)
}

// Replicator copies from one server to another. It is not safe for concurrent use.
type Replicator struct {
	from, to *client.Client
	o        Options
	judged   map[string]string // why a pair of versions differs, by their identities
	report   *Report           // of the pass under way
}

// New returns a replicator.
func New(from, to *client.Client, o Options) (*Replicator, error) {
	if from.URI() == to.URI() {
		return nil, errs.New(errs.Usage, "%s is both source and target; name two servers", from.URI())
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Replicator{from: from, to: to, o: o, judged: map[string]string{}}, nil
}

// Once makes one pass over all models. What stands against one version is noted in the
// report and leaves the others alone; a server that does not answer ends the pass.
func (r *Replicator) Once(ctx context.Context) (Report, error) {
	report := Report{Kept: []Note{}, Conflicts: []Note{}}
	r.report = &report
	source, err := r.models(ctx, r.from)
	if err != nil {
		return report, errs.Wrap(err, "ask %s", r.from.URI())
	}
	for _, name := range r.o.Models {
		if !slices.ContainsFunc(source, named(name)) && !r.o.Prune {
			return report, errs.New(errs.NotFound, "%s has no model %q", r.from.URI(), name)
		}
	}
	target, err := r.models(ctx, r.to)
	if err != nil {
		return report, errs.Wrap(err, "ask %s", r.to.URI())
	}
	for i := range source {
		var there *client.RegisteredModel
		if j := slices.IndexFunc(target, named(source[i].Name)); j >= 0 {
			there = &target[j]
		}
		if err := r.model(ctx, &source[i], there); err != nil {
			return report, errs.Wrap(err, "model %s", source[i].Name)
		}
	}
	if r.o.Prune {
		err = r.pruneModels(ctx, source, target)
	}
	return report, err
}

func named(name string) func(client.RegisteredModel) bool {
	return func(m client.RegisteredModel) bool { return m.Name == name }
}

// models returns the models of a server that are asked for.
func (r *Replicator) models(ctx context.Context, c *client.Client) ([]client.RegisteredModel, error) {
	all, err := c.Models(ctx)
	if err != nil || len(r.o.Models) == 0 {
		return all, err
	}
	return slices.DeleteFunc(all, func(m client.RegisteredModel) bool { return !slices.Contains(r.o.Models, m.Name) }), nil
}

// Follow makes one pass after another until ctx ends, and hands each report to told. A
// server that does not answer is asked again; one that refuses us ends it.
func (r *Replicator) Follow(ctx context.Context, every time.Duration, told func(Report)) error {
	for {
		report, err := r.Once(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case errs.Is(err, errs.Unauthenticated), errs.Is(err, errs.Denied), errs.Is(err, errs.Usage):
			return err
		case err != nil:
			r.o.Logger.Warn("replication was broken off and goes on later", "err", err)
		}
		told(report)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(every):
		}
	}
}

// conflict notes a version that is not replicated.
func (r *Replicator) conflict(name, version, why string) {
	r.report.Conflicts = append(r.report.Conflicts, Note{Model: name, Version: version, Why: why})
}

func numbered(v string) int {
	n, err := strconv.Atoi(v)
	if err != nil {
		return -1
	}
	return n
}
