package azureml

import (
	"os"
	"path/filepath"
	"testing"
)

func TestEnvironmentVersionsFollowTheFiles(t *testing.T) {
	for _, c := range []struct{ name, file, definition, changes string }{
		{"conda file", "conda.yml", "{image: i, conda_file: conda.yml}", "conda.yml"},
		{"build folder", "ctx/Dockerfile", "{build: {path: ctx}}", "ctx/Dockerfile"},
		{"a file deep in it", "ctx/Dockerfile", "{build: {path: ctx}}", "ctx/a/b/more.txt"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			version := func(file, content string) string {
				path := filepath.Join(dir, filepath.FromSlash(file))
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
				return environmentID(t, dir, c.definition)
			}
			absent := environmentID(t, dir, c.definition)
			first := version(c.file, "name: one")
			if first == absent {
				t.Error("the file does not count")
			}
			if again := version(c.file, "name: one"); again != first {
				t.Errorf("the same files give %s and %s", first, again)
			}
			if second := version(c.changes, "name: two"); second == first {
				t.Errorf("%s changed, the version did not: %s", c.changes, first)
			}
		})
	}
}

func environmentID(t *testing.T, dir, definition string) string {
	t.Helper()
	d, err := parseIn(dir, "command: x\nenvironment: "+definition+"\n")
	if err != nil {
		t.Fatal(err)
	}
	b, _, err := Job(d)
	if err != nil {
		t.Fatal(err)
	}
	return text(b.Properties["environmentId"])
}
