package rollout_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure/rollout"
)

const rules = `min_instances: 1
max_instances: 6
default_instances: 2
rules:
  - {metric: cpu, above: 70, over: 5m, change: 2}
  - {metric: cpu, below: 25, over: 30m, change: -1, cooldown: 10m}
  - {metric: latency, above: 70, change: 1}
profiles:
  - {name: nights, days: [monday, FRIDAY], from: "20:00", to: "23:30", min_instances: 2, max_instances: 3}
`

func TestRulesBecomeASetting(t *testing.T) {
	s, err := rollout.ReadScale([]byte(rules), "scale.yml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(s.Body("/W/onlineEndpoints/drives", "blue", "westeurope"))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Location   string
		Properties struct {
			Enabled  bool
			Target   string `json:"targetResourceUri"`
			Profiles []struct {
				Name       string
				Capacity   struct{ Minimum, Maximum, Default string }
				Recurrence struct {
					Schedule struct {
						Days           []string
						Hours, Minutes []int
						TimeZone       string
					}
				}
				Rules []struct {
					MetricTrigger struct {
						MetricName, MetricResourceURI, Operator, TimeWindow string
						Threshold                                           float64
					}
					ScaleAction struct{ Direction, Type, Value, Cooldown string }
				}
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	p := got.Properties
	if got.Location != "westeurope" || !p.Enabled || p.Target != "/W/onlineEndpoints/drives/deployments/blue" || len(p.Profiles) != 3 || len(p.Profiles[0].Rules) != 3 {
		t.Fatalf("%s", text)
	}
	down, late := p.Profiles[0].Rules[1], p.Profiles[0].Rules[2]
	if a := down.ScaleAction; a.Direction != "Decrease" || a.Value != "1" || a.Cooldown != "PT10M" || down.MetricTrigger.Operator != "LessThan" || down.MetricTrigger.TimeWindow != "PT30M" {
		t.Errorf("scale in: %+v", down)
	}
	if m := late.MetricTrigger; m.MetricName != "RequestLatency" || m.MetricResourceURI != "/W/onlineEndpoints/drives" || m.Threshold != 70 {
		t.Errorf("latency: %+v", late)
	}
	night, day := p.Profiles[1], p.Profiles[2]
	if night.Capacity.Minimum != "2" || night.Recurrence.Schedule.Hours[0] != 20 || night.Recurrence.Schedule.Days[1] != "Friday" || night.Recurrence.Schedule.TimeZone != "UTC" {
		t.Errorf("%+v", night)
	}
	if day.Capacity.Maximum != "6" || day.Recurrence.Schedule.Hours[0] != 23 || day.Recurrence.Schedule.Minutes[0] != 30 || !strings.Contains(day.Name, `"for":"nights"`) {
		t.Errorf("%+v", day)
	}
}

func TestRulesThatAreRefused(t *testing.T) {
	for _, c := range []struct {
		from, to string
		line     int
		field    string
	}{
		{"min_instances: 1\nmax", "min_instances: 0\nmax", 1, "min_instances"},
		{"default_instances: 2", "default_instances: 9", 1, "min_instances"},
		{"metric: latency", "metric: \"\"", 7, "rules[2].metric"},
		{"above: 70, over: 5m", "over: 5m", 5, "rules[0]"},
		{"change: -1", "change: 1", 6, "rules[1].change"},
		{"over: 30m", "over: 30", 6, "rules[1].over"},
		{"cooldown: 10m", "cooldown: 3s", 6, "rules[1].cooldown"},
		{"FRIDAY", "someday", 9, "profiles[0].days"},
		{`to: "23:30"`, `to: "19:30"`, 9, "profiles[0]"},
	} {
		_, err := rollout.ReadScale([]byte(strings.Replace(rules, c.from, c.to, 1)), "scale.yml")
		var in *errs.Input
		if !errors.As(err, &in) || in.Row != c.line || in.Column != c.field || in.Mend == "" {
			t.Errorf("%s: %v", c.to, err)
		}
	}
	if _, err := rollout.ReadScale([]byte("min_instance: 1"), "scale.yml"); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("an unknown field: %v", err)
	}
	for _, text := range []string{"1", "0:3", "5:2", "a:b"} {
		if _, err := rollout.ParseScale(text); !errs.Is(err, errs.Usage) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if s, err := rollout.ParseScale("1:5"); err != nil || s.Max != 5 || len(s.Rules) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
}

func FuzzReadScale(f *testing.F) {
	f.Add([]byte(rules))
	f.Add([]byte("rules: [{metric: cpu, above: .nan, change: 1}]\nmin_instances: 1\nmax_instances: 1"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := rollout.ReadScale(text, "scale.yml")
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if _, err := json.Marshal(s.Body("/W/onlineEndpoints/e", "d", "l")); err != nil {
			t.Errorf("%q cannot be sent: %v", text, err)
		}
	})
}
