package table

import (
	"bytes"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/drivecast/drivecast/errs"
)

type typedRow struct {
	Whole int64    `parquet:"whole"`
	Small uint32   `parquet:"small"`
	Gap   *int32   `parquet:"gap,optional"`
	Half  float32  `parquet:"half"`
	Flag  bool     `parquet:"flag"`
	Maybe *bool    `parquet:"maybe,optional"`
	Word  string   `parquet:"word"`
	List  []int64  `parquet:"list"`
	Drive string   `parquet:"drive"`
	Value *float64 `parquet:"value,optional"`
}

func typedFile(t *testing.T, n int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[typedRow](&b, parquet.KeyValueMetadata("pandas", `{"index_columns": ["drive"]}`))
	one, no, v := int32(1), false, 2.5
	rows := []typedRow{{7, 4e9, &one, .1, true, &no, "a,\"b\"", []int64{1}, "d1", &v}, {-3, 1, nil, -2, false, nil, "", nil, "d2", nil}}
	for range n {
		if _, err := w.Write(rows); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestReadTyped(t *testing.T) {
	file := typedFile(t, 1)
	cols, rows, err := ReadTyped(bytes.NewReader(file), int64(len(file)), "x", TypedOptions{Room: 1 << 20})
	if err != nil || rows != 2 {
		t.Fatal(rows, err)
	}
	for i, want := range []struct {
		name, kind string
		a, b       float64
	}{{"whole", "int64", 7, -3}, {"small", "uint32", 4e9, 1}, {"gap", "float64", 1, math.NaN()}, {"half", "float32", float64(float32(.1)), -2}, {"flag", "bool", 1, 0},
		{"maybe", "object", 0, math.NaN()}, {"word", "str", math.NaN(), math.NaN()}, {"list", "object", 0, 0}, {"value", "float64", 2.5, math.NaN()}} {
		c := cols[i]
		if c.Name != want.name || c.Type != want.kind {
			t.Errorf("column %d is %s %s, want %s %s", i, c.Name, c.Type, want.name, want.kind)
		}
		if want.name == "list" {
			if c.Numbers != nil {
				t.Error("a list has numbers")
			}
			continue
		}
		same := func(x, y float64) bool { return x == y || x != x && y != y }
		if len(c.Numbers) != 2 || !same(c.Numbers[0], want.a) || !same(c.Numbers[1], want.b) {
			t.Errorf("%s holds %v", c.Name, c.Numbers)
		}
	}
	if len(cols) != 9 || !slices.Equal(cols[6].Texts, []string{`a,"b"`, ""}) {
		t.Errorf("%d columns, texts %q", len(cols), cols[6].Texts)
	}
}

func TestReadTypedIsBounded(t *testing.T) {
	file := typedFile(t, 5000)
	if _, _, err := ReadTyped(bytes.NewReader(file), int64(len(file)), "x", TypedOptions{Room: 100_000}); !errs.Is(err, errs.TooLarge) {
		t.Errorf("10,000 rows in 100 kB: %v", err)
	}
	refuse := errors.New("no")
	if _, _, err := ReadTyped(bytes.NewReader(file), int64(len(file)), "x", TypedOptions{Room: 1 << 30, Claim: func(int64) error { return refuse }}); !errors.Is(err, refuse) {
		t.Errorf("memory that was not granted: %v", err)
	}
	for n := 0; n < len(file); n += 997 {
		if _, _, err := ReadTyped(bytes.NewReader(file[:n]), int64(n), "x", TypedOptions{Room: 1 << 20}); err == nil {
			t.Errorf("cut to %d bytes: no error", n)
		}
	}
}

func FuzzReadTyped(f *testing.F) {
	f.Add([]byte("PAR1 PAR1"))
	var t testing.T
	f.Add(typedFile(&t, 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		cols, rows, err := ReadTyped(bytes.NewReader(b), int64(len(b)), "x", TypedOptions{Room: 1 << 22})
		for _, c := range cols {
			if err == nil && c.Numbers != nil && len(c.Numbers) != rows {
				t.Errorf("%s has %d of %d rows", c.Name, len(c.Numbers), rows)
			}
		}
	})
}
