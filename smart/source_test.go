package smart_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

const head = "date,serial_number,model,capacity_bytes,failure,smart_5_normalized,smart_5_raw,smart_188_raw\n"

func folder(t *testing.T, parts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i := 0; i < len(parts); i += 2 {
		if err := os.WriteFile(filepath.Join(dir, parts[i]), []byte(parts[i+1]), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func gz(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, text)
	w.Close()
	return b.String()
}

func zipped(parts ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, _ := z.Create(parts[i])
		io.WriteString(w, parts[i+1])
	}
	z.Close()
	return b.String()
}

// readAll writes what a source gives, one line a reading.
func readAll(t *testing.T, src *smart.Source) ([]string, error) {
	t.Helper()
	var out []string
	for {
		day, err := src.Next(context.Background())
		if err == io.EOF {
			return out, nil
		} else if err != nil {
			return out, err
		}
		for _, r := range day.Readings {
			if r.Day != day.Date {
				t.Errorf("a reading of %v in the day %v", r.Day, day.Date)
			}
			out = append(out, fmt.Sprint(day.Date, " ", r.Serial, " ", r.Model, " ", r.CapacityBytes, " ", r.Failed, " ", r.Values))
		}
	}
}

func TestSourceReadsEveryForm(t *testing.T) {
	dir := folder(t,
		"2013-04-12.csv", "date,serial_number,model,capacity_bytes,failure,smart_197_raw,smart_5_raw\n2013-04-12,A,ST1,3.00E+12,1,7,\n",
		"2013-04-10.csv.gz", gz(head+"4/10/2013,A,ST1,-1,0,100,1,4295098370\n4/10/2013,B,WDC  WD1 ,1.97e-311,0.0,,2.0,5\n"),
		"q.zip", zipped("q/2013-04-11.csv", "\ufeffdate;serial_number;failure;smart_5_raw\r\n11.04.2013;A;0;3\r\n", "readme.csv", "a,b\n1,2\n"),
		"many.csv", head+"2013-04-13,A,ST1,1e12,0,100,8,0\n2013-04-10,C,ST1,1e12,0,100,9,0\n",
		"notes.txt", "not data", ".hidden.csv", "not data")
	opt := smart.Options{Attributes: []smart.Attribute{smart.Raw(5), smart.Raw(188), smart.Raw(197), smart.Raw(9)}}
	src, err := smart.Open(context.Background(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	if got := src.Attributes(); !slices.Equal(got, opt.Attributes[:3]) {
		t.Errorf("attributes %v", got)
	}
	got, err := readAll(t, src)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"2013-04-10 A ST1 NaN false [1 2 NaN]",
		"2013-04-10 B WDC WD1 NaN false [2 5 NaN]",
		"2013-04-10 C ST1 1e+12 false [9 0 NaN]",
		"2013-04-11 A  NaN false [3 NaN NaN]",
		"2013-04-12 A ST1 3e+12 true [NaN NaN 7]",
		"2013-04-13 A ST1 1e+12 false [8 0 NaN]",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if s := src.Stats(); s.Days != 4 || s.Rows != 6 || s.Bad != 0 || s.Files != 4 {
		t.Errorf("got %+v", s)
	}
	if !smart.IsBackblaze(dir) || smart.IsBackblaze(filepath.Join(dir, "notes.txt")) || smart.IsBackblaze(dir+"/none") {
		t.Error("IsBackblaze errs")
	}
}

func TestSourceBetweenDays(t *testing.T) {
	dir := folder(t, "2013-04-10.csv", head+"2013-04-10,A,ST1,1e12,0,,1,\n", "2013-04-11.csv", head+"2013-04-11,A,ST1,1e12,0,,2,\n",
		"all.csv", head+"2013-04-09,A,ST1,1e12,0,,0,\n2013-04-12,A,ST1,1e12,0,,3,\n")
	day := func(s string) smart.Date {
		d, err := smart.ParseDate(s)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	src, err := smart.Open(context.Background(), dir, smart.Options{From: day("2013-04-10"), Until: day("2013-04-11")})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(src.Dates()); got != "[2013-04-10 2013-04-11]" {
		t.Errorf("got %s", got)
	}
}

func TestBadRowsAreSetAside(t *testing.T) {
	good := strings.Repeat("2013-04-10,A,ST1,1e12,0,100,1,2\n", 700)
	bad := []string{"2013-04-10,A,ST1", "yesterday,A,ST1,1e12,0,100,1,2", "2013-04-10,,ST1,1e12,0,100,1,2", "2013-04-10,A,ST1,1e12,2,100,1,2",
		"2013-04-10,A,ST1,1e12,0,100,one,2", "2013-04-11,A,ST1,1e12,0,100,1,2", "2013-04-10,\xff,ST1,1e12,0,100,1,2"}
	want := []string{"3 fields where the header has 8", `date: "yesterday" is not a date`, "serial_number is empty", `failure: "2" is neither 0 nor 1`,
		`smart_5_raw: "one" is not a number`, "date: 2013-04-11 stands in the file of another day", "holds bytes that are not UTF-8 text"}
	dir := folder(t, "2013-04-10.csv", head+good[:len(good)/2]+strings.Join(bad, "\n")+"\n"+good[len(good)/2:])
	var got []string
	opt := smart.Options{Quarantine: func(b smart.BadRow) {
		if want := bad[b.Line-352]; b.Text != want {
			t.Errorf("line %d: text %q, want %q", b.Line, b.Text, want)
		}
		got = append(got, b.Reason)
	}}
	src, err := smart.Open(context.Background(), dir, opt)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := readAll(t, src)
	if err != nil || len(rows) != 700 || !slices.Equal(got, want) {
		t.Errorf("%d rows, %v, reasons\n%q\nwant\n%q", len(rows), err, got, want)
	}
	if slices.ContainsFunc(rows, func(r string) bool { return r != rows[0] }) {
		t.Error("a bad row disturbed the others")
	}
	src, err = smart.Open(context.Background(), dir, smart.Options{MaxBad: .009})
	if err != nil {
		t.Fatal(err)
	}
	_, err = readAll(t, src)
	var in *errs.Input
	if !errors.As(err, &in) || in.Row != 352 || !strings.Contains(in.Problem, "7 of the 707 rows") {
		t.Errorf("past the share: %v", err)
	}
}

func TestSourceFaults(t *testing.T) {
	cut := gz(head + strings.Repeat("2013-04-10,A,ST1,1e12,0,100,1,2\n", 9000))
	for name, test := range map[string]struct {
		parts []string
		want  string
	}{
		"empty folder":   {nil, "holds no .csv"},
		"other csv":      {[]string{"a.csv", "a,b\n1,2\n"}, "the header lacks date, serial_number, smart_N_raw"},
		"empty file":     {[]string{"2013-04-10.csv", ""}, "the file is empty"},
		"name twice":     {[]string{"2013-04-10.csv", "date,date\n"}, "two columns"},
		"header only":    {[]string{"2013-04-10.csv", head}, "no day"},
		"gzip cut short": {[]string{"2013-04-10.csv.gz", cut[:len(cut)-20]}, "ends too early"},
		"zip climbs":     {[]string{"q.zip", zipped("../2013-04-10.csv", head)}, "climbs out"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, test.parts...)
			src, err := smart.Open(context.Background(), dir, smart.Options{})
			if err == nil {
				_, err = readAll(t, src)
			}
			if err == nil || !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), dir) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

func TestSourceEndsWithItsContext(t *testing.T) {
	dir := folder(t, "2013-04-10.csv", head+"2013-04-10,A,ST1,1e12,0,,1,\n", "2013-04-11.csv", head+"2013-04-11,A,ST1,1e12,0,,2,\n")
	src, err := smart.Open(context.Background(), dir, smart.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if _, err := src.Next(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := src.Next(ctx); !errs.Is(err, errs.Canceled) {
		t.Errorf("got %v", err)
	}
}
