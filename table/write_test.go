package table_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

func TestWriteReadsBack(t *testing.T) {
	num := []float64{0, math.Copysign(0, -1), 0.1, 1e21, 4000787030016, 1e15, -2.5e-9, math.NaN(), math.MaxFloat64, 5e-324}
	txt := []string{"", "a,b", `say "hi"`, "two\nlines", " edge ", "plain", ";", "x\ty", "é", "cr\rlf"}
	in, err := table.New(&table.Column{Name: "n, 1", Kind: table.Number, Floats: num}, &table.Column{Name: "t", Kind: table.Text, Texts: txt})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "out.csv")
	if err := table.WriteCSV(path, in); err != nil {
		t.Fatal(err)
	}
	out, err := table.ReadFile(context.Background(), path, table.ReadOptions{KeepRaw: true})
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range out.Columns[0].Floats {
		if math.Float64bits(v) != math.Float64bits(num[i]) && !math.IsNaN(v) {
			t.Errorf("row %d: wrote %v, read %v", i, num[i], v)
		}
		if out.Columns[1].Texts[i] != txt[i] {
			t.Errorf("row %d: wrote %q, read %q", i, txt[i], out.Columns[1].Texts[i])
		}
	}
	if got := out.Columns[0].Raw[4]; got != "4000787030016" {
		t.Errorf("whole numbers have no exponent: got %s", got)
	}
}

func TestWriteOneEmptyColumn(t *testing.T) {
	in, _ := table.New(&table.Column{Name: "a", Kind: table.Text, Texts: []string{"", "x", ""}})
	var b bytes.Buffer
	if err := table.EncodeCSV(&b, in); err != nil {
		t.Fatal(err)
	}
	out, err := table.ReadCSV(&b, "b", table.ReadOptions{})
	if err != nil || out.Rows() != 3 {
		t.Errorf("got %v, %v", out, err)
	}
}

func TestWriteFileLeavesNothingHalf(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "out.csv")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("no space left")
	err := table.WriteFile(path, func(w io.Writer) error {
		io.WriteString(w, strings.Repeat("x", 1<<20))
		return full
	})
	if !errors.Is(err, full) || !strings.Contains(err.Error(), path) {
		t.Errorf("got %v", err)
	}
	text, _ := os.ReadFile(path)
	names, _ := os.ReadDir(dir)
	if string(text) != "before" || len(names) != 1 {
		t.Errorf("after a failure: %q, %v", text, names)
	}
}

func TestHashPath(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("b.csv", "abc")
	write("sub/a.csv", "")
	write(".hidden", "1")
	// By hand: printf 'b.csv %s\nsub/a.csv %s\n' $(printf abc | sha256sum) ... | sha256sum
	const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
	const folder = "7199c88f4c9e12b0f9c2109d67357163e8cba1380c4574af50332101b6d58387"
	for path, want := range map[string]string{filepath.Join(dir, "b.csv"): abc, dir: folder} {
		got, err := table.HashPath(context.Background(), path)
		if err != nil || got != want {
			t.Errorf("%s: got %s, %v", path, got, err)
		}
	}
	if _, err := table.HashPath(context.Background(), filepath.Join(dir, "none")); err == nil {
		t.Error("no error for a missing file")
	}
}

func TestParseNumberAgreesWithStrconv(t *testing.T) {
	for _, s := range []string{"0", "-0", "1", "12345678901234567890", "9007199254740993", "0.1", ".5", "5.", "1e22", "1.7976931348623157e308",
		"123456789.123456789", "0.000000000000000000000001", "inf", "-Infinity", "nan", "1e-400"} {
		want, err := strconv.ParseFloat(s, 64)
		got, ok := table.ParseNumber([]byte(s))
		if ok != (err == nil) || ok && math.Float64bits(got) != math.Float64bits(want) && !math.IsNaN(want) {
			t.Errorf("%s: got %v %v, want %v %v", s, got, ok, want, err)
		}
	}
	for _, s := range []string{"", " ", ".", "-", "1 2", "0x1p4", "1_0", "1e999", "1,5", "٣", "1e", "e1", "+-1"} {
		if v, ok := table.ParseNumber([]byte(s)); ok {
			t.Errorf("%q is read as %v", s, v)
		}
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, s := range []string{"a,b\n1,x\n", "\ufeffa;b\r\n\"1\n\",\"\"\"\"\r\n", "a\n\"", "a,a\n", "a\n\x00\n", "a,b\n\n1,NA\nx,2\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		tab, err := table.ReadCSV(bytes.NewReader(in), "in", table.ReadOptions{KeepRaw: true})
		if err != nil {
			return
		}
		var b bytes.Buffer
		if err := table.EncodeCSV(&b, tab); err != nil {
			t.Fatal(err)
		}
		again, err := table.ReadCSV(bytes.NewReader(b.Bytes()), "out", table.ReadOptions{KeepRaw: true, Separator: ','})
		if err != nil {
			t.Fatalf("what was written does not read: %v\n%q", err, b.Bytes())
		}
		for _, c := range tab.Columns {
			for i := range c.Raw { // a decimal comma is written as a point
				c.Raw[i] = strings.Replace(c.Raw[i], ",", ".", 1)
			}
		}
		if got, want := show(again), show(tab); got != want {
			t.Errorf("wrote %q, read %q", want, got)
		}
	})
}

func FuzzParseNumber(f *testing.F) {
	for _, s := range []string{"1", "-2.5e3", "9007199254740993", " 7\t", ".1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := table.ParseNumber([]byte(s))
		want, err := strconv.ParseFloat(strings.Trim(s, " \t"), 64)
		if ok && (err != nil || math.Float64bits(got) != math.Float64bits(want) && !math.IsNaN(want)) {
			t.Errorf("%q: got %v, strconv has %v, %v", s, got, want, err)
		}
		if !ok && err == nil && !strings.ContainsAny(s, "xX_") && len(s) <= 1024 {
			t.Errorf("%q is refused, strconv has %v", s, want)
		}
	})
}

func BenchmarkReadCSV(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("date,serial_number,model,capacity_bytes,failure,a,b,c,d,e\n")
	for i := range 200_000 {
		fmt.Fprintf(&text, "2013-04-10,MJ0351YNG%05d,Hitachi HDS5C3030ALA630,3000592982016,0,%d,%d,0.%d,,%d\n", i%30000, i, i*7919, i, i%40)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := table.ReadCSV(bytes.NewReader(text.Bytes()), "in", table.ReadOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

func TestWriteFileSaysNoTemporaryName(t *testing.T) {
	dir := t.TempDir()
	ok := func(w io.Writer) error { _, err := io.WriteString(w, "x\n"); return err }
	if err := table.WriteFile(dir, ok); err == nil || err.Error() != dir+" is a folder; name a file to write" {
		t.Errorf("a folder: %v", err)
	}
	nowhere := filepath.Join(dir, "none", "out.csv")
	if err := table.WriteFile(nowhere, ok); err == nil || err.Error() != "write "+nowhere+": no such file or directory" {
		t.Errorf("no folder: %v", err)
	}
	bad := errs.New(errs.Invalid, "the data has no day")
	if err := table.WriteFile(filepath.Join(dir, "out.csv"), func(io.Writer) error { return bad }); err == nil || err.Error() != bad.Error() {
		t.Errorf("a fault of the data: %v", err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
