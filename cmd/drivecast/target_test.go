package main

import (
	"strings"
	"testing"
)

func TestTargetOf(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "job create -f x --target azureml --dry-run": "azureml", "compute create --target=kube": "kube", "job create -f x": "",
		"job create -- --target kube": "", "train --data x --target failure": "", "up --target broken": "", "job create --target": "",
		"doctor azure": "azureml", "doctor azure -o json": "azureml", "doctor kube": "", "doctor": "", "azure-fake --file f": "azureml",
		"deploy azureml -f f": "azureml", "deploy kube -f f": "kube", "deploy elsewhere": "", "doctor --live e/d -g G": "azureml", "doctor --live=e": "azureml",
		"job export --adf -f f":                  "azureml",
		"model create -f m.yml --target azureml": "azureml", "models list --target azureml": "",
	} {
		if got := targetOf(strings.Fields(line)); got != want {
			t.Errorf("target of %q = %q, want %q", line, got, want)
		}
	}
}
