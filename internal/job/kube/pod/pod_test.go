package pod

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/mlflow/client"
)

func objectsIn(t *testing.T) *Objects {
	t.Helper()
	c, err := client.New("http://127.0.0.1:1", nil)
	if err != nil {
		t.Fatal(err)
	}
	return &Objects{Client: c, URI: "file://" + filepath.ToSlash(t.TempDir())}
}

func writeFile(t *testing.T, path, text string, mode os.FileMode) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
}

func TestTreesTravelByHash(t *testing.T) {
	o, from := objectsIn(t), t.TempDir()
	writeFile(t, filepath.Join(from, "run.sh"), "echo", 0o755)
	writeFile(t, filepath.Join(from, "sub", "same.txt"), "text", 0o600)
	writeFile(t, filepath.Join(from, "copy.txt"), "text", 0o600)
	hash, err := o.KeepTree(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	again, err := o.KeepTree(t.Context(), from)
	if err != nil || again != hash {
		t.Errorf("a second time: %s, %v; want %s", again, err, hash)
	}
	to := filepath.Join(t.TempDir(), "to")
	if got, err := o.Fetch(t.Context(), hash, to, false); err != nil || got != to {
		t.Fatalf("%s, %v", got, err)
	}
	if b, err := os.ReadFile(filepath.Join(to, "sub", "same.txt")); err != nil || string(b) != "text" {
		t.Errorf("%q, %v", b, err)
	}
	if info, err := os.Stat(filepath.Join(to, "run.sh")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("run.sh: %v, %v", info, err)
	}
	store := strings.TrimPrefix(o.URI, "file://")
	objects, err := filepath.Glob(filepath.Join(store, "objects", "*", "*"))
	if err != nil || len(objects) != 2 {
		t.Errorf("%d objects for two contents, %v", len(objects), err)
	}
	if err := os.WriteFile(objects[0], []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := o.Fetch(t.Context(), hash, t.TempDir(), false); !errs.Is(err, errs.Unavailable) {
		t.Errorf("content that does not fit its hash: %v", err)
	}
}

func TestOneFileIsATree(t *testing.T) {
	o, file := objectsIn(t), filepath.Join(t.TempDir(), "drives.csv")
	writeFile(t, file, "a,b\n", 0o600)
	hash, err := o.KeepTree(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	got, err := o.Fetch(t.Context(), hash, dir, true)
	if err != nil || got != filepath.Join(dir, "drives.csv") {
		t.Fatalf("%s, %v", got, err)
	}
	if info, err := os.Stat(got); err != nil || info.Mode().Perm() != 0o444 {
		t.Errorf("data can be written to: %v, %v", info, err)
	}
}

func TestWords(t *testing.T) {
	vars := func(k string) string { return map[string]string{"A": "x y", "JOB_COMPLETION_INDEX": "3"}[k] }
	for line, want := range map[string][]string{
		"drivecast train --data /d\n":         {"drivecast", "train", "--data", "/d"},
		`p 'a b' "c $A" d\ e ""`:              {"p", "a b", "c x y", "d e", ""},
		"p ${JOB_COMPLETION_INDEX}/20 $A":     {"p", "3/20", "x y"},
		`p "a\"b" 'c\d' "e\f"`:                {"p", `a"b`, `c\d`, `e\f`},
		"p --set a.b=c,d --url http://h:1/x%": {"p", "--set", "a.b=c,d", "--url", "http://h:1/x%"},
	} {
		if got, err := words(line, vars); err != nil || !slices.Equal(got, want) {
			t.Errorf("words(%q) = %q, %v; want %q", line, got, err, want)
		}
	}
	for line, kind := range map[string]errs.Kind{"a && b": errs.Unsupported, "a\nb": errs.Unsupported, "a $(b)": errs.Unsupported, "a > b": errs.Unsupported, "a 'b": errs.Invalid, "": errs.Invalid, `"$(a)"`: errs.Unsupported} {
		if got, err := words(line, vars); !errs.Is(err, kind) {
			t.Errorf("words(%q) = %q, %v; want kind %s", line, got, err, kind)
		}
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`drivecast train --data "$A" 'b c' \d`)
	f.Fuzz(func(t *testing.T, line string) {
		got, err := words(line, func(string) string { return "v" })
		if err == nil && len(got) == 0 {
			t.Errorf("words(%q) gave no word and no error", line)
		}
	})
}

func FuzzTree(f *testing.F) {
	f.Add([]byte(`{"files":[{"path":"a/b","sha256":"` + strings.Repeat("0", 64) + `","size":1}]}`))
	f.Add([]byte(`{"files":[{"path":"../b","sha256":"` + strings.Repeat("0", 64) + `","size":1}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		tree, err := decodeTree(text)
		if err != nil {
			return
		}
		for _, file := range tree.Files {
			if rel, err := filepath.Rel("/d", filepath.Join("/d", filepath.FromSlash(file.Path))); err != nil || strings.HasPrefix(rel, "..") {
				t.Errorf("%q leaves the folder", file.Path)
			}
		}
	})
}
