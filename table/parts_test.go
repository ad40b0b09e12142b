package table

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/drivecast/drivecast/errs"
)

// Tables of a few rows, put together, are the table that is read at once: kinds that
// only a late row shows hold in all of them.
func TestPartsAreTheWhole(t *testing.T) {
	var b strings.Builder
	b.WriteString("id,hours,late,empty\n")
	for i := range 103 {
		late := fmt.Sprint(i)
		if i == 99 {
			late = "x,\"y"
		}
		fmt.Fprintf(&b, "D%d,%d.50,%s,\n", i, i, AppendText(nil, late))
	}
	path := filepath.Join(t.TempDir(), "a.csv")
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	want, err := ReadFile(t.Context(), path, ReadOptions{KeepRaw: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ size, lo, hi int }{{10, 0, 103}, {1, 0, 103}, {103, 0, 103}, {7, 90, 101}, {7, 5, 5}} {
		var kinds []Kind
		var rows []string
		calls := 0
		err := ReadParts(t.Context(), path, Parts{ReadOptions: ReadOptions{KeepRaw: true}, Rows: c.size, Range: func(int) (int, int) { return c.lo, c.hi },
			Each: func(part *Table, at int) error {
				calls++
				if at != c.lo+len(rows) || part.Rows() > c.size {
					t.Errorf("%d rows at %d, want at %d", part.Rows(), at, c.lo+len(rows))
				}
				kinds = kinds[:0]
				for _, col := range part.Columns {
					kinds = append(kinds, col.Kind)
				}
				for r := range part.Rows() {
					rows = append(rows, rowText(part, r))
				}
				return nil
			}})
		if err != nil || calls == 0 {
			t.Fatalf("%v: %d tables, %v", c, calls, err)
		}
		var all []string
		for r := c.lo; r < c.hi; r++ {
			all = append(all, rowText(want, r))
		}
		if !slices.Equal(rows, all) {
			t.Errorf("%v: other rows", c)
		}
		for i, col := range want.Columns {
			if kinds[i] != col.Kind {
				t.Errorf("%v: %s is of kind %v, want %v", c, col.Name, kinds[i], col.Kind)
			}
		}
	}
}

func rowText(t *Table, r int) string {
	out := ""
	for _, c := range t.Columns {
		out += c.TextAt(r) + "|"
	}
	return out
}

// What is live between two tables does not grow with the rows that were read.
func TestPartsStayFlat(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.csv")
	text := "id,hours\n" + strings.Repeat("ST4000DM000-Z302G5F6,0.5326532214943864\n", 300_000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var live []uint64
	err := ReadParts(t.Context(), path, Parts{Rows: 10_000, Each: func(*Table, int) error {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		live = append(live, m.HeapAlloc)
		return nil
	}})
	if err != nil || len(live) != 30 {
		t.Fatal(len(live), err)
	}
	if first, last := live[2], live[29]; last > first+2<<20 {
		t.Errorf("%d bytes live after 3 tables, %d after 30", first, last)
	}
}

// A Parquet file in parts is what it is in one piece: numbers, texts that CSV would
// quote, nulls, identifiers that look like numbers, floats of both widths.
func TestPartsOfParquet(t *testing.T) {
	type line struct {
		ID     string   `parquet:"id"`
		Note   *string  `parquet:"note,optional"`
		Whole  int64    `parquet:"whole"`
		Small  uint8    `parquet:"small"`
		Yes    bool     `parquet:"yes"`
		Single float32  `parquet:"single"`
		Double *float64 `parquet:"double,optional"`
		Nan    float64  `parquet:"nan"`
		Serial int64    `parquet:"serial_number"`
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewGenericWriter[line](f, parquet.MaxRowsPerRowGroup(40))
	for i := range 103 {
		l := line{ID: fmt.Sprintf("00%d", i), Whole: int64(i) << 50, Small: uint8(200 + i%50), Yes: i%3 == 0, Single: float32(i) / 10, Nan: math.NaN(), Serial: int64(1e15) + int64(i)}
		if i%4 > 0 {
			l.Note, l.Double = new(fmt.Sprintf("a \"b\",\n%d", i)), new(float64(i)/3)
		}
		if _, err := w.Write([]line{l}); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	options := ReadOptions{KeepRaw: true, RawOf: func(c string) bool { return c == "serial_number" }}
	want, err := ReadFile(t.Context(), path, options)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ size, lo, hi int }{{10, 0, 103}, {103, 0, 103}, {64, 3, 101}, {7, 39, 41}, {7, 5, 5}} {
		at := c.lo
		err := ReadParts(t.Context(), path, Parts{ReadOptions: options, Rows: c.size, Range: func(int) (int, int) { return c.lo, c.hi }, Each: func(part *Table, from int) error {
			if from != at {
				t.Errorf("rows from %d, want %d", from, at)
			}
			for r := range part.Rows() {
				for j, col := range part.Columns {
					if other := want.Columns[j]; col.Name != other.Name || col.Kind != other.Kind || col.TextAt(r) != other.TextAt(at) {
						t.Fatalf("row %d: %s %v %q, want %s %v %q", at, col.Name, col.Kind, col.TextAt(r), other.Name, other.Kind, other.TextAt(at))
					}
				}
				at++
			}
			return nil
		}})
		if err != nil || at != c.hi {
			t.Errorf("%v: up to row %d, %v", c, at, err)
		}
	}
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 { // damaged files are refused, or read
		bad := slices.Clone(whole)
		bad[4+r.IntN(len(bad)-4)] ^= byte(1 << r.IntN(8))
		if err := os.WriteFile(path, bad, 0o600); err != nil {
			t.Fatal(err)
		}
		err := ReadParts(t.Context(), path, Parts{Rows: 10, Each: func(*Table, int) error { return nil }})
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Fatal(err)
		}
	}
}
