package artifact_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/artifact/artifacttest"
)

func open(t *testing.T, dir string, how func(string) (*artifact.Folder, error)) *artifact.Folder {
	t.Helper()
	f, err := how(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestSuite(t *testing.T) {
	for name, how := range map[string]func(string) (*artifact.Folder, error){"plain": artifact.OpenFolder, "content": artifact.OpenContent} {
		t.Run(name, func(t *testing.T) {
			artifacttest.Run(t, func(t *testing.T) artifact.Store { return open(t, t.TempDir(), how) })
		})
	}
}

// used counts the inodes and the bytes of the files below dir.
func used(t *testing.T, dir string) (files int, bytes int64) {
	t.Helper()
	var seen []os.FileInfo
	err := filepath.Walk(dir, func(_ string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		for _, s := range seen {
			if os.SameFile(s, info) {
				return nil
			}
		}
		seen, bytes = append(seen, info), bytes+info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return len(seen), bytes
}

func TestContentIsKeptOnce(t *testing.T) {
	dir := t.TempDir()
	f := open(t, dir, artifact.OpenContent)
	text := strings.Repeat("model", 1000)
	for _, p := range []string{"1/a/model", "1/b/model", "2/model", "2/model"} {
		if err := f.Put(t.Context(), p, strings.NewReader(text), -1); err != nil {
			t.Fatal(err)
		}
	}
	if files, bytes := used(t, dir); files != 1 || bytes != 5000 {
		t.Errorf("one content takes %d files of %d bytes", files, bytes)
	}
	if err := f.Put(t.Context(), "1/b/model", strings.NewReader("other"), -1); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "1/a/model")); err != nil || string(got) != text {
		t.Errorf("writing one file changed another: %d bytes, %v", len(got), err)
	}
	if err := f.Delete(t.Context(), "1"); err != nil {
		t.Fatal(err)
	}
	for _, dry := range []bool{true, false} {
		if s, err := f.Sweep(dry); err != nil || s != (artifact.Swept{Files: 1, Bytes: 5}) {
			t.Errorf("swept %+v, %v", s, err)
		}
	}
	if s, err := f.Sweep(false); err != nil || s.Files != 0 {
		t.Errorf("swept again %+v, %v", s, err)
	}
	if err := f.Delete(t.Context(), "2"); err != nil {
		t.Fatal(err)
	}
	if s, err := f.Sweep(false); err != nil || s.Bytes != 5000 {
		t.Errorf("swept %+v, %v", s, err)
	}
	if files, _ := used(t, dir); files != 0 {
		t.Errorf("%d files are left", files)
	}
}
