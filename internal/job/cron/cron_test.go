package cron

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // zones on machines without them

	"github.com/drivecast/drivecast/errs"
)

func mustZone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := Zone(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func fire(t *testing.T, tr Trigger, zone *time.Location, after string, n int) string {
	t.Helper()
	at, err := time.ParseInLocation("2006-01-02 15:04", after, zone)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for range n {
		at = tr.Next(at)
		if at.IsZero() {
			out = append(out, "never")
			break
		}
		out = append(out, at.In(zone).Format("01-02 15:04 MST"))
	}
	return strings.Join(out, ", ")
}

func TestExpression(t *testing.T) {
	for _, c := range []struct{ expr, zone, after, want string }{
		{"15 10 * * 1", "UTC", "2026-01-01 00:00", "01-05 10:15 UTC, 01-12 10:15 UTC, 01-19 10:15 UTC"},
		{"0 0 29 feb *", "UTC", "2026-01-01 00:00", "02-29 00:00 UTC, 02-29 00:00 UTC, 02-29 00:00 UTC"},
		{"0 0 30 2 *", "UTC", "2026-01-01 00:00", "never"},
		{"*/20 9-10 * * mon-fri", "UTC", "2026-01-02 09:20", "01-02 09:40 UTC, 01-02 10:00 UTC, 01-02 10:20 UTC"},
		{"0 12 13 * 5", "UTC", "2026-02-10 00:00", "02-13 12:00 UTC, 02-20 12:00 UTC, 02-27 12:00 UTC"},
		{"0 0 * * 7", "UTC", "2026-01-01 00:00", "01-04 00:00 UTC, 01-11 00:00 UTC, 01-18 00:00 UTC"},
		// clocks go from 2:00 to 3:00 on 29 March 2026, and from 3:00 back to 2:00 on 25 October
		{"30 2 * * *", "W. Europe Standard Time", "2026-03-28 00:00", "03-28 02:30 CET, 03-29 03:30 CEST, 03-30 02:30 CEST"},
		{"30 2,3 * * *", "Europe/Berlin", "2026-03-28 12:00", "03-29 03:30 CEST, 03-30 02:30 CEST, 03-30 03:30 CEST"},
		{"30 2 * * *", "Europe/Berlin", "2026-10-24 12:00", "10-25 02:30 CEST, 10-26 02:30 CET, 10-27 02:30 CET"},
		{"30 * * * *", "Europe/Berlin", "2026-10-25 01:00", "10-25 01:30 CEST, 10-25 02:30 CEST, 10-25 02:30 CET"},
		{"30 * * * *", "Europe/Berlin", "2026-03-29 01:00", "03-29 01:30 CET, 03-29 03:30 CEST, 03-29 04:30 CEST"},
		// clocks jump at midnight
		{"15 0 * * *", "America/Asuncion", "2020-10-03 12:00", "10-04 01:15 -03, 10-05 00:15 -03, 10-06 00:15 -03"},
	} {
		z := mustZone(t, c.zone)
		e, err := Parse(c.expr, z)
		if err != nil {
			t.Errorf("%s: %v", c.expr, err)
			continue
		}
		n := 3
		if c.want == "never" {
			n = 1
		}
		if got := fire(t, e, z, c.after, n); got != c.want {
			t.Errorf("%s in %s: %s\nwant %s", c.expr, c.zone, got, c.want)
		}
	}
}

func TestParseNamesTheField(t *testing.T) {
	for _, c := range []struct{ expr, says string }{
		{"* * * *", "5 fields"}, {"60 * * * *", "minute"}, {"* 24 * * *", "hour"}, {"* * 0 * *", "day"}, {"* * * 13 *", "month"},
		{"* * * * 8", "weekday"}, {"*/0 * * * *", "step"}, {"5-1 * * * *", "backwards"}, {"a * * * *", "minute"}, {", * * * *", "minute"},
	} {
		if _, err := Parse(c.expr, time.UTC); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want kind invalid with %q", c.expr, err, c.says)
		}
	}
}

func TestRecurrence(t *testing.T) {
	z := mustZone(t, "Pacific Standard Time")
	start := time.Date(2026, 3, 4, 9, 30, 0, 0, z) // a Wednesday
	for _, c := range []struct {
		r           Recurrence
		after, want string
	}{
		{Recurrence{Frequency: Minute, Interval: 45}, "2026-03-01 00:00", "03-04 09:30 PST, 03-04 10:15 PST"},
		{Recurrence{Frequency: Hour, Interval: 24}, "2026-03-07 12:00", "03-08 10:30 PDT, 03-09 10:30 PDT"},
		{Recurrence{Frequency: Day, Interval: 2}, "2026-03-05 00:00", "03-06 09:30 PST, 03-08 09:30 PDT"},
		{Recurrence{Frequency: Day, Interval: 1, Hours: []int{6, 18}}, "2026-03-04 10:00", "03-04 18:00 PST, 03-05 06:00 PST"},
		{Recurrence{Frequency: Week, Interval: 2, WeekDays: []time.Weekday{time.Monday, time.Friday}}, "2026-03-04 10:00", "03-06 09:30 PST, 03-16 09:30 PDT"},
		{Recurrence{Frequency: Week, Interval: 1}, "2026-03-04 10:00", "03-11 09:30 PDT, 03-18 09:30 PDT"},
		{Recurrence{Frequency: Month, Interval: 1, MonthDays: []int{31}}, "2026-03-04 10:00", "03-31 09:30 PDT, 05-31 09:30 PDT"},
		{Recurrence{Frequency: Month, Interval: 3}, "2026-03-04 10:00", "06-04 09:30 PDT, 09-04 09:30 PDT"},
		{Recurrence{Frequency: Day, Interval: 1, Hours: []int{2}, Minutes: []int{30}}, "2026-03-07 12:00", "03-08 03:30 PDT, 03-09 02:30 PDT"},
	} {
		r := c.r
		r.Start, r.Zone = start, z
		if got := fire(t, &r, z, c.after, 2); got != c.want {
			t.Errorf("%+v: %s\nwant %s", c.r, got, c.want)
		}
	}
}

func TestZones(t *testing.T) {
	for name, iana := range windowsZones {
		if z, err := Zone(name); err != nil || z.String() != iana {
			t.Errorf("Zone(%q) = %v, %v", name, z, err)
		}
	}
	for _, bad := range []string{"Mars Standard Time", "Local", "../etc/passwd"} {
		if _, err := Zone(bad); !errs.Is(err, errs.Invalid) {
			t.Errorf("Zone(%q): %v, want kind invalid", bad, err)
		}
	}
}

func FuzzExpression(f *testing.F) {
	f.Add("*/5 1-3,7 * jan sun", int64(1_772_000_000))
	f.Add("0 0 29 2 *", int64(0))
	f.Fuzz(func(t *testing.T, text string, at int64) {
		e, err := Parse(text, time.UTC)
		if err != nil {
			return
		}
		from := time.Unix(at%4_000_000_000, 0).UTC()
		if next := e.Next(from); !next.IsZero() && !next.After(from) {
			t.Errorf("Next(%s) of %q = %s", from, text, next)
		}
	})
}

func TestWindowsNames(t *testing.T) {
	for name, want := range map[string]string{
		"": "UTC", "utc": "UTC", "Europe/Berlin": "W. Europe Standard Time", "eastern standard time": "Eastern Standard Time",
		"America/Los_Angeles": "Pacific Standard Time", "UTC-11": "UTC-11", "America/Bogota": "SA Pacific Standard Time", "America/Tijuana": "Pacific Standard Time (Mexico)",
	} {
		if got, ok := WindowsName(name); got != want || !ok {
			t.Errorf("%q is %q, %v; want %q", name, got, ok, want)
		}
	}
	if got, ok := WindowsName("Antarctica/Troll"); ok {
		t.Errorf("a zone that Windows has no name of is %q", got)
	}
}
