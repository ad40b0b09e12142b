package smart

import (
	"bytes"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

// FuzzDocuments cuts any bytes into reports. Lines ascend, every fault is of kind
// Invalid, and something comes of every stream.
func FuzzDocuments(f *testing.F) {
	one := "{\"smartctl\":{\"version\":[7,4]},\n\"serial_number\":\"A\"}"
	for _, s := range []string{one, one + one, "[" + one + ",\n" + one + "]", one[:20] + "\n" + one, one + "\nEXIT 4\n", "\xff\xfe{\x00", "\xfe\xff\x00{\x00}",
		ataText + briefText, "$ smartctl -a x\n" + nvmeText + one, strings.Repeat("[{\"a\":", 300)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		n, last := 0, int32(0)
		err := readDocuments(bytes.NewReader(in), "in", func(r *Report) error {
			n++
			if r.Line < last || r.File != "in" {
				t.Errorf("%q: a report of line %d after %d", in, r.Line, last)
			}
			last = r.Line
			return nil
		}, func(err error) error {
			n++
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%q: %v", in, err)
			}
			return nil
		})
		if err != nil || n == 0 {
			t.Errorf("%q: %d reports and faults, %v", in, n, err)
		}
	})
}

// FuzzMapping reads any text as a mapping: what is read names its columns.
func FuzzMapping(f *testing.F) {
	for _, s := range []string{"date: d\nserial_number: s\n", "serial_number: s\nstart: a\nstop: b\nevent: {column: e, scale: 2}", "date: &a d\nserial_number: *a", "? [a]\n: b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		m, err := ParseMapping(in, "in")
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%v", err)
		}
		for what, c := range m {
			if c.Column == "" || !(c.Scale > 0) {
				t.Errorf("%q: %s is %+v", in, what, c)
			}
		}
	})
}
