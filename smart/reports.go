package smart

import (
	"context"
	"io"
	"slices"

	"github.com/drivecast/drivecast/errs"
)

// Reports are the readings of smartctl's reports as a stream of days.
type Reports struct {
	attributes []Attribute
	days       []*Day
	next       int
	bad        int
}

// OpenReports reads all of smartctl's reports at path, as Read does, and gives them
// day by day, the oldest first; opt.Attributes are what its readings hold. A report
// that does not say when it was made is of the day today. A drive whose serial number
// is hidden goes by its world wide name, else by its device. What cannot be read goes
// to refused, as for Read. An error of kind Invalid says that no drive was found.
func OpenReports(ctx context.Context, path string, opt Options, today Date, refused func(error)) (*Reports, error) {
	s := &Reports{attributes: opt.Attributes}
	byDay := map[Date]*Day{}
	take := func(rep *Report) error {
		if rep.Kind != DriveReport {
			return nil
		}
		r := rep.Reading
		if r.Day == 0 || r.Day == NoDate {
			r.Day = today
		}
		for _, name := range []string{rep.WWN, rep.Device} {
			if r.Serial == "" {
				r.Serial = name
			}
		}
		r.Values = make([]float64, len(s.attributes))
		for i, a := range s.attributes {
			r.Values[i] = rep.Value(a)
		}
		if byDay[r.Day] == nil {
			byDay[r.Day] = &Day{Date: r.Day}
			s.days = append(s.days, byDay[r.Day])
		}
		byDay[r.Day].Readings = append(byDay[r.Day].Readings, r)
		return nil
	}
	err := Read(ctx, path, Options{}, take, func(err error) {
		s.bad++
		refused(err)
	})
	if err != nil {
		return nil, err
	}
	if len(s.days) == 0 {
		return nil, noDrive(path)
	}
	slices.SortFunc(s.days, func(a, b *Day) int { return int(a.Date) - int(b.Date) })
	return s, nil
}

// Attributes returns what Reading.Values holds, in order.
func (s *Reports) Attributes() []Attribute { return s.attributes }

// Dates returns the days of the reports, in order.
func (s *Reports) Dates() []Date {
	var out []Date
	for _, d := range s.days {
		out = append(out, d.Date)
	}
	return out
}

// Stats counts what was read.
func (s *Reports) Stats() Stats {
	n := Stats{Days: len(s.days), Bad: s.bad}
	for _, d := range s.days {
		n.Rows += len(d.Readings)
	}
	return n
}

// Start does nothing: everything is read already.
func (s *Reports) Start(context.Context) {}

// Next returns the next day, io.EOF at the end.
func (s *Reports) Next(ctx context.Context) (*Day, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.next == len(s.days) {
		return nil, io.EOF
	}
	s.next++
	return s.days[s.next-1], nil
}

// Close does nothing: no file is open.
func (s *Reports) Close() {}

func noDrive(path string) error {
	return &errs.Input{File: path, Problem: "there is no report of a drive in it", Mend: "give what smartctl -x -j prints, or a folder of such files"}
}
