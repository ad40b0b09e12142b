package score

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// wear is a classifier that thinks a drive with more errors the likelier to fail.
type wear struct{ columns, errors int }

func (w wear) Features() int      { return w.columns }
func (w wear) Classes() []float64 { return []float64{0, 1} }
func (w wear) Scores(dst, x []float64) {
	for i := range len(dst) / 2 {
		p := x[i*w.columns+w.errors] / 1000
		dst[2*i], dst[2*i+1] = 1-p, p
	}
}

// days is a stream of a fleet of n drives.
type days struct{ n, day int }

func (d *days) Attributes() []smart.Attribute { return []smart.Attribute{smart.Raw(5)} }
func (d *days) Close()                        {}
func (d *days) Next(context.Context) (*smart.Day, error) {
	if d.day++; d.day > 3 {
		return nil, io.EOF
	}
	out := &smart.Day{Date: smart.Date(20000 + d.day)}
	for i := range d.n {
		out.Readings = append(out.Readings, smart.Reading{Day: out.Date, Serial: fmt.Sprintf("S%05d", i), Model: `ST "4", x`, Values: []float64{float64(i * 7919 % 997)}})
	}
	return out, nil
}

// TestFleetWritesTheSameRowsInBothFormats writes more rows than are made at a time.
func TestFleetWritesTheSameRowsInBothFormats(t *testing.T) {
	const drives = 5*chunkRows + 17
	written := func(follow func(*Fleet) func(context.Context, feature.Stream, smart.Date, smart.Date, io.Writer) error) []byte {
		fold, err := feature.NewFold(feature.NewSpec([]smart.Attribute{smart.Raw(5)}))
		if err != nil {
			t.Fatal(err)
		}
		m := &model.Model{Estimator: wear{len(fold.Names()), 0}, Names: fold.Names()}
		f, err := NewFleet(m, fold)
		if err != nil {
			t.Fatal(err)
		}
		f.Why, f.Reasons = true, 3
		var out bytes.Buffer
		if err := follow(f)(t.Context(), &days{n: drives}, 20002, 20003, &out); err != nil {
			t.Fatal(err)
		}
		if f.Rows != 2*drives {
			t.Errorf("%d rows, want %d", f.Rows, 2*drives)
		}
		return out.Bytes()
	}
	text := written(func(f *Fleet) func(context.Context, feature.Stream, smart.Date, smart.Date, io.Writer) error {
		return f.Follow
	})
	packed := written(func(f *Fleet) func(context.Context, feature.Stream, smart.Date, smart.Date, io.Writer) error {
		return f.FollowParquet
	})
	folder := t.TempDir()
	for name, b := range map[string][]byte{"a.csv": text, "a.parquet": packed} {
		if err := os.WriteFile(filepath.Join(folder, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	tables := map[string]*table.Table{}
	for _, name := range []string{"a.csv", "a.parquet"} {
		got, err := table.ReadFile(t.Context(), filepath.Join(folder, name), table.ReadOptions{})
		if err != nil {
			t.Fatal(err)
		}
		tables[name] = got
	}
	a, b := tables["a.csv"], tables["a.parquet"]
	if a.Rows() != b.Rows() || a.Rows() != 2*drives || len(a.Columns) != len(b.Columns) {
		t.Fatalf("%d × %d rows of CSV, %d × %d of Parquet", a.Rows(), len(a.Columns), b.Rows(), len(b.Columns))
	}
	for i, c := range a.Columns {
		if c.Name != b.Columns[i].Name {
			t.Fatalf("column %d is %s and %s", i, c.Name, b.Columns[i].Name)
		}
		for r := range a.Rows() {
			if c.TextAt(r) != b.Columns[i].TextAt(r) {
				t.Fatalf("%s of row %d: %q in CSV, %q in Parquet", c.Name, r, c.TextAt(r), b.Columns[i].TextAt(r))
			}
		}
	}
	for r, want := range []bool{true, true, true, false} {
		why := a.Columns[9].TextAt(r)
		if strings.HasPrefix(why, "reallocated sectors (SMART 5) 996 (typical ") != want || want != strings.Contains(why, ": odds x") {
			t.Errorf("row %d is riskier because %q", r, why)
		}
	}
	ranked := a.Columns[3].Floats
	for r := 1; r < drives; r++ {
		if ranked[r] > ranked[r-1] {
			t.Fatalf("row %d is riskier than the one before", r)
		}
	}
	if !strings.HasPrefix(string(text), "date,serial_number,model,probability,lower,upper,risk,abstained,reason,why\n") {
		t.Errorf("the header is %.60s", text)
	}
}
