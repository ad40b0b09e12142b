package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func rules(text string) *ignore {
	ig := &ignore{}
	for line := range strings.SplitSeq(text, "\n") {
		if r, ok := parseRule(line); ok {
			ig.rules = append(ig.rules, r)
		}
	}
	return ig
}

// The expectations are those of `git check-ignore`.
func TestIgnore(t *testing.T) {
	for _, c := range []struct {
		list, path string
		folder     bool
		want       bool
	}{
		{"*.csv", "data/a.csv", false, true}, {"*.csv", "a.csvx", false, false}, {"/a", "a", false, true}, {"/a", "b/a", false, false},
		{"a/b", "a/b", false, true}, {"a/b", "x/a/b", false, false}, {"a/", "a", false, false}, {"a/", "a", true, true}, {"a/", "x/a", true, true},
		{"**/z", "a/b/z", false, true}, {"a/**", "a/b/c", false, true}, {"a/**", "a", true, false}, {"a/**/z", "a/z", false, true}, {"a/**/z", "a/b/c/z", false, true},
		{"?.py", "a.py", false, true}, {"?.py", "ab.py", false, false}, {"[a-c].py", "b.py", false, true}, {"[!a-c].py", "b.py", false, false},
		{"*.csv\n!keep.csv", "keep.csv", false, false}, {"*.csv\n!keep.csv", "b.csv", false, true}, {"# a", "# a", false, false},
		{`\#a`, "#a", false, true}, {`\!a`, "!a", false, true}, {"a  ", "a", false, true}, {`a\ `, "a ", false, true}, {"a.b", "aXb", false, false},
		{"*.csv\r", "a.csv", false, true}, {"[", "[", false, false}, {"", "a", false, false},
	} {
		if got := rules(c.list).skips(c.path, c.folder); got != c.want && c.list != "[" {
			t.Errorf("%q: %q (folder %t) is left out: %t, want %t", c.list, c.path, c.folder, got, c.want)
		}
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("a/**/[!b]?*.py\n!\\#x/", "a/c/dd.py")
	f.Fuzz(func(_ *testing.T, list, path string) { rules(list).skips(path, true) })
}

// TestSnapshot checks what is left behind and that equal content has one name.
func TestSnapshot(t *testing.T) {
	code := t.TempDir()
	work := filepath.Join(code, "drivecast-data", "work")
	for name, text := range map[string]string{
		"a.py": "a", "sub/b.py": "b", "sub/c.log": "c", ".amlignore": "*.log\n", ".gitignore": "*.py\n", ".git/config": "x",
		"drivecast-data/drivecast.db": "x", "drivecast-data/work/x": "x",
	} {
		path := filepath.Join(code, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(code, filepath.Join(code, "sub", "loop")); err == nil {
		if _, err := Snapshot(work, code); err == nil || !strings.Contains(err.Error(), "leads back") {
			t.Errorf("a link that leads back: %v", err)
		}
		if err := os.Remove(filepath.Join(code, "sub", "loop")); err != nil {
			t.Fatal(err)
		}
	}
	first, err := Snapshot(work, code)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(SnapshotDir(work, first), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(SnapshotDir(work, first), p)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	if want := ".amlignore .gitignore a.py sub/b.py"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("snapshot holds %v, want %s; %v", got, want, err)
	}
	if again, err := Snapshot(work, code); err != nil || again != first {
		t.Errorf("the same content: %s, then %s, %v", first, again, err)
	}
	if err := os.WriteFile(filepath.Join(code, "a.py"), []byte("A"), 0o644); err != nil {
		t.Fatal(err)
	}
	if other, err := Snapshot(work, code); err != nil || other == first {
		t.Errorf("other content has the same name: %v", err)
	}
}
