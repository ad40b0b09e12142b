package artifact

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestClean(t *testing.T) {
	for p, want := range map[string]string{
		"path": "path", "path/": "path", "dir/a b.txt": "dir/a b.txt", "dog%step%100%timestamp%100": "dog%step%100%timestamp%100",
		"dog+step+100": "dog+step+100", "a..b": "a..b", "..a": "..a", "x/....": "x/....", "é/ü": "é/ü", ".hidden": ".hidden", "": "", "a/./b": "a/b", "ab:c": "ab:c", "50%": "50%",
	} {
		got, err := Clean(p)
		if err != nil || got != want {
			t.Errorf("%q: got %q, %v, want %q", p, got, err, want)
		}
	}
	for _, p := range []string{
		"/etc/passwd", "../x", "./../x", "a/../../b", "a/../b", "file://a#/..//tmp", "file://a%23/..//tmp/", "/etc/passwd%00.jpg", "/file://etc/passwd", "%2E%2E%2Fx",
		"%252E%252E%252Fx", "%2%0952e%2%0952e/x", "%2%0A52e%2%0A52e/x", "C:x", "C:/", "d/C:x", `\\server\share`, `..\x`, "a\x00b", "a\nb", "a\x7fb", "..", "a/..", "a//b",
		"%2Fetc", "x%2F..%2F..%2Fy", strings.Repeat("a/", 2049), strings.Repeat("a", 256), "\xff", "%ff", "a?b", "a#b", "%c0%ae%c0%ae/x", "%" + strings.Repeat("25", 40) + "2e",
	} {
		if got, err := Clean(p); !errs.Is(err, errs.Invalid) {
			t.Errorf("%.60q: got %q, %v, want a refusal", p, got, err)
		}
	}
}

func FuzzClean(f *testing.F) {
	for _, s := range []string{"a/b", "%252e%252e/x", "a%2", "C:", "é%00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		got, err := Clean(p)
		if err != nil {
			return
		}
		if got != "" && !filepath.IsLocal(filepath.FromSlash(got)) {
			t.Errorf("%q became %q, which leads out", p, got)
		}
		if again, err := Clean(got); err != nil || again != got {
			t.Errorf("%q became %q and then %q, %v", p, got, again, err)
		}
	})
}

func openPlain(t *testing.T) (*Folder, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "store")
	f, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f, dir
}

func put(t *testing.T, f *Folder, p, text string) {
	t.Helper()
	if err := f.Put(t.Context(), p, strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatal(err)
	}
}

func TestFolder(t *testing.T) {
	f, _ := openPlain(t)
	c := t.Context()
	put(t, f, "1/run/artifacts/model/MLmodel", "flavors")
	put(t, f, "1/run/artifacts/b.txt", "old")
	put(t, f, "1/run/artifacts/b.txt", "new")
	list, err := f.List(c, "1/run/artifacts")
	if err != nil || len(list) != 2 || list[0] != (Entry{"b.txt", false, 3}) || list[1] != (Entry{"model", true, 0}) {
		t.Errorf("got %v, %v", list, err)
	}
	file, err := f.Open(c, "1/run/artifacts/b.txt")
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(file)
	file.Close()
	if string(text) != "new" || file.Size() != 3 || err != nil {
		t.Errorf("got %q (%d), %v", text, file.Size(), err)
	}
	for _, p := range []string{"nobody", "1/run/artifacts/model", "1/run/artifacts/b.txt/x"} {
		if _, err := f.Open(c, p); err == nil {
			t.Errorf("%s opens", p)
		}
	}
	for _, p := range []string{"nobody", "1/run/artifacts/b.txt"} {
		if list, err := f.List(c, p); err != nil || len(list) != 0 {
			t.Errorf("list of %s: %v, %v", p, list, err)
		}
	}
	// a file in the way of a folder, and a folder in the way of a file
	for _, p := range []string{"1/run/artifacts/b.txt/x", "1/run/artifacts/model"} {
		if err := f.Put(c, p, strings.NewReader("x"), 1); !errs.Is(err, errs.Invalid) {
			t.Errorf("put over %s: %v", p, err)
		}
	}
	if err := errors.Join(f.Delete(c, "1/run"), f.Delete(c, "1/run")); err != nil {
		t.Error(err)
	}
	if list, _ := f.List(c, "1"); len(list) != 0 {
		t.Errorf("left after deleting: %v", list)
	}
}

type failing struct{ n int }

func (f *failing) Read(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

func TestBrokenUploadsLeaveNothing(t *testing.T) {
	f, dir := openPlain(t)
	put(t, f, "a.txt", "before")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"reader":  f.Put(t.Context(), "a.txt", &failing{3}, -1),
		"short":   f.Put(t.Context(), "a.txt", strings.NewReader("x"), 5),
		"long":    f.Put(t.Context(), "a.txt", strings.NewReader("xxxxxxxx"), 5),
		"context": f.Put(ended, "a.txt", strings.NewReader("x"), 1),
		"root":    f.Put(t.Context(), "", strings.NewReader("x"), 1),
		"pending": f.Put(t.Context(), pending+"/x", strings.NewReader("x"), 1),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "a.txt"))
	if string(text) != "before" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	left, err := os.ReadDir(filepath.Join(dir, pending))
	if len(left) != 0 || err != nil {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestSymbolicLinksLeadNowhere(t *testing.T) {
	f, dir := openPlain(t)
	outside := filepath.Join(t.TempDir(), "secret")
	if err := os.MkdirAll(outside, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(outside, "s.txt"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "link")); err != nil {
		t.Skip("no symbolic links here: ", err)
	}
	if _, err := f.Open(t.Context(), "link/s.txt"); err == nil {
		t.Error("a link leads out")
	}
	if err := f.Put(t.Context(), "link/new.txt", strings.NewReader("x"), 1); err == nil {
		t.Error("a file was written through a link")
	}
	if list, _ := f.List(t.Context(), "link"); len(list) != 0 {
		t.Errorf("a link was listed: %v", list)
	}
	if list, _ := f.List(t.Context(), ""); len(list) != 0 {
		t.Errorf("a link that leads out is listed: %v", list)
	}
	if err := f.Delete(t.Context(), "link"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(outside, "s.txt")); err != nil {
		t.Errorf("deleting a link deleted what it names: %v", err)
	}
}

func TestPendingIsCleared(t *testing.T) {
	f, dir := openPlain(t)
	put(t, f, "a", "x")
	f.Close()
	if err := os.WriteFile(filepath.Join(dir, pending, "half"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	g, err := OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	if left, _ := os.ReadDir(filepath.Join(dir, pending)); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestFullDisk(t *testing.T) {
	err := fault(&fs.PathError{Op: "write", Path: "a", Err: syscall.ENOSPC})
	if !errs.Is(err, errs.Full) {
		t.Errorf("a full disk is told as %v (%v)", errs.KindOf(err), err)
	}
}
