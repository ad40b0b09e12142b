package smart_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

func drive(serial string) string {
	return "{\n  \"smartctl\": {\"version\": [7, 4]},\n  \"device\": {\"protocol\": \"ATA\", \"info_name\": \"} ] \\\" {\"},\n  \"serial_number\": \"" + serial + "\"\n}"
}

func wide(s string, bigEndian, mark bool) string {
	var b bytes.Buffer
	if mark {
		s = "\ufeff" + s
	}
	for _, u := range utf16.Encode([]rune(s)) {
		if bigEndian {
			b.Write([]byte{byte(u >> 8), byte(u)})
		} else {
			b.Write([]byte{byte(u), byte(u >> 8)})
		}
	}
	return b.String()
}

const plainText = "smartctl 7.2 2020-12-30 r5155\n\nSerial Number:    %s\nDevice Model:     ST4000VN008\n"

// TestStreamsOfReports cuts what people have into reports: "A@1" is a drive that
// begins on line 1, "!3" a fault on line 3.
func TestStreamsOfReports(t *testing.T) {
	text := func(serial string) string { return fmt.Sprintf(plainText, serial) }
	for name, test := range map[string]struct{ in, want string }{
		"one behind the other": {drive("A") + drive("B") + "\n\n" + drive("C"), "A@1 B@5 C@11"},
		"an array":             {"[\n" + drive("A") + ",\n" + drive("B") + "\n]\n", "A@2 B@7"},
		"an array on one line": {"[ " + strings.ReplaceAll(drive("A"), "\n", "") + ",{}]", "A@1 !1"},
		"lines":                {strings.ReplaceAll(drive("A"), "\n", "") + "\n" + strings.ReplaceAll(drive("B"), "\n", ""), "A@1 B@2"},
		"garbage behind":       {drive("A") + "\nEXIT 4\nmore\n", "A@1 !6"},
		"garbage between":      {drive("A") + "\nEXIT 4\n" + drive("B") + "\nEXIT\n", "A@1 !6 B@7 !12"},
		"cut short":            {drive("A")[:40] + "\n" + drive("B"), "!3 B@4"},
		"cut in a text":        {drive("A")[:30] + "\"x\n" + drive("B") + drive("C")[:20], "!2 B@3 !8"},
		"another's JSON":       {"{\"a\": 1}\n" + drive("A"), "!1 A@2"},
		"wrong brackets":       {"{\"a\": [1}\n{\"b\": 2\n" + drive("A"), "!1 !2 A@3"},
		"texts":                {text("A") + text("B"), "A@1 B@5"},
		"prompts":              {"# smartctl -a /dev/sda\n" + text("A") + "# smartctl -a /dev/sdb\n" + text("B"), "A@1 B@7"},
		"text and JSON":        {text("A") + drive("B") + "\n" + text("C"), "A@1 B@5 C@10"},
		"UTF-16":               {wide(drive("A")+"\r\n"+drive("Ä𝄞"), false, true), "A@1 Ä𝄞@6"},
		"UTF-16, high first":   {wide(text("A"), true, true), "A@1"},
		"UTF-16, no mark":      {wide(drive("A"), false, false), "A@1"},
		"UTF-8 mark":           {"\ufeff" + drive("A"), "A@1"},
		"much depth":           {strings.Repeat(`{"a":`, 1000) + "\n" + drive("A"), "!1 A@2"},
		"nothing":              {"", "!0"},
		"blank":                {"\n\n", "!0"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			err := smart.ReadFrom(context.Background(), strings.NewReader(test.in), "in", smart.Options{}, func(r *smart.Report) error {
				if r.File != "in" {
					t.Errorf("file %q", r.File)
				}
				got = append(got, fmt.Sprintf("%s@%d", r.Serial, r.Line))
				return nil
			}, func(err error) { got = append(got, fmt.Sprintf("!%d", rowOf(t, err))) })
			if want := strings.Fields(test.want); err != nil || !slices.Equal(got, want) {
				t.Errorf("got %v, %v; want %v", got, err, want)
			}
		})
	}
}

// TestStreamsOfTables reads statistics from a stream and names it in faults.
func TestStreamsOfTables(t *testing.T) {
	rows := head + "2013-04-10,A,ST1,1e12,0,100,1,2\n2013-04-10,B,ST1,1e12,0,100,x,2\n"
	for name, in := range map[string]string{"plain": rows, "gzip": gz(rows), "zip": zipped("2013-04-10.csv", rows)} {
		t.Run(name, func(t *testing.T) {
			var got, bad []string
			opt := smart.Options{MaxBad: .5, Quarantine: func(b smart.BadRow) { bad = append(bad, fmt.Sprint(b.File, b.Line)) }}
			err := smart.ReadFrom(context.Background(), strings.NewReader(in), "standard input", opt, func(r *smart.Report) error {
				got = append(got, fmt.Sprint(r.File, r.Line, r.Serial))
				return nil
			}, nil)
			file := "standard input"
			if name == "zip" {
				file += "/2013-04-10.csv"
			}
			if err != nil || !slices.Equal(got, []string{file + "2A"}) || !slices.Equal(bad, []string{file + "3"}) {
				t.Errorf("got %q, %q, %v", got, bad, err)
			}
		})
	}
	err := smart.ReadFrom(context.Background(), strings.NewReader("a,b\n1,2\n"), "standard input", smart.Options{}, nil, nil)
	if err == nil || !strings.HasPrefix(err.Error(), "standard input: line 1") {
		t.Errorf("got %v", err)
	}
}

func rowOf(t *testing.T, err error) int {
	t.Helper()
	var in *errs.Input
	if !errors.As(err, &in) || in.File != "in" || in.Mend == "" {
		t.Fatalf("got %v", err)
	}
	return in.Row
}

func TestOtherJSONIsToldOfOnce(t *testing.T) {
	var told []string
	err := smart.ReadFrom(t.Context(), strings.NewReader(`{"a":1}`), "in", smart.Options{}, func(*smart.Report) error { return nil }, func(err error) { told = append(told, err.Error()) })
	if err != nil || len(told) != 1 || !strings.Contains(told[0], "it has no member smartctl") {
		t.Errorf("%q, %v", told, err)
	}
}
