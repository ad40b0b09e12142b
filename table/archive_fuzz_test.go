package table_test

import (
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// FuzzArchive takes any bytes for a zip archive, a packed file or plain text. A
// file that is refused is of kind Invalid, and no member is named outside it.
func FuzzArchive(f *testing.F) {
	whole, packed := zipped(f, "d/2.csv", "a,b\n2,y\n", "d/1.CSV", "a,b\n1,x\n", "x/.csv", "?"), gz(f, "a,b\n1,x\n")
	for _, s := range []string{whole, whole[:len(whole)-30], packed, packed + packed, packed[:12], zipped(f, "../a.csv", "a\n"), "a,b\n1,x\n"} {
		f.Add([]byte(s))
	}
	path := filepath.Join(f.TempDir(), "in.zip")
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := os.WriteFile(path, in, 0o600); err != nil {
			t.Fatal(err)
		}
		members, err := table.Members(path)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%v", err)
		}
		for _, m := range members {
			if filepath.Base(m.Base) != m.Base || m.Size < 0 {
				t.Errorf("%+v", m)
			}
			drain(t, m)
		}
	})
}

// drain reads a member to its end, or to 16 MB: archives may pack far more into
// a few bytes.
func drain(t *testing.T, m table.Member) {
	taken := int64(0)
	r, err := m.Open(func(n int64) { taken += n })
	if err != nil {
		return
	}
	defer r.Close()
	if n, err := io.Copy(io.Discard, io.LimitReader(r, 16<<20)); err == nil && n > 0 && taken == 0 {
		t.Errorf("%s: %d bytes out of nothing", m.Name, n)
	}
}
