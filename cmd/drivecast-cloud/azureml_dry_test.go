package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestADryDeployPrintsItsRequests needs no network and no login.
func TestADryDeployPrintsItsRequests(t *testing.T) {
	dir := writeFiles(t, map[string]string{
		"endpoint.yml": endpointFile, "deployment.yml": deploymentFile("acr.azurecr.io/score:1", "/readyz", ""),
		"prices.yml": "currency: USD\nsizes: {standard_ds2_v2: 0.146}\n",
	})
	serveModel(t, filepath.Join(dir, "model"), 1)
	args := []string{"deploy", "azureml", "-f", filepath.Join(dir, "deployment.yml"), "-f", filepath.Join(dir, "endpoint.yml"), "--subscription", "S", "-g", "G", "-w", "W",
		"--dry-run", "-o", "json", "--autoscale", "1:4", "--price", filepath.Join(dir, "prices.yml"), "--set", "instance_count=2"}
	code, out, message := runCloud(t, args...)
	if code != 0 || !strings.Contains(message, "cost: 0.58 USD an hour (420.48 in 30 days) for up to 4 × Standard_DS2_v2") {
		t.Fatalf("exit %d: %s", code, message)
	}
	var got struct {
		Requests []struct {
			Method, Path string
			Body         map[string]any
		}
		Sample map[string]any
		Cost   struct {
			PerHour float64 `json:"per_hour"`
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	base := "/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W/"
	var lines []string
	for _, r := range got.Requests {
		path, _, _ := strings.Cut(strings.TrimPrefix(r.Path, base), "?")
		lines = append(lines, r.Method+" "+path)
	}
	if len(lines) != 9 || lines[0] != "PUT onlineEndpoints/drives" || !strings.HasPrefix(lines[1], "PUT environments/CliV2AnonymousEnvironment/versions/") || !strings.HasPrefix(lines[2], "PUT models/drivecast-") ||
		lines[3] != "PUT onlineEndpoints/drives/deployments/blue" || !strings.HasSuffix(lines[4], "/autoscalesettings/drivecast-drives-blue") || lines[8] != "DELETE onlineEndpoints/drives/deployments/OLD" {
		t.Fatalf("%s", strings.Join(lines, "\n"))
	}
	d := mapIn(got.Requests[3].Body["properties"])
	env, _, _ := strings.Cut(got.Requests[1].Path, "?")
	model, _, _ := strings.Cut(got.Requests[2].Path, "?")
	if d["environmentId"] != env || d["model"] != model || fmt.Sprint(mapIn(got.Requests[3].Body["sku"])["capacity"]) != "2" {
		t.Errorf("%v", got.Requests[3].Body)
	}
	for i, want := range []string{"map[mirrorTraffic:map[blue:10] traffic:<nil>]", "map[mirrorTraffic:map[] traffic:map[blue:10]]", "map[mirrorTraffic:map[] traffic:map[blue:100]]"} {
		if p := fmt.Sprint(got.Requests[5+i].Body["properties"]); p != want {
			t.Errorf("%s, want %s", p, want)
		}
	}
	if got.Sample["input_data"] == nil || got.Cost.PerHour < .58 || got.Cost.PerHour > .59 {
		t.Errorf("%v, %v", got.Sample, got.Cost)
	}
	if again, twice, _ := runCloud(t, args...); again != 0 || twice != out {
		t.Error("the same files give other requests")
	}
}

func TestDeploysThatAreRefused(t *testing.T) {
	good := deploymentFile("acr.azurecr.io/score:1", "/readyz", "")
	dir := writeFiles(t, map[string]string{
		"endpoint.yml": endpointFile, "good.yml": good, "other.yml": strings.Replace(endpointFile, "drives", "disks", 1), "job.yml": seedJob,
		"kube.yml":   strings.Replace(strings.Replace(endpointFile, "managed", "kubernetes", 1), "auth_mode", "compute: azureml:k\nauth_mode", 1),
		"type.yml":   strings.Replace(good, "instance_count: 1", "instance_count: many", 1),
		"name.yml":   strings.Replace(good, "name: blue", "name: 1", 1),
		"size.yml":   strings.Replace(good, "instance_type: Standard_DS2_v2\n", "", 1),
		"probe.yml":  good + "readiness_probe: {period: 0}\n",
		"broken.yml": "name: [\n", "scale.yml": "min_instances: 3\nmax_instances: 1\n", "sample.json": "{",
	})
	for _, c := range []struct {
		files, more string
		code        int
		says        string
	}{
		{"", "", 2, "needs --file"},
		{"endpoint.yml absent.yml", "", 1, "absent.yml: there is no such file"},
		{"endpoint.yml broken.yml", "", 1, "broken.yml: line "},
		{"endpoint.yml type.yml", "", 1, `type.yml: line 12: instance_count`},
		{"endpoint.yml name.yml", "", 1, `name.yml: line 2: name`},
		{"endpoint.yml probe.yml", "", 1, "probe.yml: line 14: readiness_probe.period"},
		{"endpoint.yml size.yml", "", 1, "names no instance_type"},
		{"endpoint.yml good.yml good.yml", "", 2, "is a second deployment"},
		{"endpoint.yml job.yml", "", 2, "job.yml is a commandJob"},
		{"other.yml good.yml", "", 1, "of endpoint drives, and the other file of endpoint disks"},
		{"kube.yml good.yml", "", 1, "managed and the other of a Kubernetes"},
		{"endpoint.yml good.yml", "", 2, "write --sample FILE"},
		{"endpoint.yml good.yml", "--sample sample.json", 1, "sample.json: the request is no JSON"},
		{"endpoint.yml good.yml", "--step 50,10", 2, "rising shares"},
		{"endpoint.yml good.yml", "--mirror 60", 2, "50 percent at most"},
		{"endpoint.yml good.yml", "--autoscale scale.yml", 1, "scale.yml: line 1: column \"min_instances\""},
		{"endpoint.yml good.yml", "--autoscale five", 2, "neither MIN:MAX nor a file"},
		{"endpoint.yml good.yml", "--price scale.yml", 1, "scale.yml"},
		{"endpoint.yml good.yml", "-o xml", 2, "write text or json"},
	} {
		args := []string{"deploy", "azureml", "--dry-run", "--subscription", "S", "-g", "G", "-w", "W"}
		for _, f := range strings.Fields(c.files) {
			args = append(args, "-f", filepath.Join(dir, f))
		}
		for _, f := range strings.Fields(c.more) {
			if strings.Contains(f, ".") {
				f = filepath.Join(dir, f)
			}
			args = append(args, f)
		}
		code, out, message := runCloud(t, args...)
		if code != c.code || !strings.Contains(message, c.says) || out != "" {
			t.Errorf("%s %s: exit %d, %s%s", c.files, c.more, code, out, message)
		}
	}
}
