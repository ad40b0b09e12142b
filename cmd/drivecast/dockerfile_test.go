package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestDockerfile runs what the Dockerfile builds with, and looks for each program that
// its images take; their commands must be ones that these programs know.
func TestDockerfile(t *testing.T) {
	text, err := os.ReadFile("../../deploy/docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	build := regexp.MustCompile(`(?m)^RUN (CGO_ENABLED=0 go build .*)$`).FindSubmatch(text)
	if build == nil {
		t.Fatal("the Dockerfile builds nothing")
	}
	c := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(string(build[1]), "/out/", out+"/"))
	c.Dir, c.Env = "../..", append(os.Environ(), "VERSION=v1.2.3", "GOFLAGS=")
	if said, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, said)
	}
	for _, name := range regexp.MustCompile(`/out/(drivecast[a-z-]*)`).FindAllSubmatch(text, -1) {
		said, err := exec.CommandContext(t.Context(), filepath.Join(out, string(name[1])), "--version").CombinedOutput()
		if err != nil || !strings.Contains(string(said), "v1.2.3") {
			t.Errorf("%s --version: %v, %s", name[1], err, said)
		}
	}
	stages := regexp.MustCompile(`ENTRYPOINT \["/usr/local/bin/([a-z-]+)"\]\nCMD \[(.*)\]`).FindAllSubmatch(text, -1)
	if len(stages) != 2 {
		t.Fatalf("%d stages have a command, want 2", len(stages))
	}
	for _, s := range stages {
		args := append(strings.Split(strings.NewReplacer(`"`, "", " ", "").Replace(string(s[2])), ","), "--help")
		if said, err := exec.CommandContext(t.Context(), filepath.Join(out, string(s[1])), args...).CombinedOutput(); err != nil {
			t.Errorf("%s %v: %v\n%s", s[1], args, err, said)
		}
	}
}
