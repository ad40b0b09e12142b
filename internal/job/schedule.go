package job

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/cron"
)

// Schedule is a schedule document, typed.
type Schedule struct {
	Name, Display, Description string
	Trigger                    cron.Trigger
	Start, End                 time.Time // bounds; zero is none
	Zone                       *time.Location
	Enabled                    bool
	// Job is what fires: the path of a file or a reference azureml:NAME; "" when
	// the job is in place.
	Job     string
	Inline  *Job     // the job in place, nil when Job names one
	Changes []string // what the schedule changes in the job that Job names, as --set has it
}

// Next is the first firing after t within the schedule's bounds, or the zero
// time.
func (s *Schedule) Next(t time.Time) time.Time {
	if !s.Start.IsZero() && t.Before(s.Start) {
		t = s.Start.Add(-time.Nanosecond)
	}
	next := s.Trigger.Next(t)
	if !s.End.IsZero() && next.After(s.End) {
		return time.Time{}
	}
	return next
}

// Schedule checks the document and returns it typed. Created stands for a start
// time that is not given. Another kind, and an action other than create_job, is
// of kind Unsupported.
func (d *Document) Schedule(created time.Time, find Finder) (*Schedule, error) {
	if err := d.Check().Err(); err != nil {
		return nil, err
	}
	if d.Kind != KindSchedule {
		return nil, errs.New(errs.Unsupported, "%s: %s is no schedule", d.File, kindName(d.Kind))
	}
	a := at{node: d.root}
	action := a.child("create_job")
	if !action.exists() {
		return nil, errs.New(errs.Unsupported, "%s: only schedules with create_job run on this machine", d.File)
	}
	s, err := triggerOf(a.child("trigger"), created)
	if err != nil {
		return nil, errs.Wrap(err, "%s", d.File)
	}
	s.Name, s.Display, s.Description = a.text("name"), a.text("display_name"), a.text("description")
	s.Enabled = a.text("is_enabled") != "false"
	switch {
	case action.isText():
		s.Job = d.jobReference(action.node.Value)
	case action.child("job").exists():
		s.Job = d.jobReference(action.text("job"))
		flatten(at{node: action.node}, &s.Changes)
	default:
		inner := &Document{File: d.File, Dir: d.Dir, root: action.node, Kind: kindOf(action.node)}
		if s.Inline, err = inner.Job(find); err != nil {
			return nil, errs.Wrap(err, "create_job")
		}
	}
	return s, nil
}

func (d *Document) jobReference(v string) string {
	if IsRemote(v) {
		return v
	}
	return d.path(v)
}

// flatten writes the fields that a schedule changes as overrides.
func flatten(a at, out *[]string) {
	a.each(func(key string, v at) {
		switch {
		case a.path == "" && (key == "job" || key == "type") || !v.exists():
		case v.node.Kind == yaml.MappingNode:
			flatten(v, out)
		case v.node.Kind == yaml.ScalarNode:
			*out = append(*out, v.path+"="+v.node.Value)
		case v.node.Kind == yaml.SequenceNode:
			for i, n := range v.node.Content {
				*out = append(*out, v.path+"["+strconv.Itoa(i)+"]="+n.Value)
			}
		}
	})
}

// triggerOf types a trigger. Faults are of kind Invalid.
func triggerOf(a at, created time.Time) (*Schedule, error) {
	zone, err := cron.Zone(a.text("time_zone"))
	if err != nil {
		return nil, err
	}
	s := &Schedule{Zone: zone}
	if s.Start, err = clock(a.text("start_time"), zone); err != nil {
		return nil, err
	}
	if s.End, err = clock(a.text("end_time"), zone); err != nil {
		return nil, err
	}
	if same(a.text("type"), "cron") {
		s.Trigger, err = cron.Parse(a.text("expression"), zone)
		return s, err
	}
	start := s.Start
	if start.IsZero() {
		start = created.In(zone).Truncate(time.Minute)
	}
	p := a.child("schedule")
	r := &cron.Recurrence{
		Frequency: cron.Frequency(plain(a.text("frequency"))), Interval: a.integer("interval"), Start: start, Zone: zone,
		Hours: numbers(p.child("hours")), Minutes: numbers(p.child("minutes")), MonthDays: numbers(p.child("month_days")),
	}
	for _, name := range append(list(p.child("week_days")), list(p.child("weekdays"))...) {
		if day, ok := weekday(name); ok {
			r.WeekDays = append(r.WeekDays, day)
		}
	}
	s.Trigger = r
	return s, nil
}

func numbers(a at) []int {
	var out []int
	for _, v := range list(a) {
		if n, err := strconv.Atoi(v); err == nil {
			out = append(out, n)
		}
	}
	return out
}

func weekday(name string) (time.Weekday, bool) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		if strings.EqualFold(d.String(), name) || len(name) >= 3 && strings.EqualFold(d.String()[:3], name) {
			return d, true
		}
	}
	return 0, false
}

// clock reads a time as Azure ML writes it: on the clocks of the zone unless it
// names an offset.
func clock(text string, zone *time.Location) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errs.New(errs.Invalid, "%q is not a time; write for instance 2026-03-10T10:15:00", text)
}

// scheduleRules checks that a schedule does exactly one thing.
func scheduleRules(c *checker, a at) {
	needName(c, a)
	actions := slices.DeleteFunc([]string{"create_job", "create_monitor", "import_data"}, func(n string) bool { return !a.child(n).exists() })
	if len(actions) != 1 {
		c.fault(a, "write exactly one of create_job, create_monitor and import_data", "the schedule has %d actions", len(actions))
		return
	}
	if f := a.child(actions[0]); f.isText() && !IsRemote(f.node.Value) {
		c.missing(f)
	}
	c.missing(a.child("create_job").child("job"))
}

// triggerRules checks times, zone and pattern of a trigger.
func triggerRules(c *checker, a at) {
	zone, err := cron.Zone(a.text("time_zone"))
	if err != nil {
		c.fault(a.child("time_zone"), "write UTC, Europe/Berlin or Pacific Standard Time", "%q is no time zone", a.text("time_zone"))
		zone = time.UTC
	}
	for _, name := range []string{"start_time", "end_time"} {
		if _, err := clock(a.text(name), zone); err != nil {
			c.fault(a.child(name), "write for instance 2026-03-10T10:15:00", "%s is not a time", describe(a.child(name).node))
		}
	}
	start, _ := clock(a.text("start_time"), zone)
	if end, _ := clock(a.text("end_time"), zone); !end.IsZero() && !start.IsZero() && !start.Before(end) {
		c.fault(a.child("end_time"), "write an end after the start", "the end is not after the start")
	}
	if x := a.child("expression"); x.isText() {
		e, err := cron.Parse(x.node.Value, zone)
		if err != nil {
			c.fault(x, "write minute hour day month weekday, for instance `15 10 * * 1`", "%v", err)
		} else if !e.IgnoresDays() {
			c.warn(x, "use a recurrence trigger for days of a month", "Azure ML takes the day and month fields for `*`; here they count")
		}
	}
	p := a.child("schedule")
	for _, r := range []struct {
		name   string
		lo, hi int
	}{{"hours", 0, 23}, {"minutes", 0, 59}, {"month_days", 1, 31}} {
		for _, n := range numbers(p.child(r.name)) {
			if n < r.lo || n > r.hi {
				c.fault(p.child(r.name), "write numbers from "+strconv.Itoa(r.lo)+" to "+strconv.Itoa(r.hi), "%d is out of range", n)
			}
		}
	}
	for _, key := range []string{"week_days", "weekdays"} {
		for _, name := range list(p.child(key)) {
			if _, ok := weekday(name); !ok {
				c.fault(p.child(key), "write monday to sunday", "%q is no day of the week", name)
			}
		}
	}
}
