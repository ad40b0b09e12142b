package pod

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"

	"github.com/drivecast/drivecast/errs"
)

// mark is what an index leaves when it is done.
type mark struct {
	Index   int              `json:"index"`
	Pod     string           `json:"pod"`
	Outputs map[string]*Tree `json:"outputs"`
}

func (w *work) artifacts(ctx context.Context) (string, error) {
	r, err := w.Client.GetRun(ctx, w.run)
	if err != nil {
		return "", err
	}
	return r.Info.ArtifactURI, nil
}

// marked reports whether an earlier pod of this index kept all it made.
func (w *work) marked(ctx context.Context) (bool, error) {
	uri, err := w.artifacts(ctx)
	if err != nil {
		return false, err
	}
	text, err := w.Client.ReadFile(ctx, uri, shardMark(w.index), maxTree)
	if errs.Is(err, errs.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var m mark
	return json.Unmarshal(text, &m) == nil && m.Index == w.index, nil // half a mark is none
}

// allMarked reports whether every index is done.
func (w *work) allMarked(ctx context.Context) (bool, error) {
	uri, err := w.artifacts(ctx)
	if err != nil {
		return false, err
	}
	names, err := w.Client.FileNames(ctx, uri, "drivecast-job/shards")
	return len(names) >= w.spec.Layout.Count, err
}

// keepOutputs sends the outputs and, for a job of several indexes, its mark. An
// index that another pod finished in the meantime keeps that pod's outputs.
func (w *work) keepOutputs(ctx context.Context) error {
	several := w.spec.Layout.Several() && w.spec.Task.Sweep == nil
	if several {
		if done, err := w.marked(ctx); err != nil || done {
			return err
		}
	}
	uri, err := w.artifacts(ctx)
	if err != nil {
		return err
	}
	m := mark{Index: w.index, Pod: w.getenv("HOSTNAME"), Outputs: map[string]*Tree{}}
	for name := range w.task.Outputs {
		dir := w.path("outputs", name)
		if m.Outputs[name], err = ReadTree(dir); err != nil {
			return errs.Wrap(err, "output %s", name)
		}
		if err := w.send(ctx, uri, "named-outputs/"+name, dir, m.Outputs[name], several); err != nil {
			return errs.Wrap(err, "output %s", name)
		}
	}
	for _, name := range []string{"outputs", "logs"} { // folders that Azure ML keeps unasked
		dir := w.path("code", name)
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			continue
		}
		t, err := ReadTree(dir)
		if err != nil {
			return err
		}
		if err := w.send(ctx, uri, name, dir, t, several); err != nil {
			return err
		}
	}
	if !several {
		return nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return errs.Wrap(err, "mark index %d", w.index)
	}
	return sendBytes(ctx, w.Client, uri, shardMark(w.index), text)
}

// send copies a tree to the artifacts, below the index when there are several.
func (w *work) send(ctx context.Context, uri, name, dir string, t *Tree, several bool) error {
	if several {
		name += "/" + strconv.Itoa(w.index)
	}
	return each(ctx, t.Files, func(ctx context.Context, f File) error {
		return w.Client.UploadFile(ctx, uri, name+"/"+f.Path, filepath.Join(dir, filepath.FromSlash(f.Path)))
	})
}

func (w *work) keepLogs(ctx context.Context) error {
	uri, err := w.artifacts(ctx)
	if err != nil {
		return err
	}
	return w.Client.UploadDir(ctx, uri+"/user_logs", w.path("user_logs"))
}
