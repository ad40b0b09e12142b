// Package cron tells when a schedule fires, in a time zone with its
// daylight-saving changes.
//
// A time of day that a change of clocks skips fires later by what the clocks
// were put forward; one that comes twice fires the first time only. Schedules
// that fire every hour or minute go by elapsed time instead: they fire in both
// of the hours that look alike, and not in the one that does not exist.
package cron

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Trigger is a rule for firing.
type Trigger interface {
	// Next returns the first time after t, or the zero time when there is none
	// (within the next eight years, for rules that fire on rare days).
	Next(t time.Time) time.Time
}

// horizon is how far ahead rare days are looked for: a 29 February may be eight
// years away.
const horizon = 8*366 + 1

// Expression is a cron expression of five fields: minute, hour, day of the
// month, month, day of the week (0 or 7 is Sunday). Fields know *, lists,
// ranges, steps and English names. With both day fields restricted, a day fits
// if either does.
type Expression struct {
	minute, hour, day, month, weekday uint64 // bit i is set when i fits
	anyDay, anyWeekday, anyHour       bool
	zone                              *time.Location
}

var (
	monthNames = []string{"", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}
	dayNames   = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// Parse reads a cron expression for a time zone. A fault is of kind Invalid and
// names the field.
func Parse(text string, zone *time.Location) (*Expression, error) {
	parts := strings.Fields(text)
	if len(parts) != 5 {
		return nil, errs.New(errs.Invalid, "a cron expression has 5 fields (minute hour day month weekday), this one has %d", len(parts))
	}
	e := &Expression{zone: zone}
	for i, f := range []struct {
		name     string
		lo, hi   int
		names    []string
		into     *uint64
		wildcard *bool
	}{
		{"minute", 0, 59, nil, &e.minute, new(bool)}, {"hour", 0, 23, nil, &e.hour, &e.anyHour}, {"day", 1, 31, nil, &e.day, &e.anyDay},
		{"month", 1, 12, monthNames, &e.month, new(bool)}, {"weekday", 0, 7, dayNames, &e.weekday, &e.anyWeekday},
	} {
		bits, err := field(parts[i], f.lo, f.hi, f.names)
		if err != nil {
			return nil, errs.Wrap(err, "%s %q", f.name, parts[i])
		}
		*f.into, *f.wildcard = bits, strings.HasPrefix(parts[i], "*")
	}
	if e.weekday&(1<<7) != 0 {
		e.weekday |= 1
	}
	return e, nil
}

func field(text string, lo, hi int, names []string) (uint64, error) {
	var bits uint64
	for part := range strings.SplitSeq(text, ",") {
		span, by, stepped := strings.Cut(part, "/")
		step := 1
		if stepped {
			n, err := strconv.Atoi(by)
			if err != nil || n < 1 || n > hi {
				return 0, errs.New(errs.Invalid, "step %q is not a number from 1 to %d", by, hi)
			}
			step = n
		}
		from, to := lo, hi
		if span != "*" {
			a, b, ranged := strings.Cut(span, "-")
			var err error
			if from, err = value(a, lo, hi, names); err != nil {
				return 0, err
			}
			if to = from; stepped {
				to = hi
			}
			if ranged {
				if to, err = value(b, lo, hi, names); err != nil {
					return 0, err
				}
			}
		}
		if from > to {
			return 0, errs.New(errs.Invalid, "the range %q runs backwards", span)
		}
		for i := from; i <= to; i += step {
			bits |= 1 << i
		}
	}
	return bits, nil
}

func value(text string, lo, hi int, names []string) (int, error) {
	if i := slices.Index(names, strings.ToLower(text)); i >= lo && text != "" {
		return i, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < lo || n > hi {
		return 0, errs.New(errs.Invalid, "%q is not a number from %d to %d", text, lo, hi)
	}
	return n, nil
}

// IgnoresDays reports whether the day and month fields are both *.
func (e *Expression) IgnoresDays() bool { return e.anyDay && e.month == 1<<13-2 }

// Next is described at Trigger.
func (e *Expression) Next(t time.Time) time.Time {
	day := date(t.In(e.zone)).AddDate(0, 0, -1) // a gap may push a time into the next day
	for range horizon {
		if e.fits(day) {
			if at := earliest(t, e.times(day)); !at.IsZero() {
				return at
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

func (e *Expression) fits(day time.Time) bool {
	if e.month&(1<<int(day.Month())) == 0 {
		return false
	}
	d, w := e.day&(1<<day.Day()) != 0, e.weekday&(1<<int(day.Weekday())) != 0
	if e.anyDay || e.anyWeekday {
		return d && w
	}
	return d || w
}

func (e *Expression) times(day time.Time) []time.Time {
	var out []time.Time
	for h := range 24 {
		for m := range 60 {
			if e.hour&(1<<h) != 0 && e.minute&(1<<m) != 0 {
				out = append(out, instants(day, h, m, e.zone, e.anyHour)...)
			}
		}
	}
	return out
}

// date is the calendar day of t, as midnight UTC: arithmetic on days then knows
// no clock changes.
func date(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// instants are the moments when clocks show h:m on a day. By elapsed time there
// may be none or two, otherwise there is exactly one.
func instants(day time.Time, h, m int, zone *time.Location, elapsed bool) []time.Time {
	wall := day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute)
	offset := func(t time.Time) time.Duration {
		_, s := t.In(zone).Zone()
		return time.Duration(s) * time.Second
	}
	before, after := wall.Add(-offset(wall.Add(-24*time.Hour))), wall.Add(-offset(wall.Add(24*time.Hour)))
	shows := func(t time.Time) bool { return t.Add(offset(t)).Equal(wall) }
	switch {
	case before.Equal(after):
		return []time.Time{before.In(zone)}
	case shows(before) && shows(after): // twice; clocks were put back, so before is the earlier
		if elapsed {
			return []time.Time{before.In(zone), after.In(zone)}
		}
		return []time.Time{before.In(zone)}
	case shows(before):
		return []time.Time{before.In(zone)}
	case shows(after):
		return []time.Time{after.In(zone)}
	case elapsed:
		return nil
	}
	return []time.Time{before.In(zone)} // skipped: later by the jump
}

// earliest is the first of the times after t, or the zero time.
func earliest(t time.Time, times []time.Time) time.Time {
	var out time.Time
	for _, x := range times {
		if x.After(t) && (out.IsZero() || x.Before(out)) {
			out = x
		}
	}
	return out
}

// Weekly are the minutes, hours and days of the week at which an expression fires. ok is
// false for one that says days of the month or months, which no week has.
func (e *Expression) Weekly() (minutes, hours []int, days []time.Weekday, ok bool) {
	list := func(bits uint64, to int) (out []int) {
		for i := range to {
			if bits&(1<<i) != 0 {
				out = append(out, i)
			}
		}
		return out
	}
	for _, d := range list(e.weekday, 7) {
		days = append(days, time.Weekday(d))
	}
	allDays, allMonths := uint64(1<<32-2), uint64(1<<13-2)
	return list(e.minute, 60), list(e.hour, 24), days, e.day == allDays && e.month == allMonths
}
