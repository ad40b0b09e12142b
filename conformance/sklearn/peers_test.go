//go:build conformance

package sklearn

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/drivecast/drivecast/tree"
)

const cases = 300

// peers are the versions of scikit-learn, the variable that names a Python which
// has it, and the era that we grow.
var peers = []struct {
	version, variable string
	compat            tree.Compat
}{
	{"1.9.1", "DRIVECAST_PY_SKLEARN_1_9_1", tree.Sklearn19},
	{"1.3.0", "DRIVECAST_PY_SKLEARN_1_3_0", tree.Sklearn18},
}

// TestTreesAndSplits lets each scikit-learn fit and split, and compares.
func TestTreesAndSplits(t *testing.T) {
	for _, p := range peers {
		t.Run(p.version, func(t *testing.T) {
			python := os.Getenv(p.variable)
			if python == "" {
				t.Fatalf(`%s is not set: run eval "$(conformance/python-envs.sh)" first`, p.variable)
			}
			dir := t.TempDir()
			args := []string{"peer.py", dir, strconv.Itoa(cases)}
			n := cases
			if drives := os.Getenv("DRIVE_DATA"); drives != "" {
				args = append(args, filepath.Join(drives, "seed/hdd_balanced_dataset.csv"))
				n++
			}
			if out, err := exec.Command(python, args...).CombinedOutput(); err != nil {
				t.Fatalf("%s peer.py: %v\n%s", python, err, out)
			} else if got := string(bytes.TrimSpace(out)); got != p.version {
				t.Fatalf("%s has scikit-learn %s, want %s", python, got, p.version)
			}
			compareAll(t, p.version, os.DirFS(dir), n, p.compat)
		})
	}
}
