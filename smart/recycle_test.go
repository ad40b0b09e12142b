package smart_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/smart"
)

// TestRecycleChangesNothing reads days of different sizes with and without giving
// them back.
func TestRecycleChangesNothing(t *testing.T) {
	dir := t.TempDir()
	for d := range 12 {
		var text strings.Builder
		text.WriteString("date,serial_number,model,capacity_bytes,failure,smart_5_raw,smart_9_raw\n")
		for i := range 5000 * (1 + d*7%4) {
			raw := fmt.Sprint(d * i)
			if (d+i)%5 == 0 {
				raw = ""
			}
			fmt.Fprintf(&text, "2020-01-%02d,S%d,ST%d,%d000000000,0,%s,%d\n", d+1, i, i%3, 1+i%4*1000, raw, i)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("2020-01-%02d.csv", d+1)), []byte(text.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	read := func(recycle bool) (out []string) {
		src, err := smart.Open(context.Background(), dir, smart.Options{})
		if err != nil {
			t.Fatal(err)
		}
		for {
			day, err := src.Next(context.Background())
			if errors.Is(err, io.EOF) {
				return out
			} else if err != nil {
				t.Fatal(err)
			}
			for _, r := range day.Readings {
				out = append(out, fmt.Sprint(r))
			}
			if recycle {
				src.Recycle(day)
			}
		}
	}
	want, got := read(false), read(true)
	if len(want) != len(got) {
		t.Fatalf("%d and %d readings", len(want), len(got))
	}
	for i := range want {
		if want[i] != got[i] {
			t.Fatalf("reading %d: %s and %s", i, want[i], got[i])
		}
	}
}
