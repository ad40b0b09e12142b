package feature_test

import (
	"context"
	"fmt"
	"io"
	"math"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
)

// fleet is a Stream of days in memory.
type fleet struct {
	days []*smart.Day
	at   int
}

func (f *fleet) Attributes() []smart.Attribute { return attributes }
func (f *fleet) Close()                        {}
func (f *fleet) Next(context.Context) (*smart.Day, error) {
	if f.at == len(f.days) {
		return nil, io.EOF
	}
	f.at++
	return f.days[f.at-1], nil
}

func opener(days []*smart.Day) func([]smart.Attribute) (feature.Stream, error) {
	return func([]smart.Attribute) (feature.Stream, error) { return &fleet{days: days}, nil }
}

// story has ten days 100..109 of four drives: well lives through, dies fails on
// 106, gone vanishes after 104, and back fails on 103 and is seen again on 105.
func story() []*smart.Day {
	var out []*smart.Day
	for d := 100; d < 110; d++ {
		day := &smart.Day{Date: smart.Date(d)}
		add := func(serial string, failed bool) {
			day.Readings = append(day.Readings, smart.Reading{Serial: serial, Model: "M", Day: day.Date, Failed: failed,
				Values: []float64{float64(d), 24 * float64(d), 0, 30}})
		}
		add("well", false)
		if d <= 106 {
			add("dies", d == 106)
		}
		if d <= 104 {
			add("gone", false)
		}
		if d <= 103 || d == 105 {
			add("back", d == 103)
		}
		out = append(out, day)
	}
	return out
}

func TestLabels(t *testing.T) {
	set, err := feature.Build(context.Background(), opener(story()), feature.Options{Spec: feature.NewSpec(attributes), Horizon: 2})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i := range set.Y {
		got = append(got, fmt.Sprint(set.Serial[i], " ", int(set.Day[i]), " ", set.Y[i], " ", set.Lead[i]))
	}
	var want []string
	for d := 100; d <= 107; d++ { // the windows of 108 and 109 are open
		want = append(want, fmt.Sprint("well ", d, " 0 -1"))
		if d <= 106 {
			y := 0
			if d >= 104 {
				y = 1
			}
			want = append(want, fmt.Sprint("dies ", d, " ", y, " ", 106-d))
		}
		if d <= 102 { // censored after
			want = append(want, fmt.Sprint("gone ", d, " 0 -1"))
		}
		if d <= 103 {
			y := 0
			if d >= 101 {
				y = 1
			}
			want = append(want, fmt.Sprint("back ", d, " ", y, " ", 103-d))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	s := set.Stats
	if s.Rows != len(want) || s.Positives != 6 || s.Failures != 2 || s.FailedInSet != 2 || s.Open != 2 || s.Censored != 2 || s.After != 1 ||
		s.LastDay != 109 || s.LastClosed != 107 {
		t.Errorf("got %+v", s)
	}
	if c := slices.Index(set.X.Names, "smart_5_raw"); set.X.At(3, c) != 100 || set.X.Rows != s.Rows {
		t.Errorf("the fourth row has smart_5_raw %v", set.X.At(3, c))
	}
}

func TestBuildEqualsTheFold(t *testing.T) {
	days := randomFleet(3, 60)
	set, err := feature.Build(context.Background(), opener(days), feature.Options{Spec: feature.NewSpec(attributes), Horizon: 3})
	if err != nil {
		t.Fatal(err)
	}
	f := newFold(t, attributes)
	var rows feature.Rows
	row := map[string]int{}
	for i := range set.Y {
		row[fmt.Sprint(set.Serial[i], set.Day[i])] = i
	}
	found, width := 0, len(f.Names())
	dst := make([]float64, width)
	for _, d := range days {
		f.Day(d, attributes, &rows, nil)
		for i, at := range rows.Reading {
			if n, ok := row[fmt.Sprint(d.Readings[at].Serial, d.Date)]; ok {
				found++
				if !sameBits(set.X.Row(dst, n), rows.X[i*width:(i+1)*width]) {
					t.Fatalf("day %v: %s differs", d.Date, d.Readings[at].Serial)
				}
			}
		}
	}
	if found != len(set.Y) || found < 300 {
		t.Errorf("%d of %d rows were found", found, len(set.Y))
	}
}

func TestSamplingKeepsPositivesAndItsShare(t *testing.T) {
	days := randomFleet(5, 400)
	build := func(share float64, whole smart.Date, seed uint64) *feature.Set {
		set, err := feature.Build(context.Background(), opener(days), feature.Options{Spec: feature.NewSpec(attributes), Horizon: 3,
			Negatives: share, WholeFrom: whole, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		return set
	}
	all, some, other := build(0, 0, 1), build(.2, 0, 1), build(.2, 0, 2)
	negatives := float64(all.Stats.Rows - all.Stats.Positives)
	kept := float64(some.Stats.Rows - some.Stats.Positives)
	if some.Stats.Positives != all.Stats.Positives || math.Abs(kept/negatives-.2) > 4*math.Sqrt(.16/negatives) {
		t.Errorf("%v of %v negatives kept, %d of %d positives", kept, negatives, some.Stats.Positives, all.Stats.Positives)
	}
	if some.Beta != .2 || all.Beta != 1 || some.Stats.Sampled+some.Stats.Rows != all.Stats.Rows {
		t.Errorf("beta %v, %+v", some.Beta, some.Stats)
	}
	if slices.Equal(some.Serial, other.Serial) || !slices.Equal(some.Serial, build(.2, 0, 1).Serial) {
		t.Error("the sample depends on the seed and on nothing else")
	}
	split := smart.Date(1200)
	late := build(.2, split, 1)
	count := func(s *feature.Set) (n int) {
		for _, d := range s.Day {
			if d >= split {
				n++
			}
		}
		return n
	}
	if count(late) != count(all) || late.Stats.Rows >= all.Stats.Rows {
		t.Errorf("after %v %d rows are left of %d", split, count(late), count(all))
	}
	capped, err := feature.Build(context.Background(), opener(days), feature.Options{Spec: feature.NewSpec(attributes), Horizon: 3, MaxRows: 500})
	if n := float64(capped.Stats.Rows - capped.Stats.Positives); err != nil || n > 500 || n < 50 || capped.Beta >= .2 {
		t.Errorf("at most 500 negatives were wanted, got %v, beta %v, %v", n, capped.Beta, err)
	}
	if got := feature.Correct(.5, .2); math.Abs(got-1.0/6) > 1e-15 {
		t.Errorf("even odds at one fifth of the negatives are one in six, got %v", got)
	}
}

func TestTimeSplit(t *testing.T) {
	s, err := feature.NewTimeSplit(100, 125, 7, 0, .3)
	if err != nil {
		t.Fatal(err)
	}
	// 26 days, of which 100..118 are closed; 12 are left after the gap of 7.
	if want := (feature.TimeSplit{TrainFrom: 100, TrainUntil: 107, TestFrom: 115, TestUntil: 118, Gap: 7}); s != want {
		t.Errorf("got %+v, want %+v", s, want)
	}
	train, test := s.Rows([]smart.Date{99, 100, 107, 108, 114, 115, 118, 119})
	if !slices.Equal(train, []int{1, 2}) || !slices.Equal(test, []int{5, 6}) {
		t.Errorf("got %v and %v", train, test)
	}
	if _, err := feature.NewTimeSplit(100, 114, 7, 0, .3); !errs.Is(err, errs.Invalid) {
		t.Errorf("too few days: %v", err)
	}
}

func TestBuildWithoutRows(t *testing.T) {
	_, err := feature.Build(context.Background(), opener(story()), feature.Options{Spec: feature.NewSpec(attributes), Horizon: 30})
	if !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}
