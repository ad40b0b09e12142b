package online

import (
	"archive/tar"
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestNothingIsUnpackedOutside unpacks names and links that lead out of the folder.
func TestNothingIsUnpackedOutside(t *testing.T) {
	dir := t.TempDir()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range []tar.Header{
		{Name: "app/", Typeflag: tar.TypeDir, Mode: 0o755}, {Name: "app/run", Typeflag: tar.TypeReg, Mode: 0o755, Size: 2},
		{Name: "../../up", Typeflag: tar.TypeReg, Mode: 0o644, Size: 2}, {Name: "/abs", Typeflag: tar.TypeReg, Mode: 0o644, Size: 2},
		{Name: "out", Typeflag: tar.TypeSymlink, Linkname: "../.."}, {Name: "root", Typeflag: tar.TypeSymlink, Linkname: "/"},
		{Name: "bin", Typeflag: tar.TypeSymlink, Linkname: "app"}, {Name: "out/past", Typeflag: tar.TypeReg, Mode: 0o644, Size: 2},
	} {
		if err := w.WriteHeader(&h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			if _, err := w.Write([]byte("ok")); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(dir, "a", "b", "rootfs")
	if err := untar(root, &b); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"app/run": true, "bin/run": true, "up": true, "abs": true, "out/past": true, "../up": false, "../../up": false, "../past": false, "root": false} {
		if _, err := os.Stat(filepath.Join(root, name)); (err == nil) != want {
			t.Errorf("%s: %v", name, err)
		}
	}
	if st, err := os.Stat(filepath.Join(root, "app/run")); err != nil || st.Mode()&0o100 == 0 {
		t.Errorf("the program cannot be run: %v, %v", st, err)
	}
}

func TestDurationsAndRegistries(t *testing.T) {
	for text, want := range map[string]time.Duration{"PT10S": 10 * time.Second, "PT1M30S": 90 * time.Second, "PT0.5S": time.Second / 2, "P1DT1H": 25 * time.Hour, "PT0S": 0, "ten": time.Minute, "": time.Minute, "PTxS": time.Minute} {
		if got := lasting(&text, time.Minute); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
	for image, want := range map[string]bool{"127.0.0.1:5000/a:1": true, "localhost:5000/a": true, "[::1]:5000/a:1": true, "acr.azurecr.io/a:1": false, "a:1": false, "not an image": false} {
		if nearby(image) != want {
			t.Errorf("nearby(%s) = %v", image, !want)
		}
	}
	var why *failure
	if err := fail("Code", "%d", 1); !errors.As(err, &why) || why.Error() != "Code: 1" {
		t.Errorf("%v", why)
	}
}
