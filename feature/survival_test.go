package feature_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/eval/survival"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

// days is a stream of made-up days: serial, hours, smart 5, failed.
type days struct {
	at   int
	rows [][]string
}

func (d *days) Attributes() []smart.Attribute { return []smart.Attribute{smart.Raw(5), smart.Raw(9)} }
func (d *days) Close()                        {}

func (d *days) Next(context.Context) (*smart.Day, error) {
	if d.at == len(d.rows) {
		return nil, io.EOF
	}
	day := &smart.Day{Date: smart.Date(19000 + d.at)}
	for _, row := range d.rows[d.at] {
		var serial string
		var five, hours, failed float64
		if _, err := fmt.Sscan(row, &serial, &five, &hours, &failed); err != nil {
			return nil, err
		}
		if hours < 0 {
			hours = math.NaN()
		}
		day.Readings = append(day.Readings, smart.Reading{Serial: serial, Day: day.Date, Failed: failed == 1, Values: []float64{five, hours}})
	}
	d.at++
	return day, nil
}

// TestLifetimes follows five drives: one that changes and fails, one censored, one
// seen once, one without a clock, and one whose clock goes back.
func TestLifetimes(t *testing.T) {
	open := func([]smart.Attribute) (feature.Stream, error) {
		return &days{rows: [][]string{{"A 0 100 0", "B 0 50 0", "N 0 -1 0", "Z 1 1000 0"}, {"A 0 124 0", "C 3 7 1", "Z 1 900 0"},
			{"A 2 148 0", "B 0 98 0", "Z 1 1048 0"}, {"A 2 172 1"}, {"A 2 190 0"}}}, nil
	}
	for _, test := range []struct {
		attributes []smart.Attribute
		want       string
	}{
		{nil, "C 7-31 true, A 100-172 true, B 50-98 false, Z 1000-1048 false"},
		{[]smart.Attribute{smart.Raw(5)}, "C 7-31 true [3], A 100-148 false [0], A 148-172 true [2], B 50-98 false [0], Z 1000-1048 false [1]"},
	} {
		s, err := feature.Lifetimes(context.Background(), open, test.attributes)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i := range s.Time {
			row := fmt.Sprintf("%s %v-%v %v", s.Serial[i], s.Entry[i], s.Time[i], s.Failed[i])
			if test.attributes != nil {
				row += fmt.Sprint(" ", s.X.Row(make([]float64, 1), i))
			}
			got = append(got, row)
		}
		if text := strings.Join(got, ", "); text != test.want {
			t.Errorf("got  %s\nwant %s", text, test.want)
		}
		if s.Drives != 4 || s.Failures != 2 || s.NoClock != 2 || s.After != 1 {
			t.Errorf("got %d drives, %d failures, %d without a clock, %d after", s.Drives, s.Failures, s.NoClock, s.After)
		}
		if err := (&survival.Data{Time: s.Time, Failed: s.Failed, Entry: s.Entry}).Check(); err != nil {
			t.Error(err)
		}
	}
}

// intervals maps hds_intervals.csv, survival data of Backblaze's drives by power-on
// hours.
const intervals = `
serial_number: serial_number
model: model
start: tstart
stop: tstop
event: fails
smart_5_raw: smart_5
smart_187_raw: smart_187
smart_197_raw: smart_197
`

// TestRealIntervals reads 300,201 stretches of 58,991 drives, of which 1,706 fail,
// and gives them to the judges of lifetimes. Counts are of Python's csv module.
func TestRealIntervals(t *testing.T) {
	path := realData(t, "backblaze", "hds_intervals.csv.gz")
	m, err := smart.ParseMapping([]byte(intervals), "intervals.yaml")
	if err != nil {
		t.Fatal(err)
	}
	s, err := feature.ReadSurvival(context.Background(), path, smart.Options{Mapping: m})
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Time) != 300201 || s.Drives != 58991 || s.Failures != 1706 || s.After != 0 || s.X.Cols != 3 {
		t.Errorf("got %d rows, %d drives, %d failures, %d after, %d attributes", len(s.Time), s.Drives, s.Failures, s.After, s.X.Cols)
	}
	data := &survival.Data{Time: s.Time, Failed: s.Failed, Entry: s.Entry}
	if err := data.Check(); err != nil {
		t.Fatal(err)
	}
}

func TestIntervalFaults(t *testing.T) {
	m, err := smart.ParseMapping([]byte("serial_number: s\nstart: a\nstop: b\nevent: e\n"), "map")
	if err != nil {
		t.Fatal(err)
	}
	read := func(text string, share float64) (*feature.Survival, []smart.BadRow, error) {
		path := filepath.Join(t.TempDir(), "i.csv")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var bad []smart.BadRow
		s, err := feature.ReadSurvival(context.Background(), path, smart.Options{Mapping: m, MaxBad: share, Quarantine: func(b smart.BadRow) { bad = append(bad, b) }})
		return s, bad, err
	}
	s, bad, err := read("s,a,b,e\nA,0,5,0\nA,5,5,0\nA,5,x,0\n,1,2,0\nA,5,9,maybe\nA,5,9,True\nA,9,10,0\n", .9)
	if err != nil || len(s.Time) != 2 || !s.Failed[1] || s.After != 1 || len(bad) != 4 || bad[0].Line != 3 || bad[3].Line != 6 {
		t.Errorf("got %+v, %v, %v", s, bad, err)
	}
	if _, _, err := read("s,a,b,e\nA,0,5,0\nA,5,5,0\n", 0); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("past the share: %v", err)
	}
	if _, _, err := read("s,a,b\nA,0,5\n", 0); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "lacks the mapped columns e") {
		t.Errorf("without a column: %v", err)
	}
}
