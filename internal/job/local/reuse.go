package local

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// stepKey identifies what a step computes: its command, code, variables, outputs
// and the content of its inputs. It is "" for a step that cannot be identified.
func stepKey(j *job.Job) (string, error) {
	if j.Command == nil || j.Command.Code != "" && !strings.HasPrefix(j.Command.Code, snapshotScheme) {
		return "", nil
	}
	inputs := map[string]string{}
	for name, in := range j.Inputs {
		switch {
		case in.Path == "" || job.IsRemote(in.Path):
			inputs[name] = in.Type + ":" + in.Path + in.Value
		default:
			sum, err := hashTree(in.Path)
			if err != nil {
				return "", errs.Wrap(err, "input %s", name)
			}
			inputs[name] = in.Type + ":" + sum
		}
	}
	text, err := json.Marshal([]any{j.Command, j.Parallel, j.Outputs, inputs})
	if err != nil {
		return "", errs.Wrap(err, "write down the step")
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// hashTree is the SHA-256 of the names and contents of a file or folder.
func hashTree(path string) (string, error) {
	h := sha256.New()
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(path, p)
		if err != nil {
			return err
		}
		info, err := os.Stat(p)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		f, err := os.Open(p)
		if err != nil {
			return err
		}
		defer f.Close()
		inner := sha256.New()
		if _, err := io.Copy(inner, f); err != nil {
			return err
		}
		fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(rel), inner.Sum(nil)) // a hash takes every byte
		return nil
	})
	return hex.EncodeToString(h.Sum(nil)), errs.Wrap(err, "read %s", path)
}

type remembered struct {
	Job string `json:"job"`
}

func remember(ctx context.Context, c job.Catalog, key, name string, now time.Time) error {
	text, err := json.Marshal(remembered{Job: name})
	if err != nil {
		return errs.Wrap(err, "remember a step")
	}
	return c.Put(ctx, job.Asset{Kind: job.KindStep, Name: key, Spec: text, Created: now.UTC().Truncate(time.Millisecond)})
}

// reusable is the completed job whose outputs a step with this key would give
// again, or "".
func (c *conductor) reusable(ctx context.Context, key string) string {
	a, err := c.c.cfg.Catalog.Asset(ctx, job.KindStep, key, "")
	var m remembered
	if err != nil || json.Unmarshal(a.Spec, &m) != nil {
		return ""
	}
	r, err := c.c.cfg.Store.Get(ctx, m.Job)
	if err != nil || r.State != job.Completed {
		return ""
	}
	if _, err := os.Stat(JobDir(c.c.cfg.WorkDir, m.Job)); err != nil {
		return "" // its folder was cleared away
	}
	return m.Job
}

// reuse records a step as completed with the outputs of another job.
func (c *conductor) reuse(ctx context.Context, step string, j *job.Job, from string, notes []byte) error {
	now := c.c.cfg.Now().UTC().Truncate(time.Millisecond)
	child := *j
	child.Name = c.childName(step)
	spec, err := json.Marshal(&child)
	if err != nil {
		return errs.Wrap(err, "write down the step")
	}
	_, err = c.c.cfg.Store.Add(ctx, job.Record{
		Name: child.Name, Parent: c.rec.Name, Kind: j.Kind, Cluster: c.rec.Cluster, Nodes: j.NodeCount(), Display: j.DisplayName,
		Experiment: c.rec.Experiment, Spec: spec, State: job.Completed, Outcome: job.Completed, Detail: "reused from " + from,
		Notes: notes, Created: now, Started: now, Ended: now,
	})
	if errs.Is(err, errs.Exists) {
		return nil
	}
	return err
}
