package sklearn

import (
	"archive/zip"
	"testing"

	"github.com/drivecast/drivecast/tree"
)

// Fits and splits of versions of scikit-learn, as they wrote them; see peer.py.
// They are checked without Python.
func TestFixtures(t *testing.T) {
	for _, f := range []struct {
		version string
		compat  tree.Compat
	}{{"1.3.0", tree.Sklearn18}, {"1.8.0", tree.Sklearn18}, {"1.9.1", tree.Sklearn19}} {
		t.Run(f.version, func(t *testing.T) {
			z, err := zip.OpenReader("testdata/sklearn-" + f.version + ".zip")
			if err != nil {
				t.Fatal(err)
			}
			defer z.Close()
			n := (len(z.File) - 1) / 2
			if n < 45 {
				t.Fatalf("the fixture has %d cases", n)
			}
			compareAll(t, f.version, z, n, f.compat)
		})
	}
}
