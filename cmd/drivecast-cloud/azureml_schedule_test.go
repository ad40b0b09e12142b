package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"
)

const nightly = `$schema: https://azuremlschemas.azureedge.net/latest/schedule.schema.json
name: nightly
display_name: every night
trigger:
  type: recurrence
  frequency: week
  interval: 1
  schedule: {hours: [2], minutes: 30, week_days: [monday, thursday]}
  start_time: "2026-03-10T10:15:00"
  time_zone: Europe/Berlin
create_job:
  type: command
  job: ./job.yml
  inputs: {rate: 0.7}
`

func TestSchedulesAreSent(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{
		"nightly.yml": nightly, "src/a.sh": "echo\n",
		"cron.yml": "name: cron\ntrigger: {type: cron, expression: '0 3 * * 1-5'}\ncreate_job: ./pipe.yml\n",
		"pipe.yml": "type: pipeline\njobs:\n  a: {command: echo, environment: 'azureml:e:1', code: ./src}\n",
		"job.yml":  "command: sh a.sh ${{inputs.rate}}\ncode: ./src\nenvironment: azureml:e:1\ncompute: azureml:cpu\ninputs: {rate: 0.5}\n",
	})
	code, out, message := against(t, env, "schedule", "create", "-f", filepath.Join(dir, "nightly.yml"))
	if code != 0 {
		t.Fatalf("exit %d, %s", code, message)
	}
	var got struct {
		Name       string
		Properties struct {
			IsEnabled bool
			Trigger   struct {
				TriggerType, Frequency, TimeZone, StartTime string
				Schedule                                    struct {
					Hours, Minutes []int
					WeekDays       []string
				}
			}
			Action struct {
				JobDefinition struct {
					CodeID, ComputeID string
					Inputs            map[string]struct{ Value string }
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	p, def := got.Properties.Trigger, got.Properties.Action.JobDefinition
	if got.Name != "nightly" || !got.Properties.IsEnabled || p.TriggerType != "Recurrence" || p.Frequency != "Week" || p.TimeZone != "W. Europe Standard Time" ||
		p.StartTime != "2026-03-10T10:15:00" || len(p.Schedule.WeekDays) != 2 || p.Schedule.WeekDays[1] != "Thursday" || p.Schedule.Minutes[0] != 30 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(def.CodeID, "/codes/") || !strings.HasSuffix(def.ComputeID, "/computes/cpu") || def.Inputs["rate"].Value != "0.7" {
		t.Errorf("%+v", def)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"create", "-f", filepath.Join(dir, "cron.yml")}, 0, `"expression": "0 3 * * 1-5"`},
		{[]string{"create", "-f", filepath.Join(dir, "cron.yml"), "--dry-run"}, 0, `"actionType": "CreateJob"`},
		{[]string{"disable", "-n", "nightly"}, 0, `"isEnabled": false`},
		{[]string{"show", "-n", "nightly"}, 0, `"isEnabled": false`},
		{[]string{"list"}, 0, `"name": "cron"`},
		{[]string{"delete", "-n", "cron"}, 0, ""},
		{[]string{"show", "-n", "cron"}, 1, "404"},
		{[]string{"create", "-f", filepath.Join(dir, "job.yml")}, 1, "no schedule"},
	} {
		if code, out, message := against(t, env, append([]string{"schedule"}, c.args...)...); code != c.code || !strings.Contains(out+message, c.says) {
			t.Errorf("%v: exit %d, %s%s", c.args, code, out, message)
		}
	}
}
