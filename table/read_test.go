package table_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

func gz(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// zipped packs members given as name, content, name, content.
func zipped(t testing.TB, parts ...string) string {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, err := z.Create(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(parts[i+1]))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func put(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// show writes a table as its header and rows, with kinds: n for numbers.
func show(tab *table.Table) string {
	var b strings.Builder
	for i, c := range tab.Columns {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(c.Name)
		if c.Kind == table.Number {
			b.WriteString(":n")
		}
	}
	for r := range tab.Rows() {
		b.WriteString("|")
		for i, c := range tab.Columns {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(c.TextAt(r))
		}
	}
	return b.String()
}

func TestReadForms(t *testing.T) {
	for _, test := range []struct{ name, in, want string }{
		{"plain", "a,b\n1,x\n2.5,y\n", "a:n b|1 x|2.5 y"},
		{"no last line end", "a,b\n1,x\n2,y", "a:n b|1 x|2 y"},
		{"crlf", "a,b\r\n1,x\r\n2,y\r\n", "a:n b|1 x|2 y"},
		{"byte-order mark", "\ufeffa,b\n1,x\n", "a:n b|1 x"},
		{"semicolons", "a;b\n1;x,y\n", "a:n b|1 x,y"},
		{"decimal commas", "a;b;c\n1,5;-1,24556E+11;1,2,3\n", "a:n b:n c|1.5 -124556000000 1,2,3"},
		{"no decimal commas", "a,b\n\"1,5\",2\n", "a b:n|1,5 2"},
		{"tabs", "a\tb\n1\tx\n", "a:n b|1 x"},
		{"quotes", "a,b\n\"1\",\"x, \"\"y\"\"\nz\"\n2,\n", "a:n b|1 x, \"y\"\nz|2 "},
		{"quoted header", "\"a, 1\",b\n1,2\n", "a, 1:n b:n|1 2"},
		{"quote inside a field", "a,b\n3.5\" disk,1\n", "a b:n|3.5\" disk 1"},
		{"blank lines", "a,b\n\n1,2\n\r\n3,4\n\n", "a:n b:n|1 2|3 4"},
		{"exponents", "a\n1e3\n-2.5E-1\n+7\n3.00E+12\n", "a:n|1000|-0.25|7|3000000000000"},
		{"missing", "a,b\n,1\nNA,\nNaN,2\n4,3\n", "a:n b:n| 1| | 2|4 3"},
		{"marks alone are text", "a,b\nNA,1\n,2\n", "a b:n|NA 1| 2"},
		{"empty column", "a,b\n,1\n,2\n", "a:n b:n| 1| 2"},
		{"late text", "a,b\n,1\n,2\nx,3\n", "a b:n| 1| 2|x 3"},
		{"booleans", "a\nTrue\nFalse\n", "a|True|False"},
		{"not numbers", "a,b,c,d\n0x10,1_000,1e999,--1\n", "a b c d|0x10 1_000 1e999 --1"},
		{"mixed keeps its texts", "a,b\n007,1\n1.50,2\noops,3\n4,4\n", "a b:n|007 1|1.50 2|oops 3|4 4"},
		{"nameless column", ",b\n0,1\n", "Unnamed: 0:n b:n|0 1"},
		{"gzip", gz(t, "a,b\n1,x\n"), "a:n b|1 x"},
		{"two gzip streams", gz(t, "a,b\n1,x\n") + gz(t, "2,y\n"), "a:n b|1 x|2 y"},
		{"zip by name", zipped(t, "d/", "", "d/2.csv", "a,b\n2,y\n", "d/1.CSV", "a,b\n1,x\n", "__MACOSX/1.csv", "?", "readme", "x"),
			"a:n b|1 x|2 y"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := table.ReadFile(context.Background(), put(t, "data.csv", test.in), table.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if s := show(got); s != test.want {
				t.Errorf("got  %q\nwant %q", s, test.want)
			}
		})
	}
}

func TestReadFaults(t *testing.T) {
	cut := gz(t, "a,b\n"+strings.Repeat("1,2\n", 9000))
	rubbish := "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	for _, test := range []struct{ name, in, row, column, want string }{
		{"empty", "", "0", "", "the file is empty"},
		{"empty gzip", gz(t, ""), "0", "", "the file is empty"},
		{"blank", "\n\n", "0", "", "the file is empty"},
		{"header only", "a,b\n", "0", "", "a header and no rows"},
		{"name twice", "a,b,a\n1,2,3\n", "1", "a", "two columns have this name"},
		{"short row", "a,b\n1,2\n\n3\n", "4", "", "the row has 1 field, the header has 2"},
		{"long row", "a,b\n1,2\n3,4,5\n", "3", "", "the row has 3 fields, the header has 2"},
		{"row after quotes", "a,b\n\"1\n\n\",2\n3\n", "5", "", "the row has 1 field, the header has 2"},
		{"binary", rubbish, "1", "", "not UTF-8"},
		{"nul", "a,b\n1,2\n\x00,4\n", "3", "", "NUL bytes"},
		{"latin 1", "a,b\n1,caf\xe9\n", "2", "", "not UTF-8"},
		{"utf-16", "\xff\xfea\x00,\x00b\x00", "1", "", "UTF-16"},
		{"parquet", "PAR1....", "0", "", "Parquet"},
		{"open quote", "a,b\n1,2\n\"3,4\n5,6\n", "3", "", "never closed"},
		{"text after quote", "a,b\n\"1\"x,2\n", "2", "", "after a closing quote"},
		{"old Mac", "a,b\r1,2\r3,4", "1", "", "carriage return alone"},
		{"gzip cut short", cut[:len(cut)-30], "", "", "ends too early"},
		{"gzip damaged", cut[:30] + "????" + cut[34:], "", "", "damaged"},
		{"gzip header", "\x1f\x8b\x00\x00", "0", "", "gzip header"},
		{"zip damaged", "PK\x03\x04....", "0", "", "zip archive is damaged"},
		{"zip without csv", zipped(t, "readme.txt", "x"), "0", "", "no .csv file"},
		{"zip climbs", zipped(t, "../../a.csv", "a\n1\n"), "0", "", "climbs out"},
		{"zip absolute", zipped(t, "/a.csv", "a\n1\n"), "0", "", "climbs out"},
		{"zip climbs backwards", zipped(t, `x\..\..\a.csv`, "a\n1\n"), "0", "", "climbs out"},
		{"zip headers differ", zipped(t, "1.csv", "a\n1\n", "2.csv", "b\n1\n"), "1", "", "header differs"},
	} {
		t.Run(test.name, func(t *testing.T) {
			path := put(t, "data.csv", test.in)
			tab, err := table.ReadFile(context.Background(), path, table.ReadOptions{})
			var in *errs.Input
			if !errors.As(err, &in) {
				t.Fatalf("got %v, %v; want an input error", tab, err)
			}
			if !strings.Contains(in.Problem, test.want) || !strings.HasPrefix(in.File, path) || in.Column != test.column || in.Mend == "" {
				t.Errorf("got %v, want %q", in, test.want)
			}
			if test.row != "" && fmt.Sprint(in.Row) != test.row {
				t.Errorf("got line %d, want %s", in.Row, test.row)
			}
		})
	}
}

// TestTruncationNamesTheLineReached cuts a file that is mostly whole.
func TestTruncationNamesTheLineReached(t *testing.T) {
	var b strings.Builder
	b.WriteString("a,b\n")
	const rows = 300_000
	for i := range rows {
		fmt.Fprintf(&b, "%d,%d\n", i, i*7919%10007)
	}
	packed := gz(t, b.String())
	_, err := table.ReadFile(context.Background(), put(t, "cut.csv.gz", packed[:len(packed)-2000]), table.ReadOptions{})
	var in *errs.Input
	if !errors.As(err, &in) || in.Row < rows*9/10 || in.Row > rows {
		t.Errorf("got %v", err)
	}
}

func TestReadFileThatIsNoFile(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]string{dir: "folder", filepath.Join(dir, "none.csv"): "no such file"} {
		_, err := table.ReadFile(context.Background(), path, table.ReadOptions{})
		if err == nil || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
}

func TestMixedColumnsAreReported(t *testing.T) {
	in := "id,a,b,c\nx,1,,q\ny,two,NA,r\nz,3,5,s\nw,four,6,t\n"
	tab, err := table.ReadCSV(strings.NewReader(in), "in.csv", table.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	want := &table.Mixed{Numbers: 2, Others: 2, File: "in.csv", Line: 3, Text: "two"}
	if got := tab.Column("a").Mixed; !reflect.DeepEqual(got, want) {
		t.Errorf("a: got %+v, want %+v", got, want)
	}
	for _, name := range []string{"id", "b", "c"} {
		if m := tab.Column(name).Mixed; m != nil {
			t.Errorf("%s: got %+v, want none", name, m)
		}
	}
	text := `in.csv: line 3: column "a": "two" is not a number, and 2 other fields of the column are; ` +
		"mend the field, or leave the column out with --features"
	if got := want.Error("a").Error(); got != text {
		t.Errorf("got %q", got)
	}
}

func TestReadOptions(t *testing.T) {
	in := "id,a,b\n007,1.50,2\n8,,3\n"
	opt := table.ReadOptions{Columns: []string{"id", "a", "none"}, Texts: []string{"id"}, KeepRaw: true}
	tab, err := table.ReadCSV(strings.NewReader(in), "in.csv", opt)
	if err != nil {
		t.Fatal(err)
	}
	if got := show(tab); got != "id a:n|007 1.50|8 " {
		t.Errorf("got %q", got)
	}
	if a := tab.Column("a").Floats; a[0] != 1.5 || !math.IsNaN(a[1]) {
		t.Errorf("got %v", a)
	}
}

// TestLongInput goes over block borders with quotes, and counts progress.
func TestLongInput(t *testing.T) {
	var b strings.Builder
	b.WriteString("n,text\n")
	const rows = 120_000
	for i := range rows {
		fmt.Fprintf(&b, "%d,\"line %d\nof, text\"\n", i, i)
	}
	var done, total int64
	opt := table.ReadOptions{Progress: func(d, t int64) { done, total = d, t }}
	tab, err := table.ReadFile(context.Background(), put(t, "long.csv", b.String()), opt)
	if err != nil {
		t.Fatal(err)
	}
	if done != int64(b.Len()) || total != done {
		t.Errorf("progress ended at %d of %d, the file has %d", done, total, b.Len())
	}
	if tab.Rows() != rows {
		t.Fatalf("got %d rows", tab.Rows())
	}
	for i, v := range tab.Column("n").Floats {
		if want := fmt.Sprintf("line %d\nof, text", i); v != float64(i) || tab.Column("text").Texts[i] != want {
			t.Fatalf("row %d: got %v, %q", i, v, tab.Column("text").Texts[i])
		}
	}
}

func TestReadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := table.ReadFile(ctx, put(t, "a.csv", "a\n"+strings.Repeat("1\n", 5_000_000)), table.ReadOptions{})
	if !errs.Is(err, errs.Canceled) {
		t.Errorf("got %v", err)
	}
}
