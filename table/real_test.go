package table_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/table"
)

// realData returns a path below the folder of real drive data, named by the
// environment variable DRIVE_DATA; the test is skipped when that is not set.
func realData(t *testing.T, elem ...string) string {
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

func TestReadSeed(t *testing.T) {
	path := realData(t, "seed", "hdd_balanced_dataset.csv")
	tab, err := table.ReadFile(context.Background(), path, table.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	failed := 0.0
	for _, v := range tab.Column("failure").Floats {
		failed += v
	}
	if tab.Rows() != 8961 || failed != 2987 {
		t.Errorf("got %d rows, %v failed; want 8961 and 2987", tab.Rows(), failed)
	}
	for name, kind := range map[string]table.Kind{"@timestamp": table.Text, "date": table.Text, "model": table.Text, "serial_number": table.Text,
		"capacity_bytes": table.Number, "lifetime": table.Number, "model_encoded": table.Number} {
		c := tab.Column(name)
		if c == nil || c.Kind != kind || c.Mixed != nil {
			t.Errorf("%s: got %+v", name, c)
		}
	}
	if got := tab.Column("capacity_bytes").Floats[0]; got != 0.5326532214943864 {
		t.Errorf("first capacity: %v", got)
	}
}
