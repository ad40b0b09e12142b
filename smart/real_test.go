package smart_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/drivecast/drivecast/smart"
)

// realData returns a path below the folder of real drive data, named by the
// environment variable DRIVE_DATA; the test is skipped when that is not set.
func realData(t testing.TB, elem ...string) string {
	t.Helper()
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drive data to read")
	}
	path := filepath.Join(append([]string{dir}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("DRIVE_DATA is set, and its data is missing: %v", err)
	}
	return path
}

func TestReal2013Daily(t *testing.T) {
	began := time.Now()
	src, err := smart.Open(context.Background(), realData(t, "backblaze", "2013_daily"), smart.Options{})
	if err != nil {
		t.Fatal(err)
	}
	f, err := src.Filled(context.Background())
	t.Log(f, err, time.Since(began), src.Dates())
	failed := 0
	serials := map[string]bool{}
	for {
		d, err := src.Next(context.Background())
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		for _, r := range d.Readings {
			if r.Failed {
				failed++
			}
			serials[r.Serial] = true
		}
	}
	t.Log(src.Stats(), failed, len(serials), time.Since(began))
}
