package cron

import (
	"time"
)

// Frequency is the unit of a recurrence.
type Frequency string

// The frequencies.
const (
	Minute Frequency = "minute"
	Hour   Frequency = "hour"
	Day    Frequency = "day"
	Week   Frequency = "week"
	Month  Frequency = "month"
)

// Recurrence fires every Interval minutes, hours, days, weeks or months from
// Start on. For days and longer it fires at each of Hours and Minutes; empty
// lists are those of Start. Days of a month that a month lacks are left out.
type Recurrence struct {
	Frequency Frequency
	Interval  int       // at least 1
	Start     time.Time // first moment that may fire
	Zone      *time.Location
	Hours     []int // 0 to 23
	Minutes   []int // 0 to 59
	WeekDays  []time.Weekday
	MonthDays []int // 1 to 31
}

// Next is described at Trigger.
func (r *Recurrence) Next(t time.Time) time.Time {
	floor := r.Start.Add(-time.Nanosecond) // Start itself may fire
	if t.Before(floor) {
		t = floor
	}
	switch r.Frequency {
	case Minute, Hour:
		unit := time.Duration(max(1, r.Interval)) * time.Minute
		if r.Frequency == Hour {
			unit *= 60
		}
		n := t.Sub(r.Start) / unit
		if t.Before(r.Start) {
			return r.Start
		}
		return r.Start.Add((n + 1) * unit)
	}
	first := date(r.Start.In(r.Zone))
	day := date(t.In(r.Zone)).AddDate(0, 0, -1)
	if day.Before(first) {
		day = first
	}
	for range horizon * max(1, r.Interval) {
		if r.fits(first, day) {
			if at := earliest(t, r.times(day)); !at.IsZero() {
				return at
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	return time.Time{}
}

func (r *Recurrence) fits(first, day time.Time) bool {
	n := max(1, r.Interval)
	days := int(day.Sub(first).Hours() / 24)
	switch r.Frequency {
	case Day:
		return days%n == 0
	case Week:
		monday := (int(first.Weekday()) + 6) % 7
		if (days+monday)/7%n != 0 {
			return false
		}
		if len(r.WeekDays) == 0 {
			return day.Weekday() == first.Weekday()
		}
		return contains(r.WeekDays, day.Weekday())
	case Month:
		months := (day.Year()-first.Year())*12 + int(day.Month()) - int(first.Month())
		switch {
		case months%n != 0:
			return false
		case len(r.MonthDays) == 0 && len(r.WeekDays) == 0:
			return day.Day() == first.Day()
		}
		return contains(r.MonthDays, day.Day()) || contains(r.WeekDays, day.Weekday())
	}
	return false
}

func contains[T comparable](list []T, x T) bool {
	for _, v := range list {
		if v == x {
			return true
		}
	}
	return false
}

func (r *Recurrence) times(day time.Time) []time.Time {
	start := r.Start.In(r.Zone)
	hours, minutes := r.Hours, r.Minutes
	if len(hours) == 0 {
		hours = []int{start.Hour()}
	}
	if len(minutes) == 0 {
		minutes = []int{start.Minute()}
		if len(r.Hours) > 0 {
			minutes = []int{0}
		}
	}
	var out []time.Time
	for _, h := range hours {
		for _, m := range minutes {
			out = append(out, instants(day, h, m, r.Zone, false)...)
		}
	}
	return out
}
