package azureml

import (
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/cron"
)

// Schedule turns a schedule into its REST body, that of PUT …/schedules/NAME. The job that
// it creates is the body's own, and what Dir and Environment are about; register is as at
// JobRegistering, or nil. Monitors, imports and jobs that are references are Unsupported.
func Schedule(d *job.Document, register Registrar) (Body, []job.Problem, error) {
	problems := d.Check()
	if err := problems.Err(); err != nil {
		return Body{}, nil, err
	}
	if d.Kind != job.KindSchedule {
		return Body{}, nil, errs.New(errs.Unsupported, "%s is no schedule", d.File)
	}
	inner, err := d.ScheduledJob()
	if err != nil {
		return Body{}, nil, err
	}
	created, warnings, err := jobBody(inner, register)
	if err != nil {
		return Body{}, nil, errs.Wrap(err, "create_job")
	}
	root, err := fields(d)
	if err != nil {
		return Body{}, nil, err
	}
	when, err := trigger(mapOf(root["trigger"]))
	if err != nil {
		return Body{}, nil, errs.Wrap(err, "%s: trigger", d.File)
	}
	p := map[string]any{
		"trigger": when, "action": map[string]any{"actionType": "CreateJob", "jobDefinition": created.Properties},
		"tags": mapOf(root["tags"]), "properties": mapOf(root["properties"]), "isEnabled": root["is_enabled"] != false,
	}
	put(p, "displayName", root["display_name"])
	put(p, "description", root["description"])
	return Body{Name: text(root["name"]), Properties: p, Dir: created.Dir, Environment: created.Environment}, append(problems.Warnings(), warnings...), nil
}

// Definition is the job that a schedule's body creates, sharing its maps.
func (b Body) Definition() Body {
	return Body{Properties: mapOf(mapOf(b.Properties["action"])["jobDefinition"]), Dir: b.Dir, Environment: b.Environment}
}

// trigger writes when a schedule fires. Times are those of its zone's clocks.
func trigger(m map[string]any) (map[string]any, error) {
	zone, ok := cron.WindowsName(text(m["time_zone"]))
	if !ok {
		return nil, errs.New(errs.Unsupported, "time_zone: Azure ML knows zones by their names in Windows, which has none for %s; write that of a zone with the same clocks", text(m["time_zone"]))
	}
	out := map[string]any{"timeZone": zone}
	place, err := cron.Zone(text(m["time_zone"]))
	if err != nil {
		return nil, err
	}
	for from, to := range map[string]string{"start_time": "startTime", "end_time": "endTime"} {
		put(out, to, wallClock(m[from], place))
	}
	if strings.EqualFold(text(m["type"]), "cron") {
		out["triggerType"], out["expression"] = "Cron", m["expression"]
		return out, nil
	}
	out["triggerType"], out["frequency"] = "Recurrence", capital(text(m["frequency"]))
	pick(out, m, "interval", "interval")
	at := mapOf(m["schedule"])
	pattern := map[string]any{}
	for from, to := range map[string]string{"hours": "hours", "minutes": "minutes", "month_days": "monthDays"} {
		if v := at[from]; v != nil {
			pattern[to] = several(v)
		}
	}
	for _, key := range []string{"week_days", "weekdays"} {
		if v := at[key]; v != nil {
			days := []any{}
			for _, d := range several(v) {
				days = append(days, capital(text(d)))
			}
			pattern["weekDays"] = days
		}
	}
	if len(pattern) > 0 {
		for _, needed := range []string{"hours", "minutes"} {
			if pattern[needed] == nil {
				pattern[needed] = []any{}
			}
		}
		out["schedule"] = pattern
	}
	return out, nil
}

// wallClock writes a time without its offset, as the zone's clocks show it.
func wallClock(v any, zone *time.Location) any {
	if t, ok := v.(time.Time); ok {
		return t.Format("2006-01-02T15:04:05")
	}
	s := text(v)
	if s == "" {
		return nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.In(zone).Format("2006-01-02T15:04:05")
	}
	return strings.Replace(s, " ", "T", 1)
}

func several(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// capital writes week as Week.
func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + strings.ToLower(s[1:])
}
