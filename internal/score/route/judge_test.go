package route

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/table"
)

// lived makes answers about n drives, one in ten of which fails, and their labels: the
// champion's probabilities have noise, the challenger's another.
func lived(seed uint64, n int, shadow bool, champion, next float64) ([]Answer, *Labels) {
	r := rand.New(rand.NewPCG(seed, 1))
	names := newSplit([]string{Champion, "next"}, []float64{70, 30})
	labels := &Labels{byID: map[string]string{}, byDay: map[string]string{}, byDrive: map[string]string{}}
	var out []Answer
	for i := range n {
		y, drive := 0.0, fmt.Sprint("Z", i)
		if r.Float64() < .1 {
			y = 1
		}
		guess := func(noise float64) float64 { return min(1, max(0, y+noise*(r.Float64()-2*y*r.Float64()))) }
		a := Answer{Time: time.Unix(1e9+int64(i), 0), ID: fmt.Sprint(i), Drive: drive, Route: Champion, Score: guess(champion)}
		b := a
		b.Route, b.Score = "next", guess(next)
		a.settle()
		b.settle()
		switch {
		case shadow:
			b.Shadow = true
			out = append(out, a, b)
		case names.pick(drive) == 1:
			out = append(out, b, b) // a drive's second answer tells nothing new
		default:
			out = append(out, a, a)
		}
		labels.byDay[drive+"\x00"+a.Date] = fmt.Sprint(y)
	}
	return out, labels
}

func TestJudgeFindsTheBetter(t *testing.T) {
	for name, c := range map[string]struct {
		shadow         bool
		champion, next float64
		want           string
	}{
		"paired, better":  {true, .9, .2, "next"},
		"paired, worse":   {true, .2, .9, Champion},
		"split, better":   {false, 1, .1, "next"},
		"paired, as good": {true, .5, .5, "undecided"},
		"split, as good":  {false, .5, .5, "undecided"},
	} {
		answers, labels := lived(7, 2000, c.shadow, c.champion, c.next)
		v, err := Judge(answers, labels, JudgeOptions{})
		if err != nil || v.Decision != c.want || strings.HasPrefix(name, "paired") != (v.Design == "paired") {
			t.Errorf("%s: %+v, %v", name, v, err)
		}
		if !c.shadow && (v.Drives[0]+v.Drives[1] != 2000 || math.Abs(v.Weight-30) > 4 || v.Labelled != 4000) {
			t.Errorf("%s: %+v", name, v)
		}
	}
}

// TestJudgeKeepsItsErrorRate looks after every hundred drives.
func TestJudgeKeepsItsErrorRate(t *testing.T) {
	const runs = 200
	for _, shadow := range []bool{true, false} {
		wrong := 0
		for seed := range uint64(runs) {
			answers, labels := lived(seed, 600, shadow, .6, .6)
			for n := 200; n <= len(answers); n += 200 {
				v, err := Judge(answers[:n], labels, JudgeOptions{Weight: 30})
				if err != nil {
					t.Fatal(err)
				}
				if v.Decision != "undecided" {
					wrong++
					break
				}
			}
		}
		t.Logf("shadow %v: %d of %d", shadow, wrong, runs)
		if limit := .05 + 3*math.Sqrt(.05*.95/runs); float64(wrong)/runs > limit {
			t.Errorf("shadow %v: %d of %d runs without a difference were decided", shadow, wrong, runs)
		}
	}
}

func TestLogAndLabelsMeet(t *testing.T) {
	for _, format := range []string{"parquet", "jsonl"} {
		var records []*Record
		for i := range 20 {
			r := record(fmt.Sprint("id", i), 2)
			r.Inputs = append(r.Inputs, Input{Name: "date", Texts: []string{"2026-03-01", "2026-03-02"}, Nums: make([]float64, 2)})
			r.Route = []string{Champion, "next"}[i%2]
			records = append(records, r)
		}
		path := filepath.Join(t.TempDir(), "log")
		written(t, LogConfig{Path: path, Format: format}, records...)
		answers, err := ReadLog(t.Context(), path)
		if err != nil || len(answers) != 40 {
			t.Fatalf("%s: %d answers, %v", format, len(answers), err)
		}
		a := answers[1]
		if a.Drive != "Z1" || a.Date != "2026-03-02" || a.Row != 1 || a.Score != .75 || a.Decision != "1" || a.Version != "3" {
			t.Errorf("%s: %+v", format, a)
		}
		for name, c := range map[string]struct {
			csv  string
			want int
		}{
			"by id":   {"correlation_id,row,label\nid0,1,1\nid1,0,0\n", 2},
			"by day":  {"serial_number,date,label\nZ1,2026-03-02,1\nZ0,2026-03-02,1\n", 20},
			"drive":   {"drive_id,label\nZ0,0\nZ1,1\n", 40},
			"missing": {"drive_id,label\nZ0,\nZ1,1\n", 20},
		} {
			tab, err := table.ReadCSV(strings.NewReader(c.csv), "labels.csv", table.ReadOptions{})
			if err != nil {
				t.Fatal(err)
			}
			labels, err := ReadLabels(tab, "labels.csv", "serial_number", "label")
			if err != nil {
				t.Fatal(err)
			}
			v, err := Judge(answers, labels, JudgeOptions{Loss: "error", Weight: 50})
			if err != nil || v.Labelled != c.want {
				t.Errorf("%s, %s: %+v, %v", format, name, v, err)
			}
		}
	}
}

func TestBadJudgements(t *testing.T) {
	answers, labels := lived(1, 10, true, .1, .1)
	for name, opt := range map[string]JudgeOptions{"alpha": {Alpha: 2}, "loss": {Loss: "log"}, "weight": {Weight: 100}, "name": {Challenger: "nobody"}} {
		if _, err := Judge(answers, labels, opt); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	labels.byDrive["Z0"], labels.byDay = "maybe", nil
	if _, err := Judge(answers, labels, JudgeOptions{}); err == nil || !strings.Contains(err.Error(), "--loss error") {
		t.Error(err)
	}
	if _, err := ReadLog(t.Context(), t.TempDir()); err == nil {
		t.Error("an empty log was read")
	}
}

func FuzzDecodeJSONL(f *testing.F) {
	f.Add([]byte(`{"type":"azureml.inference.outputs","time":"2026-03-04T05:06:07Z","correlationid":"a","data":[{"prediction":1,"score":0.5,"drive_id":"Z","date":"2026-01-01"}]}`))
	f.Add([]byte(`{"type":"azureml.inference.inputs"}` + "\n\n{}"))
	f.Add([]byte(`{"data":[{"prediction":null,"date":"é"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		answers, err := decodeJSONL(bytes.NewReader(text), "f")
		if err == nil && len(answers) > len(text) {
			t.Error("more answers than bytes")
		}
	})
}
