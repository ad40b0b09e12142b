package smart

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// severalDays writes files whose rows are of several days, in no order, some bad.
func severalDays(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 1))
	for f, rows := range []int{40_000, 300, 20_000} {
		var b strings.Builder
		b.WriteString("date,serial_number,model,capacity_bytes,failure,smart_5_raw,smart_9_raw,smart_194_raw\n")
		for i := range rows {
			day := fmt.Sprintf("2013-04-%02d", 10+r.IntN(5))
			if r.IntN(2000) == 0 {
				day = "never"
			}
			fmt.Fprintf(&b, "%s,S%d,ST%d000DM001,4000787030016,%d,%d,,%d\n", day, i, 1+r.IntN(3), r.IntN(50)/49, r.IntN(9), 20+r.IntN(20))
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("part%d.csv", f)), []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// told reads all days, and writes down all that is known of them.
func told(t *testing.T, dir string, held int) string {
	t.Helper()
	var out strings.Builder
	s, err := Open(t.Context(), dir, Options{Held: held, Quarantine: func(b BadRow) { fmt.Fprintln(&out, b) }})
	if err != nil {
		t.Fatal(err)
	}
	for {
		day, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&out, day.Date, day.Files, len(day.Readings))
		for _, r := range day.Readings {
			fmt.Fprintln(&out, r)
		}
		s.Recycle(day)
	}
	fmt.Fprintln(&out, s.Attributes(), s.Stats().Rows, s.Stats().Bad, s.Stats().Days, s.Stats().Files)
	return out.String()
}

// TestDaysThatShareAFile reads files of several days with all readings in memory,
// with some, and with nearly none.
func TestDaysThatShareAFile(t *testing.T) {
	dir, temp := severalDays(t), t.TempDir()
	t.Setenv("TMPDIR", temp)
	want := told(t, dir, 1_000_000)
	if strings.Count(want, "\n") < 60_000 || !strings.Contains(want, "never") {
		t.Fatalf("only %d lines", strings.Count(want, "\n"))
	}
	for _, held := range []int{1, 20_000, 59_000} {
		if got := told(t, dir, held); got != want {
			t.Errorf("with %d readings in memory the days are not the same", held)
		}
	}
	if left, err := os.ReadDir(temp); err != nil || len(left) > 0 {
		t.Errorf("%v, %v is left of the temporary file", left, err)
	}
}

// TestSpoolKeepsEverything puts away readings with every field.
func TestSpoolKeepsEverything(t *testing.T) {
	s, err := newSpool()
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	r := Reading{Serial: "s", Model: "m", WWN: "w", Firmware: "f", Protocol: 2, Medium: 1, Day: -5, Time: Date(77).Time(), CapacityBytes: 4e12, Line: 9, Failed: true, Values: []float64{1.5}}
	list := []Reading{r, {Values: []float64{-1}}}
	if _, err := s.put(list); err != nil {
		t.Fatal(err)
	}
	at, err := s.put(list)
	if err != nil {
		t.Fatal(err)
	}
	p := newParser([]Attribute{Raw(5)}, NoDate, 0, nil)
	if err := s.get(p, at); err != nil || fmt.Sprint(p.out) != fmt.Sprint(list) {
		t.Errorf("got %v, %v", p.out, err)
	}
	if err := s.get(p, piece{from: at.from, size: at.size + 1, readings: 2}); err == nil {
		t.Error("a piece that ends behind the file is read")
	}
}
