package azureml

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

// anonymous is the name that az ml gives environments that a job defines itself.
const anonymous = "CliV2AnonymousEnvironment"

// environment returns the id of a job's environment: its reference, or for one
// that is defined in place or in a file the anonymous name and its version.
func (b *builder) environment(v any) (any, error) {
	env, err := environmentIn(byKey(v), b.dir)
	if o, ok := env.(ordered); ok {
		b.registered = registration(o)
		return text(o.get("name")) + ":" + text(o.get("version")), err
	}
	return reference(env), err
}

// registration are the properties under which an environment is registered.
func registration(o ordered) map[string]any {
	out := map[string]any{"isAnonymous": true}
	pick(out, o.plainMap(), "image", "image", "description", "description", "tags", "tags")
	if conda := o.in("conda_file"); conda != nil {
		out["condaFile"] = dump(conda)
	} else {
		put(out, "condaFile", o.get("conda_file"))
	}
	if build := o.in("build"); build != nil {
		one := map[string]any{}
		pick(one, build.plainMap(), "path", "contextUri", "dockerfile_path", "dockerfilePath")
		out["build"] = one
	}
	routes := o.in("inference_config").plainMap()
	one := map[string]any{}
	pick(one, routes, "liveness_route", "livenessRoute", "readiness_route", "readinessRoute", "scoring_route", "scoringRoute")
	putFull(out, "inferenceConfig", one)
	return out
}

// environmentIn returns a reference as it is written, and an environment that is
// defined in place or in a file as its definition under the anonymous name. Its
// version is a hash, so that another environment is another version. Relative
// paths start from dir.
func environmentIn(v any, dir string) (any, error) {
	if path, ok := strings.CutPrefix(text(v), "file:"); ok {
		d, err := job.Open(under(dir, path))
		if err != nil {
			return nil, errs.Wrap(err, "field environment")
		}
		o, err := orderedFields(d)
		if err != nil {
			return nil, err
		}
		v, dir = o, d.Dir
	}
	m, ok := v.(ordered)
	if !ok {
		return v, nil
	}
	if conda, err := condaIn(m.get("conda_file"), dir); err != nil {
		return nil, err
	} else if conda != nil {
		m = m.with("conda_file", conda)
	}
	version, err := environmentHash(m, dir)
	if err != nil {
		return nil, err
	}
	out := ordered{{"name", anonymous}}
	out.copies(m, "description", "tags")
	out = append(out, pair{"version", version})
	out.copies(m, "image", "conda_file")
	if build := m.in("build"); build != nil {
		one := ordered{}
		if path := text(build.get("path")); path != "" && !job.IsRemote(path) {
			one.add("path", filepath.ToSlash(under(dir, path)))
		} else {
			one.copies(build, "path")
		}
		one.copies(build, "dockerfile_path")
		out.add("build", one)
	}
	routes := ordered{}
	for _, key := range []string{"liveness_route", "scoring_route", "readiness_route"} {
		one := ordered{}
		one.copies(m.in("inference_config").in(key), "port", "path")
		routes.add(key, one)
	}
	out.add("inference_config", routes)
	return out, nil
}

// condaIn reads a conda file; nil when there is none, or it is written in place.
func condaIn(v any, dir string) (any, error) {
	path, ok := v.(string)
	if !ok || path == "" || job.IsRemote(path) {
		return nil, nil
	}
	content, err := os.ReadFile(under(dir, path))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // the linter has said so; a body may be made far from its files
	}
	if err != nil {
		return nil, errs.Wrap(err, "field conda_file")
	}
	o, err := orderedText(content, path)
	return o, errs.Wrap(err, "field conda_file")
}

// environmentHash is the version of an environment. For an image, and for an
// image with a conda file, it is az ml's own, so that both tools share one
// environment. Otherwise it is ours, of the definition and the files that it
// names; those that are not there count by their names alone.
func environmentHash(m ordered, dir string) (string, error) {
	image, build := text(m.get("image")), m.in("build")
	conda, _ := m.get("conda_file").(ordered)
	if image != "" && build == nil && m.get("inference_config") == nil {
		base := digest([]byte(image))
		switch {
		case conda != nil: // the image's hash stands between the characters of the file's
			file := digest([]byte(dump(sorted(conda).(ordered))))
			return digest([]byte(strings.Join(strings.Split(file, ""), base))), nil
		case m.get("conda_file") == nil:
			return digest([]byte(base)), nil
		}
	}
	definition, err := json.Marshal(m.plainMap())
	if err != nil {
		return "", errs.Wrap(err, "write down the environment")
	}
	h := sha256.New()
	h.Write(definition)
	path := text(build.get("path"))
	if path != "" && !job.IsRemote(path) {
		if err := hashTree(h, under(dir, path)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// under makes a path of a file absolute; relative ones start from dir.
func under(dir, path string) string {
	path = filepath.FromSlash(strings.TrimPrefix(path, "file:"))
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// hashTree adds the names and contents of the files at and below root, in the
// order of their names. Version control's own folders do not count.
func hashTree(h hash.Hash, root string) error {
	err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		switch {
		case err != nil && path == root && errors.Is(err, fs.ErrNotExist):
			return nil
		case err != nil:
			return err
		case e.IsDir() && e.Name() == ".git":
			return filepath.SkipDir
		case !e.Type().IsRegular():
			return nil
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		return hashFile(h, filepath.ToSlash(rel), path)
	})
	return errs.Wrap(err, "hash the files of the environment")
}

func hashFile(h hash.Hash, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	fmt.Fprintf(h, "\x00%d %s %d\x00", len(name), name, info.Size())
	_, err = io.Copy(h, f)
	return err
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
