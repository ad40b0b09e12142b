package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// seedJob is a job as az ml users have it, with an input declared as a component's.
const seedJob = `$schema: https://azuremlschemas.azureedge.net/latest/commandJob.schema.json
command: python src/model.py --iteration ${{inputs.iteration}}
inputs:
  iteration: {type: integer, default: 1}
code: .
compute: training-cluster
experiment_name: failures
environment: {image: "mcr.microsoft.com/azureml/curated/sklearn:latest"}
`

func runCloud(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errors bytes.Buffer
	a := &app{stdout: &out, stderr: &errors, getenv: func(string) string { return "" }}
	code = a.run(context.Background(), args)
	return code, out.String(), errors.String()
}

func TestDryRunPrintsTheBody(t *testing.T) {
	file := filepath.Join(t.TempDir(), "job.yaml")
	if err := os.WriteFile(file, []byte(seedJob), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, message := runCloud(t, "job", "create", "-f", file, "--set", "inputs.iteration=2", "--name", "second", "--compute", "azureml:other",
		"--target", "azureml", "--subscription", "S", "-g", "G", "-w", "W", "--dry-run", "-o", "json")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, message)
	}
	var got struct {
		Name       string
		Properties struct {
			JobType, ComputeID, CodeID, ExperimentName string
			Inputs                                     map[string]map[string]string
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	p := got.Properties
	if got.Name != "second" || p.JobType != "Command" || p.ComputeID != "other" || p.CodeID != "." || p.Inputs["iteration"]["value"] != "2" {
		t.Errorf("%s", out)
	}
}

func TestCommandLinesThatAreRefused(t *testing.T) {
	where := []string{"--subscription", "S", "-g", "G", "-w", "W"}
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no target", []string{"job", "create"}, 2, "needs --target"},
		{"another target", []string{"job", "create", "--target=elsewhere"}, 1, "this drivecast-cloud has azureml"},
		{"no file", append([]string{"job", "create", "--target", "azureml"}, where...), 2, "needs --file"},
		{"no workspace", []string{"job", "create", "--target", "azureml", "-f", "x.yml"}, 2, "needs --subscription"},
		{"no such file", append([]string{"job", "create", "--target", "azureml", "--dry-run", "-f", "x.yml"}, where...), 1, "x.yml"},
		{"no such command", []string{"job", "make", "--target", "azureml"}, 2, `has no command "make"`},
		{"form", append([]string{"job", "create", "--target", "azureml", "-f", "x.yml", "-o", "xml"}, where...), 2, "write json"},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, _, message := runCloud(t, c.args...)
			if code != c.code || !strings.Contains(message, c.says) {
				t.Errorf("exit %d, want %d; %q should say %q", code, c.code, message, c.says)
			}
		})
	}
}

func TestDryRunTellsTheCost(t *testing.T) {
	dir := writeFiles(t, map[string]string{"job.yaml": seedJob + "limits: {timeout: 3600}\n", "prices.yml": "currency: USD\nsizes: {STANDARD_DS3_V2: 0.29}\ncomputes: {training-cluster: STANDARD_DS3_V2}\n"})
	args := []string{"job", "create", "-f", filepath.Join(dir, "job.yaml"), "--price", filepath.Join(dir, "prices.yml"), "--target", "azureml", "--subscription", "S", "-g", "G", "-w", "W"}
	code, out, message := runCloud(t, append(args, "--dry-run")...)
	if code != 0 || !strings.Contains(out, `"most": 0.29`) || !strings.Contains(message, "at most 0.29 USD") {
		t.Errorf("exit %d: %s%s", code, out, message)
	}
	if code, _, message := runCloud(t, args...); code != 2 || !strings.Contains(message, "--dry-run") {
		t.Errorf("without --dry-run: exit %d, %s", code, message)
	}
}
