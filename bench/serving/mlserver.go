package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// mlserverStart is MLServer with a forest of its own, in a folder with its settings.
func mlserverStart(ctx context.Context, python, table string) (target, error) {
	dir, err := os.MkdirTemp("", "serving")
	if err != nil {
		return target{}, err
	}
	t := target{name: "MLServer", kind: peer, path: filepath.Dir(python), made: dir, talk: talk{path: "/v2/models/hdd/infer", want: "outputs"}}
	if out, err := exec.CommandContext(ctx, python, "bench/serving/forest.py", table, filepath.Join(dir, "model.joblib")).CombinedOutput(); err != nil {
		return t, fmt.Errorf("forest.py: %w\n%s", err, out)
	}
	out, err := exec.CommandContext(ctx, python, "-c", "import mlserver; print(mlserver.__version__)").Output()
	if err != nil {
		return t, err
	}
	t.name += " " + strings.TrimSpace(string(out))
	settings := `{"name": "hdd", "implementation": "mlserver_sklearn.SKLearnModel", "parameters": {"uri": "./model.joblib"}}`
	if err := os.WriteFile(filepath.Join(dir, "model-settings.json"), []byte(settings), 0o644); err != nil {
		return t, err
	}
	t.talk.one, t.talk.many = tensor(1), tensor(batchRows)
	t.args = func(host, port string) []string {
		// MLServer wants two more ports, whose numbers follow from the first.
		script := `HOST="$1" HTTP_PORT="$2" && export MLSERVER_HOST="$HOST" MLSERVER_HTTP_PORT="$HTTP_PORT" MLSERVER_GRPC_PORT=$((HTTP_PORT % 20000 + 20001)) MLSERVER_METRICS_PORT=$((HTTP_PORT % 20000 + 40002)) && exec "$3" start "$4"`
		return []string{"sh", "-c", script, "sh", host, port, filepath.Join(filepath.Dir(python), "mlserver"), dir}
	}
	return t, nil
}

// tensor is a request of n rows in the Open Inference Protocol.
func tensor(n int) string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"inputs": [{"name": "x", "shape": [%d, 3], "datatype": "FP64", "parameters": {"content_type": "np"}, "data": [`, n)
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d.0, %d.0, %d.0", 1_000_000_000_000+i*37_000_000, i%60_000, i%50)
	}
	b.WriteString("]}]}")
	return b.String()
}
