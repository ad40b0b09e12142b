package smart

import (
	"testing"
	"time"
)

func TestParseDate(t *testing.T) {
	for in, want := range map[string]string{
		"2013-04-10": "2013-04-10", "2013-4-1": "2013-04-01", " 2024-02-29 ": "2024-02-29",
		"6/1/2013": "2013-06-01", "12/31/2013": "2013-12-31", "01.06.2020": "2020-06-01", "01-10-2024": "2024-10-01",
		"2016-01-12 22:00:00+00:00": "2016-01-12", "2017-04-18T21:00:00.000Z": "2017-04-18", "1970-01-01": "1970-01-01",
	} {
		if d, err := ParseDate(in); err != nil || d.String() != want {
			t.Errorf("%q: got %v, %v; want %s", in, d, err, want)
		}
	}
	for _, in := range []string{"", "2013", "2013-04", "2013-13-01", "2023-02-29", "13/1/2013", "2013-04-10x", "2013-04-10 noon", "1/2/3",
		"20130-1-1", "2013.04-10", "-1-1-2013", "2013--1", "1969-12-31", "--"} {
		if d, err := ParseDate(in); err == nil {
			t.Errorf("%q is read as %v", in, d)
		}
	}
	if d := DateOf(time.Date(2013, 4, 10, 23, 59, 0, 0, time.UTC)); d.String() != "2013-04-10" || d+1 <= d || (d+21).String() != "2013-05-01" {
		t.Errorf("got %v", d)
	}
	if NoDate.String() != "" {
		t.Errorf("no date is %q", NoDate)
	}
}
