package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNoCloudLibraries keeps the program's size and start: what talks to clusters and
// workspaces is in drivecast-cloud.
func TestNoCloudLibraries(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for p := range strings.Lines(string(out)) {
		for _, banned := range []string{"k8s.io/", "sdk/azidentity", "sdk/resourcemanager"} {
			if strings.Contains(p, banned) {
				t.Errorf("%s is linked in", strings.TrimSpace(p))
			}
		}
	}
}
