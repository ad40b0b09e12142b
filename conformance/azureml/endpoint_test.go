//go:build conformance

package azureml

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/azureml"
)

// TestBodiesOfEndpointsEqualTheSDKs reads Azure's own examples of online endpoints and
// deployments.
func TestBodiesOfEndpointsEqualTheSDKs(t *testing.T) {
	data, py := os.Getenv("DRIVE_DATA"), os.Getenv(interpreter)
	if data == "" {
		t.Skip("DRIVE_DATA is not set: no examples of Azure ML to read")
	}
	if py == "" {
		t.Fatalf("%s does not name a Python with azure-ai-ml 1.35.2", interpreter)
	}
	folder := filepath.Join(data, "azureml-yaml")
	var stderr bytes.Buffer
	cmd := exec.Command(py, "endpoints.py", folder)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("peer: %v\n%s", err, stderr.String())
	}
	var want map[string]map[string]any
	if err := json.Unmarshal(out, &want); err != nil {
		t.Fatal(err)
	}
	if len(want) < 50 {
		t.Fatalf("the SDK loaded %d files, want at least 50\n%s", len(want), stderr.String())
	}
	for file, w := range want {
		got, err := ours(filepath.Join(folder, file))
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		delete(w, "location")
		if p, ok := w["properties"].(map[string]any); ok {
			for _, key := range []string{"traffic", "mirrorTraffic"} { // those of a rollout are its own
				if m, ok := p[key].(map[string]any); ok && len(m) == 0 {
					delete(p, key)
				}
			}
		}
		if a, b := alike(got), alike(w); !reflect.DeepEqual(a, b) {
			t.Errorf("%s:\ngot  %v\nwant %v", file, a, b)
		}
	}
	t.Logf("%d bodies compared", len(want))
}

func ours(path string) (map[string]any, error) {
	d, err := job.Open(path)
	if err != nil {
		return nil, err
	}
	if d.Kind == job.KindOnlineEndpoint || d.Kind == job.KindKubeEndpoint {
		e, _, err := azureml.OnlineEndpoint(d)
		if err != nil {
			return nil, err
		}
		return asJSON(e.WithTraffic())
	}
	one, _, err := azureml.OnlineDeployment(d)
	if err != nil {
		return nil, err
	}
	p := one.Body["properties"].(map[string]any)
	for _, key := range []string{"model", "environmentId", "codeConfiguration"} {
		delete(p, key)
	}
	return asJSON(one.Body)
}

func asJSON(v map[string]any) (out map[string]any, err error) {
	text, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	return out, err
}

// alike writes what Azure takes as equal the same: enumerations in any case, tags and
// variables as text. The SDK drops delays of zero, which then are Azure's ten seconds.
func alike(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for key, one := range v {
			if one != "PT0S" {
				out[key] = alike(one)
			}
		}
		for _, key := range []string{"publicNetworkAccess", "egressPublicNetworkAccess", "dataCollectionMode", "rollingRate"} {
			if s, ok := out[key].(string); ok {
				out[key] = strings.ToLower(s)
			}
		}
		for _, key := range []string{"tags", "environmentVariables"} {
			if m, ok := out[key].(map[string]any); ok {
				for name, one := range m {
					m[name] = strings.ToLower(fmt.Sprint(one))
				}
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = alike(v[i])
		}
		return out
	}
	return v
}
