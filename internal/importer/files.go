package importer

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

// folder is an mlruns folder. Nothing outside it is read, whatever its links and
// names say.
type folder struct{ fs.FS }

const (
	maxMeta = 32 << 20 // bytes of one meta.yaml: profiles of datasets are long
	trash   = ".trash"
)

var (
	experimentID = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9]{1,19}$`) })
	runID        = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9][\w-]{0,255}$`) })
	modelID      = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^m-[\w-]{1,255}$`) })
)

func (w *work) files(ctx context.Context, dir string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	f := folder{root.FS()}
	live, err := f.folders(".")
	if err != nil {
		return err
	}
	dead, err := f.folders(trash)
	if err != nil {
		return err
	}
	var places []string
	for _, name := range live {
		if experimentID().MatchString(name) {
			places = append(places, name)
		}
	}
	for _, name := range dead {
		if experimentID().MatchString(name) {
			places = append(places, trash+"/"+name)
		}
	}
	if len(places) == 0 && !slices.Contains(live, "models") {
		return errs.New(errs.Invalid, "it holds no experiments; name the folder mlruns itself")
	}
	for _, place := range places {
		if err := w.filesExperiment(ctx, f, place); err != nil {
			return err
		}
	}
	return w.filesRegistry(ctx, f)
}

// folders lists the folders in dir by name; a dir that is not there has none.
func (f folder) folders(dir string) ([]string, error) {
	list, err := fs.ReadDir(f.FS, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var out []string
	for _, e := range list {
		if e.IsDir() {
			out = append(out, e.Name())
		}
	}
	return out, err
}

// meta reads dir/meta.yaml into v, which lists every field that is taken.
func (f folder) meta(dir string, v any) error {
	name := path.Join(dir, "meta.yaml")
	text, err := f.text(name, maxMeta)
	if err != nil {
		return err
	}
	if err := yaml.Unmarshal([]byte(text), v); err != nil {
		return &errs.Input{File: name, Problem: err.Error()}
	}
	return nil
}

func (f folder) text(name string, limit int64) (string, error) {
	info, err := fs.Stat(f.FS, name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return "", &errs.Input{File: name, Problem: "it is not a file of at most 32 MiB"}
	}
	text, err := fs.ReadFile(f.FS, name)
	return string(text), err
}

// pairs reads a folder in which every file is a value; its path is the key.
func (f folder) pairs(dir string) ([]tracking.Tag, error) {
	var out []tracking.Tag
	err := f.walk(dir, func(key, name string) error {
		value, err := f.text(name, maxMeta)
		out = append(out, tracking.Tag{Key: key, Value: value})
		return err
	})
	return out, err
}

// walk calls visit for every file below dir with its path there and in all.
func (f folder) walk(dir string, visit func(key, name string) error) error {
	err := fs.WalkDir(f.FS, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		return visit(strings.TrimPrefix(name, dir+"/"), name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (w *work) filesExperiment(ctx context.Context, f folder, place string) error {
	var meta struct {
		ID       string `yaml:"experiment_id"`
		Name     string `yaml:"name"`
		Location string `yaml:"artifact_location"`
		Stage    string `yaml:"lifecycle_stage"`
		Created  int64  `yaml:"creation_time"`
		Updated  int64  `yaml:"last_update_time"`
	}
	err := f.meta(place, &meta)
	if errors.Is(err, fs.ErrNotExist) || err == nil && (meta.Name == "" || meta.ID != path.Base(place)) {
		return w.skip("experiment", place, "its meta.yaml is missing or of another one")
	}
	if err != nil {
		return err
	}
	tags, err := f.pairs(place + "/tags")
	if err != nil {
		return err
	}
	e := tracking.Experiment{ID: meta.ID, Name: meta.Name, ArtifactLocation: meta.Location, Stage: stage(meta.Stage), Created: meta.Created, Updated: meta.Updated, Tags: tags}
	if err := w.experiment(ctx, e); err != nil {
		return err
	}
	names, err := f.folders(place)
	if err != nil {
		return err
	}
	links := map[string][]link{}
	for _, name := range names {
		if _, err := fs.Stat(f.FS, place+"/"+name+"/meta.yaml"); err != nil || !runID().MatchString(name) {
			continue
		}
		if err := w.filesRun(ctx, f, place, name, links); err != nil {
			return err
		}
	}
	return w.filesModels(ctx, f, place, links)
}

func stage(s string) string {
	if s == tracking.Deleted {
		return tracking.Deleted
	}
	return tracking.Active
}
