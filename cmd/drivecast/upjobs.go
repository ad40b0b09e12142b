package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/local"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

// startCluster runs the cluster training-cluster in this process: none to one
// nodes.
func (l *loop) startCluster(ctx context.Context, start func(string, func(context.Context) error)) error {
	l.folder = &jobFolder{a: l.app, dir: l.o.dir, tracking: l.tracking}
	if err := l.folder.open(ctx); err != nil {
		return err
	}
	cfg, err := l.folder.cluster(ctx, job.DefaultCluster)
	if err != nil {
		return err
	}
	cfg.Runs, cfg.Tracking, cfg.Logger = newJobRuns(l.server), l.tracking, l.logger
	cfg.Env = append(cfg.Env, l.jobEnv...)
	cfg.Idle = 20 * time.Second
	cluster, err := local.NewCluster(cfg)
	if err != nil {
		return err
	}
	start("compute cluster "+job.DefaultCluster, func(ctx context.Context) error {
		defer l.folder.close()
		return cluster.Run(ctx)
	})
	return nil
}

// iterations are the two runs of the main job.
var iterations = []string{"logistic regression", "random forest"}

// runJobs queues both runs and waits for their end.
func (l *loop) runJobs(ctx context.Context) error {
	file, err := l.writeJob()
	if err != nil {
		return err
	}
	var names []string
	for i := range iterations {
		r, warnings, err := local.Create(ctx, local.CreateOptions{
			Store: l.folder.store, WorkDir: l.folder.workDir(), File: file, Set: l.overrides(i + 1), Now: l.now(),
			Runner: func(string) error { return nil }, // ours is starting
		})
		local.PrintWarnings(l.stderr, file, warnings)
		if err != nil {
			return errs.Wrap(err, "queue the job")
		}
		names = append(names, r.Name)
	}
	for i, name := range names {
		if err := l.await(ctx, name, fmt.Sprintf("job %d of %d, %s", i+1, len(names), iterations[i])); err != nil {
			return err
		}
	}
	return nil
}

// await shows a job's progress until it has ended well.
func (l *loop) await(ctx context.Context, name, title string) error {
	begin := l.now()
	bar := l.bars.Start(title, "s", 0)
	for {
		r, err := l.folder.store.Get(ctx, name)
		if err != nil {
			return err
		}
		if jobEnded(r) {
			bar.Set(0, 0)
			bar.Done()
			l.result.Jobs = append(l.result.Jobs, jobResult{Name: r.Name, State: string(r.State), RunID: r.RunID})
			if r.State != job.Completed {
				return errs.New(errs.Invalid, "%s %s: %s", title, r.State, l.lastWords(r))
			}
			return nil
		}
		bar.Set(int64(l.now().Sub(begin).Seconds()), 0)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollEvery):
		}
	}
}

// lastWords is what a failed job said: its last line that is ours, or why the
// cluster ended it.
func (l *loop) lastWords(r job.Record) string {
	path := local.LogPath(l.folder.workDir(), r.Name, 0)
	said := r.Detail
	f, err := os.Open(path)
	if err == nil {
		defer f.Close()
		for s := bufio.NewScanner(f); s.Scan(); {
			if line, ok := strings.CutPrefix(s.Text(), "drivecast: "); ok {
				said = line
			}
		}
	}
	return said + "; its log is " + path
}

// candidate is a version that may become champion.
type candidate struct {
	client.Version
	auc   float64
	split string
}

// championRule is said wherever a champion is chosen.
const championRule = "highest roc_auc on the same held-out rows; of equals the present champion, then the older version"

// choose gives the alias champion to the best version that was judged on the
// rows on which this run's models were judged.
func (l *loop) choose(ctx context.Context) error {
	versions, err := l.server.Versions(ctx, l.o.name)
	if err != nil {
		return err
	}
	m, err := l.server.GetModel(ctx, l.o.name)
	if err != nil {
		return err
	}
	addAliases(versions, m)
	split, current := "", ""
	for _, v := range versions {
		for _, j := range l.result.Jobs {
			if j.RunID == v.RunID {
				split = tagOf(v, tagSplit)
			}
		}
		for _, alias := range v.Aliases {
			if alias == "champion" {
				current = v.Version
			}
		}
	}
	best := bestOf(versions, split, current)
	if best == nil {
		return errs.New(errs.State, "no version of %s was judged on held-out rows: its job must log roc_auc with --test-size above 0", l.o.name)
	}
	if best.Version.Version != current {
		if err := l.server.SetAlias(ctx, l.o.name, "champion", best.Version.Version); err != nil {
			return err
		}
	}
	l.result.Champion, l.result.Rule = best.Version.Version, championRule
	for i := len(versions) - 1; i >= 0; i-- {
		l.result.addVersion(versions[i], l.result.Champion)
	}
	l.warnBlocked(versions)
	l.bars.Line("champion: version %s of %s (%s)", l.result.Champion, l.o.name, championRule)
	return nil
}

// bestOf returns the champion among the versions of one split, or nil.
func bestOf(versions []client.Version, split, current string) *candidate {
	var best *candidate
	for i := len(versions) - 1; i >= 0; i-- { // oldest first
		c := candidate{Version: versions[i], split: tagOf(versions[i], tagSplit)}
		auc, err := strconv.ParseFloat(tagOf(versions[i], tagMetric+"roc_auc"), 64)
		if c.auc = auc; err != nil || c.split != split {
			continue
		}
		if best == nil || c.auc > best.auc || c.auc == best.auc && c.Version.Version == current {
			best = &c
		}
	}
	return best
}
