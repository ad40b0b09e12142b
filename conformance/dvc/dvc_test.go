//go:build conformance

// Package dvc holds a check of data versions against DVC itself: each program reads
// what the other wrote, and says the same of it.
package dvc

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const (
	interpreter = "DRIVECAST_PY_DVC_3_67_1"
	azurite     = "DRIVECAST_TEST_AZURITE" // conformance/services.sh sets it; without it the folder alone is checked
	azureKey    = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)

// bench are the two programs and a repository.
type bench struct {
	*testing.T
	dvc, ours, dir string
}

func newBench(t *testing.T) *bench {
	t.Helper()
	py := os.Getenv(interpreter)
	if py == "" {
		t.Fatalf("%s does not name a Python with DVC 3.67.1", interpreter)
	}
	program := os.Getenv("DRIVECAST_BIN")
	if program == "" {
		program = filepath.Join(t.TempDir(), "drivecast")
		if out, err := exec.Command("go", "build", "-o", program, "github.com/drivecast/drivecast/cmd/drivecast").CombinedOutput(); err != nil {
			t.Fatalf("build: %v\n%s", err, out)
		}
	}
	b := &bench{t, filepath.Join(filepath.Dir(py), "dvc"), program, t.TempDir()}
	b.run("git", "init", "-q", ".")
	b.run("git", "config", "user.email", "a@example.com")
	b.run("git", "config", "user.name", "A")
	return b
}

func (b *bench) run(program string, args ...string) string {
	b.Helper()
	out, err := b.try(program, args...)
	if err != nil {
		b.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return out
}

func (b *bench) try(program string, args ...string) (string, error) {
	cmd := exec.Command(program, args...)
	cmd.Dir = b.dir
	cmd.Env = append(os.Environ(), "DVC_NO_ANALYTICS=1", "PATH="+filepath.Dir(b.dvc)+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (b *bench) ourData(args ...string) string {
	return b.run(b.ours, append([]string{"data"}, args...)...)
}

func (b *bench) write(name, text string) {
	b.Helper()
	at := filepath.Join(b.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
		b.Fatal(err)
	}
}

func (b *bench) read(name string) string {
	b.Helper()
	text, err := os.ReadFile(filepath.Join(b.dir, name))
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// wipe removes what only a remote can bring back.
func (b *bench) wipe(names ...string) {
	for _, n := range append(names, ".dvc/cache", ".dvc/tmp") {
		if err := os.RemoveAll(filepath.Join(b.dir, n)); err != nil {
			b.Fatal(err)
		}
	}
}

// inSync fails unless both programs find nothing to say.
func (b *bench) inSync() {
	b.Helper()
	if out := b.run(b.dvc, "status"); !strings.Contains(out, "up to date") {
		b.Errorf("dvc status: %s", out)
	}
	if out := b.run(b.dvc, "status", "-c"); !strings.Contains(out, "in sync") {
		b.Errorf("dvc status -c: %s", out)
	}
	b.ourData("status", "-q")
	b.ourData("status", "-c", "-q")
}

func (b *bench) fill() {
	for i := range 30 {
		b.write(fmt.Sprintf("data/%02d/é 😀 \"q\" %d.csv", i%3, i), strings.Repeat(fmt.Sprintln(i), i))
	}
	b.write("data/a: b #c.txt", "x\n")
	b.write("one [1].csv", "a,b\n1,2\n")
	if err := os.WriteFile(filepath.Join(b.dir, "tool.sh"), []byte("#!/bin/sh\n"), 0o755); err != nil {
		b.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // so that both take the files as settled
}

var targets = []string{"data", "one [1].csv", "tool.sh"}

func (b *bench) bothWays() {
	b.fill()
	b.ourData(append([]string{"add"}, targets...)...)
	ours := map[string]string{}
	for _, t := range append(targets, ".gitignore") {
		name := t
		if t != ".gitignore" {
			name += ".dvc"
		}
		ours[name] = b.read(name)
	}
	b.ourData("push")
	b.inSync()
	for name := range ours {
		if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
			b.Fatal(err)
		}
	}
	b.run(b.dvc, append([]string{"add", "-q"}, targets...)...)
	for name, text := range ours {
		if theirs := b.read(name); theirs != text {
			b.Errorf("%s: ours\n%s\ntheirs\n%s", name, text, theirs)
		}
	}
	b.wipe(targets...)
	b.run(b.dvc, "pull", "-q") // what we pushed
	b.inSync()
	b.write("one [1].csv", "a,b\n3,4\n")
	b.run(b.dvc, "add", "-q", "one [1].csv")
	b.run(b.dvc, "push", "-q")
	b.wipe(targets...)
	b.ourData("pull") // what they pushed
	b.inSync()
	if got := b.read("one [1].csv"); got != "a,b\n3,4\n" {
		b.Errorf("pulled %q", got)
	}
	if info, err := os.Stat(filepath.Join(b.dir, "tool.sh")); err != nil || info.Mode()&0o100 == 0 {
		b.Errorf("tool.sh is no program any more: %v", err)
	}
	b.write("data/00/new.csv", "1\n")
	if out := b.run(b.dvc, "status"); !strings.Contains(out, "modified") {
		b.Errorf("dvc status after a change: %s", out)
	}
	if out, err := b.try(b.ours, "data", "status", "-q"); err == nil {
		b.Errorf("our status after a change: %s", out)
	}
	b.ourData("checkout", "--force")
	b.inSync()
}

func TestFolderRemote(t *testing.T) {
	b := newBench(t)
	b.ourData("init")
	b.ourData("remote", "add", "--default", "r", filepath.Join(t.TempDir(), "remote"))
	b.bothWays()
}

func TestAzurite(t *testing.T) {
	at := os.Getenv(azurite)
	if at == "" {
		t.Skipf("%s names no Azurite; conformance/services.sh starts one", azurite)
	}
	b := newBench(t)
	b.run(b.dvc, "init", "-q")
	container := strings.ToLower(fmt.Sprintf("dvc%d", time.Now().UnixNano()))
	connection := "DefaultEndpointsProtocol=http;AccountName=devstoreaccount1;AccountKey=" + azureKey + ";BlobEndpoint=" + at + ";"
	python := filepath.Join(filepath.Dir(b.dvc), "python")
	b.run(python, "-c", "import sys; from azure.storage.blob import BlobServiceClient as C; C.from_connection_string(sys.argv[1], api_version='2024-11-04').create_container(sys.argv[2])", connection, container)
	b.run(b.dvc, "remote", "add", "-d", "r", "azure://"+container+"/some/path")
	b.run(b.dvc, "remote", "modify", "--local", "r", "connection_string", connection)
	b.bothWays()
}

const stages = `vars:
 - x: 5
stages:
  prep:
    cmd: mkdir -p out && cat in.csv > out/p.csv && echo ${x} > m.txt
    deps: [in.csv]
    params: [lr, deep.b, none, str, big]
    outs: [out]
    metrics: [{m.txt: {cache: false}}]
  train:
    cmd:
     - "echo 'its: ${deep.a}' > model.txt"
     - |
       echo multi
       echo lines # this is a very long line that surely is longer than eighty characters, and so is folded
    deps: [out/p.csv]
    params: [flag, {other.json: [k]}]
    outs: [model.txt]
  each:
    foreach: [a, b]
    do:
      cmd: echo ${item} > ${item}.txt
      outs: ["${item}.txt"]
`

func TestStages(t *testing.T) {
	b := newBench(t)
	b.run(b.dvc, "init", "-q")
	b.write("in.csv", "1\n")
	b.write("params.yaml", "lr: 0.1\ndeep: {a: 1, b: [1, 2.5, \"x\"]}\nflag: true\nnone:\nstr: \"yes\"\nbig: 1e-05\n")
	b.write("other.json", `{"k": {"a": [1, true, null, 1.5], "z": "s"}}`)
	b.write("dvc.yaml", stages)
	b.ourData("repro", "--dir", filepath.Join(t.TempDir(), "jobs"))
	ours := b.read("dvc.lock")
	if out := b.run(b.dvc, "status"); !strings.Contains(out, "up to date") {
		t.Errorf("dvc status after our repro: %s", out)
	}
	if out := b.run(b.dvc, "repro"); strings.Contains(out, "Running stage") {
		t.Errorf("dvc runs again what we ran: %s", out)
	}
	if err := os.Remove(filepath.Join(b.dir, "dvc.lock")); err != nil {
		t.Fatal(err)
	}
	b.run(b.dvc, "repro", "--force")
	theirs := b.read("dvc.lock")
	if sorted(theirs) != sorted(ours) { // the order of stages is that of their runs
		t.Errorf("dvc.lock: ours\n%s\ntheirs\n%s", ours, theirs)
	}
	if out := b.ourData("repro", "--dry", "-o", "json"); strings.Contains(out, "would run") {
		t.Errorf("we would run again what dvc ran: %s", out)
	}
}

// sorted puts the entries of stages in an order.
func sorted(lock string) string {
	parts := strings.Split(strings.ReplaceAll(lock, "\n  ", "\x00\n  "), "\x00")
	var entries []string
	for _, p := range parts {
		if len(entries) > 0 && strings.HasPrefix(p, "\n   ") || strings.HasPrefix(p, "\n  -") {
			entries[len(entries)-1] += p
			continue
		}
		entries = append(entries, strings.TrimRight(p, "\n"))
	}
	for i := range entries {
		entries[i] = strings.TrimRight(entries[i], "\n")
		for j := i; j > 0 && entries[j] < entries[j-1]; j-- {
			entries[j], entries[j-1] = entries[j-1], entries[j]
		}
	}
	return strings.Join(entries, "")
}
