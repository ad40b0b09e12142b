package feature

import (
	"fmt"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// TimeSplit parts rows by their days: what is learned from lies wholly before
// what is judged on, and so do the days from which its labels are read.
type TimeSplit struct {
	TrainFrom  smart.Date `json:"train_from"`
	TrainUntil smart.Date `json:"train_until"`
	TestFrom   smart.Date `json:"test_from"`
	TestUntil  smart.Date `json:"test_until"`
	Gap        int        `json:"gap"` // whole days between the two parts, at least the horizon
}

// NewTimeSplit parts the days from first to last, of which the last horizon have
// no label. share is that of the test part in the days left after the gap, at
// least one day. A gap below the horizon is raised to it. It returns an error of
// kind Invalid when fewer than two days are left.
func NewTimeSplit(first, last smart.Date, horizon, gap int, share float64) (TimeSplit, error) {
	gap = max(gap, horizon)
	closed := last - smart.Date(horizon)
	usable := int(closed-first) + 1 - gap
	if usable < 2 {
		return TimeSplit{}, errs.New(errs.Invalid, "%d days from %s to %s are too few: a horizon of %d days and a gap of %d need %d; "+
			"bring more days or take a shorter horizon", last-first+1, first, last, horizon, gap, horizon+gap+2)
	}
	test := min(max(int(float64(usable)*share+.5), 1), usable-1)
	s := TimeSplit{TrainFrom: first, TestUntil: closed, Gap: gap}
	s.TestFrom = closed - smart.Date(test) + 1
	s.TrainUntil = s.TestFrom - smart.Date(gap) - 1
	return s, nil
}

// Rows returns the positions of the rows of both parts, in order. Rows of the
// gap are in neither.
func (s TimeSplit) Rows(days []smart.Date) (train, test []int) {
	for i, d := range days {
		switch {
		case d >= s.TrainFrom && d <= s.TrainUntil:
			train = append(train, i)
		case d >= s.TestFrom && d <= s.TestUntil:
			test = append(test, i)
		}
	}
	return train, test
}

// String says the split in words.
func (s TimeSplit) String() string {
	return fmt.Sprintf("train %s..%s, gap %d days, test %s..%s", s.TrainFrom, s.TrainUntil, s.Gap, s.TestFrom, s.TestUntil)
}
