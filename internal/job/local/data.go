package local

import (
	"context"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// inputs brings the data of every input to this machine and returns the text
// that stands for each: the literal, or the path.
func (w *worker) inputs(ctx context.Context) (map[string]string, error) {
	out := map[string]string{}
	for name, in := range w.job.Inputs {
		if in.Empty {
			continue
		}
		if in.Path == "" {
			out[name] = in.Value
			continue
		}
		if in.Mode == "direct" && job.IsRemote(in.Path) {
			out[name] = in.Path
			continue
		}
		path, err := w.locate(ctx, in.Path)
		if err != nil {
			return nil, errs.Wrap(err, "input %s", name)
		}
		if in.Mode == "download" {
			target := filepath.Join(JobDir(w.c.cfg.WorkDir, w.rec.Name), "inputs", name)
			if path, err = download(target, path); err != nil {
				return nil, errs.Wrap(err, "input %s", name)
			}
		}
		out[name] = path
	}
	return out, nil
}

// locate finds the local path of data, by the assets when it is a reference.
func (w *worker) locate(ctx context.Context, path string) (string, error) {
	if isHTTP(path) {
		return fetch(ctx, w.c.cfg.WorkDir, path)
	}
	if job.IsRemote(path) {
		if w.c.cfg.Assets == nil {
			return "", errs.New(errs.NotFound, "%s is not on this machine; give a local path", path)
		}
		at, err := w.c.cfg.Assets.Resolve(ctx, path)
		if err == nil && isHTTP(at) {
			return fetch(ctx, w.c.cfg.WorkDir, at)
		}
		return at, err
	}
	if _, err := os.Stat(path); err != nil {
		return "", errs.Wrap(err, "find the data")
	}
	return path, nil
}

// download copies a file or folder into dir, read-only, and returns where it is.
func download(dir, path string) (string, error) {
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	target := filepath.Join(dir, filepath.Base(path))
	if err := copyTree(target, path, 0o444); err != nil {
		return "", errs.Wrap(err, "download %s", path)
	}
	return target, nil
}

// copyTree copies a file or folder; files get the mode.
func copyTree(dst, src string, mode fs.FileMode) error {
	return filepath.WalkDir(src, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(src, path)
		if err != nil {
			return err
		}
		to := filepath.Join(dst, rel)
		info, err := os.Stat(path)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !info.Mode().IsRegular():
			return nil
		}
		return copyFile(to, path, mode)
	})
}

func copyFile(dst, src string, mode fs.FileMode) error {
	in, err := os.Open(src)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(dst), 0o755); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(filepath.Dir(dst), ".copy-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = io.Copy(tmp, in)
	if err == nil {
		err = tmp.Chmod(mode)
	}
	if closeErr := tmp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), dst)
	}
	return err
}

// outputs makes the place of every output and returns its path.
func (w *worker) outputs() (map[string]string, error) {
	out := map[string]string{}
	for name, o := range w.job.Outputs {
		dir := filepath.Join(OutputDir(w.c.cfg.WorkDir, w.rec.Name), name)
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return nil, errs.Wrap(err, "output %s", name)
		}
		out[name] = dir
		if o.Type == "uri_file" {
			out[name] = filepath.Join(dir, outputFile(name, o))
		}
	}
	return out, nil
}

// outputFile is the name of an output that is one file.
func outputFile(name string, o job.Output) string {
	base := filepath.Base(filepath.FromSlash(strings.TrimRight(o.Path, "/")))
	if o.Path == "" || strings.ContainsAny(base, "${}") {
		return name
	}
	return base
}

// collect copies outputs that name a local path to it. References stay in the
// job's own folder.
func (w *worker) collect() error {
	for name, o := range w.job.Outputs {
		if o.Path == "" || job.IsRemote(o.Path) || strings.Contains(o.Path, "${{") {
			continue
		}
		from := filepath.Join(OutputDir(w.c.cfg.WorkDir, w.rec.Name), name)
		if o.Type == "uri_file" {
			from = onlyFile(from, filepath.Join(from, outputFile(name, o)))
			if _, err := os.Stat(from); os.IsNotExist(err) {
				continue // the job chose not to write it
			}
		}
		if err := copyTree(o.Path, from, 0o644); err != nil {
			return errs.Wrap(err, "collect output %s", name)
		}
	}
	return nil
}

// artifacts lists what is kept with the tracking run: the logs, and the folders
// outputs and logs of the working directory, as Azure ML does.
func (w *worker) artifacts() map[string]string {
	out := map[string]string{}
	dir := JobDir(w.c.cfg.WorkDir, w.rec.Name)
	add := func(name, path string) {
		if info, err := os.Stat(path); err == nil && (!info.IsDir() || !emptyDir(path)) {
			out[name] = path
		}
	}
	logs, err := os.ReadDir(filepath.Join(dir, "user_logs"))
	if err == nil {
		for _, e := range logs {
			add("user_logs/"+e.Name(), filepath.Join(dir, "user_logs", e.Name()))
		}
	}
	add("outputs", filepath.Join(dir, "code", "outputs"))
	add("logs", filepath.Join(dir, "code", "logs"))
	return out
}

func emptyDir(path string) bool {
	entries, err := os.ReadDir(path)
	return err == nil && len(entries) == 0
}
