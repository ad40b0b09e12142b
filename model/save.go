package model

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/model/native"
	"github.com/drivecast/drivecast/table"
)

// NativeFile is the name of our model file in a model folder.
const NativeFile = "model.drivecast"

// exampleRows is how many rows of an input example are kept.
const exampleRows = 5

// SaveOptions are the parts of a model folder that a Model does not hold.
type SaveOptions struct {
	Created time.Time    // written as utc_time_created; zero: left out
	Example *table.Table // its first five rows become the input example; nil: none
	Extra   map[string][]byte
}

// Save writes m as an MLflow model folder at dir: MLmodel with signature, our
// native file, settings, requirements and input example. Equal models and
// options give equal bytes. The folder appears whole or not at all; a model
// folder of ours that is already there is replaced, anything else that is not an
// empty folder is an error of kind Exists.
func Save(dir string, m *Model, opt SaveOptions) error {
	files, err := folderFiles(m, opt)
	if err != nil {
		return errs.Wrap(err, "save model %s", dir)
	}
	if err := replaceable(dir); err != nil {
		return err
	}
	parent := filepath.Dir(filepath.Clean(dir))
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return errs.Wrap(err, "save model")
	}
	tmp, err := os.MkdirTemp(parent, ".model-*")
	if err != nil {
		return errs.Wrap(err, "save model")
	}
	defer os.RemoveAll(tmp)
	if err := writeAll(tmp, files); err != nil {
		return errs.Wrap(err, "save model %s", dir)
	}
	return errs.Wrap(swap(tmp, dir), "save model %s", dir)
}

// Files returns the files of the folder that Save would write, by name.
func Files(m *Model, opt SaveOptions) (map[string][]byte, error) { return folderFiles(m, opt) }

func folderFiles(m *Model, opt SaveOptions) (map[string][]byte, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	data, err := native.Encode(m.Estimator)
	if err != nil {
		return nil, err
	}
	set, err := m.settings()
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{NativeFile: data, SettingsFile: set}
	for name, content := range opt.Extra {
		if !filepath.IsLocal(name) {
			return nil, errs.New(errs.Invalid, "%q is not a name of a file in a model folder", name)
		}
		files[name] = content
	}
	meta := mlfolder.MLmodel{Flavors: map[string]mlfolder.Flavor{}}
	if m.Meta != nil {
		meta = *m.Meta
		meta.Flavors = map[string]mlfolder.Flavor{}
	}
	meta.Signature = m.Signature
	meta.Flavors["drivecast"] = mlfolder.Flavor{"data": NativeFile, "settings": SettingsFile, "format_version": native.Version}
	addONNX(&meta, files, m)
	if !opt.Created.IsZero() {
		meta.Created = opt.Created.UTC().Format("2006-01-02 15:04:05.000000")
	}
	if err := addExample(&meta, files, m, opt.Example); err != nil {
		return nil, err
	}
	meta.SizeBytes = 0
	for _, content := range files {
		meta.SizeBytes += int64(len(content))
	}
	files[mlfolder.FileName], err = meta.Marshal()
	return files, err
}

// addExample adds input_example.json and serving_input_example.json.
func addExample(meta *mlfolder.MLmodel, files map[string][]byte, m *Model, t *table.Table) error {
	meta.Example = nil
	if t == nil || t.Rows() == 0 {
		return nil
	}
	names := m.Columns()
	if names == nil {
		names = t.Names()
	}
	rows := make([][]any, min(t.Rows(), exampleRows))
	for r := range rows {
		for _, name := range names {
			c := t.Column(name)
			switch {
			case c == nil:
				return &errs.Input{Column: name, Problem: "the input example lacks this column"}
			case c.Kind == table.Text && c.Texts[r] != "":
				rows[r] = append(rows[r], c.Texts[r])
			case c.Kind == table.Number && !table.Missing(c.Floats[r]):
				rows[r] = append(rows[r], c.Floats[r])
			default:
				rows[r] = append(rows[r], nil)
			}
		}
	}
	split := map[string]any{"columns": names, "data": rows}
	for name, v := range map[string]any{"input_example.json": split, "serving_input_example.json": map[string]any{"dataframe_split": split}} {
		text, err := json.Marshal(v)
		if err != nil {
			return errs.New(errs.Invalid, "input example: %w", err)
		}
		files[name] = mlfolder.Spaced(text)
	}
	meta.Example = map[string]any{
		"artifact_path": "input_example.json", "pandas_orient": "split", "type": "dataframe", "serving_input_path": "serving_input_example.json",
	}
	return nil
}

// replaceable refuses a path that holds anything but a model folder of ours.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if os.IsNotExist(err) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return errs.Wrap(err, "save model")
	}
	if meta, err := mlfolder.Read(dir); err == nil && meta.Flavors["drivecast"] != nil {
		return nil
	}
	return errs.New(errs.Exists, "%s exists and is not a model folder of drivecast: name another folder", dir)
}

func writeAll(dir string, files map[string][]byte) error {
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		if err := writeSynced(path, files[name]); err != nil {
			return err
		}
	}
	return os.Chmod(dir, 0o755)
}

func writeSynced(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}

// swap moves the finished folder tmp to dir, putting aside what was there.
func swap(tmp, dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return os.Rename(tmp, dir)
	}
	old := tmp + ".old"
	if err := os.Rename(dir, old); err != nil {
		return err
	}
	if err := os.Rename(tmp, dir); err != nil {
		return errors.Join(err, os.Rename(old, dir))
	}
	return os.RemoveAll(old)
}
