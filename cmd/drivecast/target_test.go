package main

import (
	"strings"
	"testing"
)

func TestTargetOf(t *testing.T) {
	for line, want := range map[string]string{
		"": "", "job create -f x --target azureml --dry-run": "azureml", "compute create --target=kube": "kube", "job create -f x": "",
		"job create -- --target kube": "", "train --data x --target failure": "", "up --target broken": "", "job create --target": "",
	} {
		if got := targetOf(strings.Fields(line)); got != want {
			t.Errorf("target of %q = %q, want %q", line, got, want)
		}
	}
}
