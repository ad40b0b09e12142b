package ci

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/drivecast/drivecast/errs"
)

// registryNote is a file that MLflow's clients add to a model that they download.
const registryNote = "registered_model_meta"

// HashModel is what a model's files hash to: sha256 over the paths, sizes and hashes of
// a folder's files in the order of their paths, or over the content of a single file.
// It is the same before a model is registered and after it was fetched. A path with
// nothing there is of kind NotFound.
func HashModel(path string) (string, error) {
	root, err := filepath.EvalSymlinks(path)
	if err != nil {
		return "", absent(err, path, "name the folder or file of a model")
	}
	all := sha256.New()
	err = filepath.WalkDir(root, func(at string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, at)
		if err != nil || rel == registryNote {
			return err
		}
		if rel == "." {
			_, err = hashFile(all, at)
			return err
		}
		one := sha256.New()
		size, err := hashFile(one, at)
		fmt.Fprintf(all, "%s\x00%d\x00%x\n", filepath.ToSlash(rel), size, one.Sum(nil))
		return err
	})
	if err != nil {
		return "", errs.Wrap(err, "hash the model %s", path)
	}
	return "sha256:" + hex.EncodeToString(all.Sum(nil)), nil
}

func hashFile(into hash.Hash, path string) (int64, error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return io.Copy(into, f)
}

// Admits fails, with kind State, unless the decision is a pass and about the model at
// path.
func (d *Decision) Admits(path string) error {
	if d.Verdict != Passed {
		return errs.New(errs.State, "the gate refused %s: %s", d.Candidate, d.Reason)
	}
	if d.ModelHash == "" {
		return errs.New(errs.State, "the decision does not say by its hash which model was judged; judge it again with drivecast ci gate")
	}
	got, err := HashModel(path)
	if err != nil {
		return err
	}
	if got != d.ModelHash {
		return errs.New(errs.State, "the decision is about another model: it judged %s (%s), and this one is %s; judge this one with drivecast ci gate", d.Candidate, short(d.ModelHash), short(got))
	}
	return nil
}

func short(hash string) string { return hash[:min(len(hash), len("sha256:")+12)] }
