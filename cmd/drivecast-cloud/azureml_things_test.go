package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestClustersModelsAndTheDoctorOfAWorkspace(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{"model/weights.bin": "w"})
	for _, c := range []struct {
		name string
		args []string
		code int
		says []string
	}{
		{"create a cluster", []string{"compute", "create", "-n", "c", "--size", "STANDARD_DS3_V2", "--max-instances", "2"}, 0, []string{`"vmSize": "STANDARD_DS3_V2"`, `"maxNodeCount": 2`, `"nodeIdleTimeBeforeScaleDown": "PT120S"`}},
		{"scale it", []string{"compute", "update", "-n", "c", "--max-instances", "7"}, 0, nil},
		{"show it", []string{"compute", "show", "-n", "c"}, 0, []string{`"maxNodeCount": 7`, `"STANDARD_DS3_V2"`}},
		{"scale one that is not there", []string{"compute", "update", "-n", "absent"}, 1, []string{"404"}},
		{"bounds", []string{"compute", "update", "-n", "c", "--min-instances", "3"}, 2, []string{"min ≤ max"}},
		{"register a model", []string{"model", "create", "-n", "m", "--version", "3", "--path", filepath.Join(dir, "model")}, 0, []string{`"modelUri": "https://`}},
		{"show it", []string{"model", "show", "-n", "m", "--version", "3"}, 0, []string{`"modelType": "custom_model"`}},
		{"a version that is not there", []string{"model", "show", "-n", "m", "--version", "4"}, 1, []string{"404"}},
		{"doctor", []string{"doctor", "azure"}, 0, []string{"ok   login", "ok   subscription", "ok   resource group", "ok   workspace", "100 of 100 left", "nothing beyond Azure ML"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			code, out, message := against(t, env, c.args...)
			if code != c.code {
				t.Fatalf("exit %d, want %d: %s%s", code, c.code, out, message)
			}
			for _, s := range c.says {
				if !strings.Contains(out+message, s) {
					t.Errorf("%s%s\nshould say %q", out, message, s)
				}
			}
		})
	}
	const at = "azureml://datastores/workspaceartifactstore/paths/ExperimentRun/dcid.made/outputs"
	job := writeFiles(t, map[string]string{"j.yml": "command: mkdir outputs; echo w > outputs/w.txt\nenvironment: azureml:e:1\n"})
	if code, _, message := against(t, env, "job", "create", "-f", filepath.Join(job, "j.yml"), "-n", "made", "--stream"); code != 0 {
		t.Fatal(message)
	}
	if code, _, message := against(t, env, "model", "create", "-n", "run", "--version", "1", "--path", at); code != 0 {
		t.Fatal(message)
	}
	to := t.TempDir()
	if code, _, message := against(t, env, "model", "download", "-n", "run", "--version", "1", "-p", to); code != 0 {
		t.Fatal(message)
	}
	if text, err := os.ReadFile(filepath.Join(to, "w.txt")); err != nil || string(text) != "w\n" {
		t.Errorf("%q, %v", text, err)
	}
	env["AZURE_CLIENT_SECRET"] = "wrong"
	if code, out, _ := against(t, env, "doctor", "azure"); code != 1 || !strings.Contains(out, "BAD  login") {
		t.Errorf("exit %d, %s", code, out)
	}
}
