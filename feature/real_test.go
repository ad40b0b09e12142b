package feature_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/feature"
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

// TestReal2013Daily makes the training set of 26 days. Rows, positives and ends
// were counted from the files by another program.
func TestReal2013Daily(t *testing.T) {
	path := realData(t, "backblaze", "2013_daily")
	var done, total int64
	in := smart.Options{Progress: func(d, n int64) { done, total = d, n }}
	set, err := feature.BuildPath(context.Background(), path, in, feature.Options{Horizon: 7})
	if err != nil {
		t.Fatal(err)
	}
	s := set.Stats
	if s.Rows != 408441 || s.Positives != 389 || s.Failures != 62 || s.Readings != 561489 || s.Drives != 21979 || s.LastClosed.String() != "2013-04-28" {
		t.Errorf("got %+v", s)
	}
	if s.Rows+s.Open+s.Censored+s.After != s.Readings {
		t.Errorf("readings are unaccounted for: %+v", s)
	}
	want := []string{"smart_1_raw", "smart_5_raw", "smart_9_raw", "smart_194_raw", "smart_197_raw"}
	if !slices.Equal(set.Spec.Attributes, want) || set.X.Cols != 45 {
		t.Errorf("got %v, %d features", set.Spec.Attributes, set.X.Cols)
	}
	if done != total || total == 0 {
		t.Errorf("progress ended at %d of %d", done, total)
	}
}

func BenchmarkReal2013Daily(b *testing.B) {
	path := realData(b, "backblaze", "2013_daily")
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		src, err := smart.Open(ctx, path, smart.Options{Attributes: []smart.Attribute{smart.Raw(1), smart.Raw(5), smart.Raw(9), smart.Raw(194), smart.Raw(197)}})
		if err != nil {
			b.Fatal(err)
		}
		fold, err := feature.NewFold(feature.NewSpec(src.Attributes()))
		var rows feature.Rows
		for err == nil {
			var day *smart.Day
			if day, err = src.Next(ctx); err == nil {
				fold.Day(day, src.Attributes(), &rows, nil)
			}
		}
	}
	b.ReportMetric(561489*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
