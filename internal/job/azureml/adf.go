package azureml

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/cron"
)

// restVersion is the version of Azure ML's REST API that the bodies are written for.
const restVersion = "2024-04-01"

// maxFactoryName is how long the name of a pipeline or trigger in Data Factory may be.
const maxFactoryName = 140

// Factory is what Azure Data Factory runs a job by: a pipeline, and for a schedule a
// trigger, each in the form in which a factory's repository keeps it.
type Factory struct {
	Pipeline map[string]any `json:"pipeline"`
	Trigger  map[string]any `json:"trigger,omitempty"`
}

// DataFactory writes the pipeline that creates a job by Azure ML's REST API with the
// factory's own identity, looks at it until it has ended, and fails unless it completed.
// Workspace is the ARM path of the workspace, job the job's body and name a name for the
// pipeline; each run's job is named by it and the pipeline's run.
func DataFactory(name, workspace string, body Body) (map[string]any, error) {
	name, err := factoryName(name)
	if err != nil {
		return nil, err
	}
	address := "https://management.azure.com" + workspace + "/jobs/" + name + "-"
	url := expression("@concat('" + strings.ReplaceAll(address, "'", "''") + "', pipeline().RunId, '?api-version=" + restVersion + "')")
	call := func(activity, method string, after []any, extra map[string]any) map[string]any {
		p := map[string]any{"url": url, "method": method, "authentication": map[string]any{"type": "MSI", "resource": "https://management.azure.com/"}}
		for k, v := range extra {
			p[k] = v
		}
		return map[string]any{
			"name": activity, "type": "WebActivity", "dependsOn": after, "userProperties": []any{}, "typeProperties": p,
			"policy": map[string]any{"timeout": "0.00:10:00", "retry": 3, "retryIntervalInSeconds": 30, "secureInput": false, "secureOutput": false},
		}
	}
	plain, err := plainJSON(body.Properties)
	if err != nil {
		return nil, err
	}
	create := call("Create job", "PUT", []any{}, map[string]any{
		"headers": map[string]any{"Content-Type": "application/json"}, "body": map[string]any{"properties": literally(plain)},
	})
	wait := map[string]any{"name": "Wait", "type": "Wait", "dependsOn": []any{}, "userProperties": []any{}, "typeProperties": map[string]any{"waitTimeInSeconds": 30}}
	keep := map[string]any{"name": "Keep status", "type": "SetVariable", "dependsOn": after("Look"), "userProperties": []any{}, "typeProperties": map[string]any{
		"variableName": "status", "value": expression("@activity('Look').output.properties.status"),
	}}
	until := map[string]any{"name": "Until it has ended", "type": "Until", "dependsOn": after("Create job"), "userProperties": []any{}, "typeProperties": map[string]any{
		"expression": expression("@contains(createArray('Completed','Failed','Canceled','NotResponding','Paused'), variables('status'))"),
		"timeout":    "7.00:00:00", "activities": []any{wait, call("Look", "GET", after("Wait"), nil), keep},
	}}
	fail := map[string]any{"name": "Fail", "type": "Fail", "dependsOn": []any{}, "userProperties": []any{}, "typeProperties": map[string]any{
		"message": expression("@concat('job " + name + "-', pipeline().RunId, ' is ', variables('status'))"), "errorCode": "JobNotCompleted",
	}}
	judge := map[string]any{"name": "Has it completed", "type": "IfCondition", "dependsOn": after("Until it has ended"), "userProperties": []any{}, "typeProperties": map[string]any{
		"expression": expression("@equals(variables('status'), 'Completed')"), "ifFalseActivities": []any{fail},
	}}
	return map[string]any{"name": name, "properties": map[string]any{
		"description": "Creates a job in Azure ML and waits for its end. The factory's identity needs the role AzureML Data Scientist in the workspace.",
		"activities":  []any{create, until, judge},
		"variables":   map[string]any{"status": map[string]any{"type": "String", "defaultValue": "NotStarted"}}, "annotations": []any{},
	}}, nil
}

// FactoryTrigger writes the trigger of a schedule's body for a pipeline. Data Factory has
// no cron: what an expression means is written out; days of the month are Unsupported, as
// Azure ML takes them for any. Created is the start of a schedule that says none.
func FactoryTrigger(name, pipeline string, schedule Body, created time.Time) (map[string]any, error) {
	name, err := factoryName(name)
	if err != nil {
		return nil, err
	}
	plain, err := plainJSON(schedule.Properties["trigger"])
	if err != nil {
		return nil, err
	}
	t := mapOf(plain)
	r := map[string]any{"frequency": t["frequency"], "interval": t["interval"], "timeZone": t["timeZone"]}
	put(r, "schedule", t["schedule"])
	if t["triggerType"] == "Cron" {
		if err := cronRecurrence(r, text(t["expression"])); err != nil {
			return nil, err
		}
	}
	put(r, "endTime", t["endTime"])
	if put(r, "startTime", t["startTime"]); r["startTime"] == nil {
		zone, err := cron.Zone(text(t["timeZone"]))
		if err != nil {
			return nil, err
		}
		r["startTime"] = created.In(zone).Format("2006-01-02T15:04:05")
	}
	if t["timeZone"] == "UTC" {
		for _, key := range []string{"startTime", "endTime"} {
			if s := text(r[key]); s != "" && !strings.HasSuffix(s, "Z") {
				r[key] = s + "Z"
			}
		}
	}
	return map[string]any{"name": name, "properties": map[string]any{
		"type": "ScheduleTrigger", "annotations": []any{},
		"pipelines":      []any{map[string]any{"pipelineReference": map[string]any{"referenceName": pipeline, "type": "PipelineReference"}}},
		"typeProperties": map[string]any{"recurrence": r},
	}}, nil
}

func cronRecurrence(r map[string]any, line string) error {
	e, err := cron.Parse(line, time.UTC)
	if err != nil {
		return err
	}
	minutes, hours, days, ok := e.Weekly()
	if !ok {
		return errs.New(errs.Unsupported, "expression %q: a trigger of Data Factory cannot have days of the month or months; use a recurrence with month_days", line)
	}
	at := map[string]any{"minutes": minutes, "hours": hours}
	r["frequency"], r["interval"], r["schedule"] = "Day", 1, at
	if len(days) < 7 {
		names := []string{}
		for _, d := range days {
			names = append(names, d.String())
		}
		r["frequency"], at["weekDays"] = "Week", names
	}
	return nil
}

// factoryName makes a name fit for a factory and for jobs.
func factoryName(name string) (string, error) {
	out := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '_' || r == '-' {
			return r
		}
		return '_'
	}, name)
	if strings.Trim(out, "_-") == "" || len(out) > maxFactoryName {
		return "", errs.New(errs.Invalid, "name %q: write letters, digits, `-` and `_`, at most %d", name, maxFactoryName)
	}
	return out, nil
}

func after(activity string) []any {
	return []any{map[string]any{"activity": activity, "dependencyConditions": []any{"Succeeded"}}}
}

func expression(text string) map[string]any {
	return map[string]any{"value": text, "type": "Expression"}
}

// plainJSON is a value as reading its JSON gives it.
func plainJSON(v any) (out any, err error) {
	b, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(b, &out)
	}
	return out, errs.Wrap(err, "write the body")
}

// literally keeps Data Factory from taking text of a body for its own expressions.
func literally(v any) any {
	switch v := v.(type) {
	case string:
		s := strings.ReplaceAll(v, "@{", "@@{")
		if strings.HasPrefix(s, "@") && !strings.HasPrefix(s, "@@{") {
			s = "@" + s
		}
		return s
	case map[string]any:
		for k, x := range v {
			v[k] = literally(x)
		}
	case []any:
		for i, x := range v {
			v[i] = literally(x)
		}
	}
	return v
}
