package smart

import (
	"bytes"
	"context"
	"testing"
)

// FuzzRows reads any bytes as a file of drive statistics. Every record ends as a
// reading or as a bad row.
func FuzzRows(f *testing.F) {
	f.Add([]byte("date,serial_number,model,capacity_bytes,failure,smart_5_raw\n2013-04-10,A,ST1,3.00E+12,0,1\n"))
	f.Add([]byte("\ufeffdate;serial_number;failure;smart_5_raw\r\n01.06.2020;\"A\";1;\r\n;;;\r\n"))
	f.Add([]byte("date,serial_number,smart_188_raw\nx,,\n2013-04-10 1:00,B,4295098370\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p := newParser(DefaultAttributes, NoDate, 0, nil)
		err := p.stream(context.Background(), bytes.NewReader(in), "in")
		for _, r := range p.out {
			if r.Serial == "" || r.Day == NoDate || len(r.Values) != len(DefaultAttributes) {
				t.Errorf("%q: got %+v, %v", in, r, err)
			}
			for _, v := range r.Values {
				if v < -40 {
					t.Errorf("%q: a value of %v", in, v)
				}
			}
		}
		for _, b := range p.bad {
			if b.Reason == "" || b.Line < 2 {
				t.Errorf("%q: bad row %+v", in, b)
			}
		}
	})
}
