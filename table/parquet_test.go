package table

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

// types is what testdata/parquet/types_*.parquet hold, which pyarrow wrote from
// these very values with each compression, in row groups of two rows.
const types = `date,serial_number,flag,i8,u64,u32,f32,f64,f16,ts,tz,time,dec,dict,nothing
2024-01-01,0012,1,-1,18446744073709551615,4294967295,0.1,0.1,1.5,2024-01-01T12:30:15.25Z,2024-01-01T12:30:00Z,01:02:03,-1.05,a,
2024-01-01,"B,""x""",0,2,0,0,,1e+300,-2,,,,12345678901234567890.12,b,
2024-01-01,,,,,,,,,1969-12-31T23:59:59.999Z,,,,a,
2024-01-01,,1,127,1,1,+Inf,-2.5,65504,,,,0.00,,
,"é
2",0,-128,2,2,-0,,5.9604645e-08,,,,-0.01,b,
`

func parquetAsText(t testing.TB, path string, keep func(string) bool) (string, error) {
	t.Helper()
	ms, err := Members(path)
	if err != nil {
		return "", err
	}
	r, err := ms[0].OpenColumns(nil, keep)
	if err != nil {
		return "", err
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	return string(text), err
}

func TestParquetTypes(t *testing.T) {
	for _, c := range []string{"none", "snappy", "gzip", "brotli", "zstd", "lz4"} {
		t.Run(c, func(t *testing.T) {
			got, err := parquetAsText(t, "testdata/parquet/types_"+c+".parquet", nil)
			if err != nil || got != types {
				t.Errorf("got\n%s%v\nwant\n%s", got, err, types)
			}
		})
	}
	got, err := parquetAsText(t, "testdata/parquet/int96.parquet", func(c string) bool { return c != "serial_number" })
	want := "date,serial_number,ts\n2024-01-01,,2024-01-01T12:30:15.25Z\n2024-01-01,,\n2024-01-01,,1969-12-31T23:59:59.999Z\n2024-01-01,,\n,,\n"
	if err != nil || got != want {
		t.Errorf("got %q, %v", got, err)
	}
}

// TestParquetTable reads a file as a table: text by type stays text.
func TestParquetTable(t *testing.T) {
	tab, err := ReadFile(context.Background(), "testdata/parquet/types_snappy.parquet", ReadOptions{Columns: []string{"serial_number", "f64", "dict"}})
	if err != nil {
		t.Fatal(err)
	}
	if s := tab.Column("serial_number"); s.Kind != Text || s.Texts[0] != "0012" || s.Texts[4] != "é\n2" {
		t.Errorf("got %+v", s)
	}
	if f := tab.Column("f64"); f.Kind != Number || f.Floats[1] != 1e300 || !Missing(f.Floats[2]) || tab.Rows() != 5 || len(tab.Columns) != 3 {
		t.Errorf("got %+v", f)
	}
	_, err = ReadFile(context.Background(), "testdata/parquet/nested.parquet", ReadOptions{})
	var in *errs.Input
	if !errors.As(err, &in) || in.Column != "tags" || !strings.Contains(in.Problem, "nested") {
		t.Errorf("got %v", err)
	}
	if tab, err := ReadFile(context.Background(), "testdata/parquet/nested.parquet", ReadOptions{Columns: []string{"a"}}); err != nil || tab.Column("a").Floats[1] != 2 {
		t.Errorf("got %v", err)
	}
}

// TestParquetDamage flips and cuts bytes all over a file: each time it is read, or
// refused with an error of kind Invalid.
func TestParquetDamage(t *testing.T) {
	for _, name := range []string{"zstd", "snappy", "brotli"} {
		whole, err := os.ReadFile("testdata/parquet/types_" + name + ".parquet")
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for i := 0; i < len(whole); i += 23 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 1 << (i % 8)
			for _, text := range [][]byte{damaged, whole[:i]} {
				if err := readParquetBytes(text); err != nil {
					refused++
					if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "in.parquet") {
						t.Errorf("%s, byte %d: %v", name, i, err)
					}
				}
			}
		}
		if refused < len(whole)/23 {
			t.Errorf("%s: %d refused", name, refused)
		}
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	if err := os.WriteFile(path, []byte("PAR1 and then no more"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadFile(context.Background(), path, ReadOptions{}); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "cut short") {
		t.Errorf("got %v", err)
	}
}

func readParquetBytes(text []byte) error {
	p, err := openParquet(bytes.NewReader(text), int64(len(text)), "in.parquet", nil)
	if err != nil {
		return err
	}
	defer p.Close()
	_, err = io.Copy(io.Discard, io.LimitReader(p, 64<<20))
	return err
}

func FuzzParquet(f *testing.F) {
	paths, err := filepath.Glob("testdata/parquet/*.parquet")
	if err != nil || len(paths) == 0 {
		f.Fatal("no files to begin with")
	}
	for _, p := range paths {
		text, err := os.ReadFile(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		if err := readParquetBytes(in); err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%v", err)
		}
	})
}
