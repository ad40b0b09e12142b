//go:build conformance

package score

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

const triton = "DRIVECAST_PY_TRITON"

// stump is a LightGBM model of one split of the column errors.
const stump = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:1
feature_names=errors age
feature_infos=[0:1] [0:1]
tree_sizes=300

Tree=0
num_leaves=2
num_cat=0
split_feature=0
split_gain=1
threshold=0.5
decision_type=2
left_child=-1
right_child=-2
leaf_value=-%d %d
leaf_weight=1 1
leaf_count=1 1
internal_value=0
internal_weight=0
internal_count=2
is_linear=0
shrinkage=1


end of trees
`

// TestInferenceClients has the clients of Triton and others ask the scorer alone.
func TestInferenceClients(t *testing.T) {
	py := os.Getenv(triton)
	if py == "" {
		t.Fatalf("%s does not name a Python with tritonclient", triton)
	}
	dir := t.TempDir()
	args := []string{"--port", "0"}
	for i, name := range []string{"disks", "other"} {
		path := filepath.Join(dir, name+".txt")
		if err := os.WriteFile(path, fmt.Appendf(nil, stump, i+1, i+1), 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, "-m", name+"="+path)
	}
	program := filepath.Join(dir, "drivecast-score")
	if out, err := exec.Command("go", "build", "-o", program, "github.com/drivecast/drivecast/cmd/drivecast-score").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	url := start(t, exec.Command(program, args...))
	out, err := exec.Command(py, "triton.py", strings.TrimPrefix(url, "http://")).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
