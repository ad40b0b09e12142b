package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// exported is what of a pipeline the test looks at.
type exported struct {
	Name       string
	Properties struct {
		Activities []struct {
			Name, Type     string
			TypeProperties struct {
				URL        struct{ Value, Type string }
				Method     string
				Body       struct{ Properties map[string]any }
				Activities []struct{ Name, Type string }
			}
		}
	}
}

func TestExportToDataFactory(t *testing.T) {
	env, stop := startFake(t, t.TempDir())
	defer stop()
	dir := writeFiles(t, map[string]string{
		"job.yml":     "command: echo ${{inputs.who}} @{pipeline().RunId}\ncode: ./src\nenvironment: azureml:e:1\ndisplay_name: '@home'\ninputs: {who: 'me'}\n",
		"nightly.yml": strings.Replace(nightly, "rate: 0.7", "who: you", 1), "src/a.sh": "echo\n",
		"cron.yml": "name: cron\ntrigger: {type: cron, expression: '0,30 3 * * 1-5'}\ncreate_job: ./job.yml\n",
		"days.yml": "name: days\ntrigger: {type: cron, expression: '0 3 1 * *'}\ncreate_job: ./job.yml\n",
	})
	code, out, message := against(t, env, "job", "export", "--adf", "-f", filepath.Join(dir, "job.yml"))
	var p exported
	if err := json.Unmarshal([]byte(out), &p); code != 0 || err != nil || len(p.Properties.Activities) != 3 {
		t.Fatalf("exit %d, %v, %s%s", code, err, out, message)
	}
	create := p.Properties.Activities[0].TypeProperties
	wantURL := "@concat('https://management.azure.com/subscriptions/S/resourceGroups/G/providers/Microsoft.MachineLearningServices/workspaces/W/jobs/job-', pipeline().RunId, '?api-version="
	if p.Name != "job" || create.Method != "PUT" || create.URL.Type != "Expression" || !strings.HasPrefix(create.URL.Value, wantURL) {
		t.Errorf("%+v", p)
	}
	b := create.Body.Properties
	if id, _ := b["codeId"].(string); !strings.Contains(id, "/codes/") || b["command"] != "echo ${{inputs.who}} @@{pipeline().RunId}" || b["displayName"] != "@@home" {
		t.Errorf("%v", b)
	}
	if look := p.Properties.Activities[1]; look.Type != "Until" || len(look.TypeProperties.Activities) != 3 || p.Properties.Activities[2].Type != "IfCondition" {
		t.Errorf("%+v", p)
	}
	to := t.TempDir()
	for name, says := range map[string][]string{
		"nightly": {`"frequency": "Week"`, `"timeZone": "W. Europe Standard Time"`, `"startTime": "2026-03-10T10:15:00"`, `"Thursday"`, `"referenceName": "nightly"`},
		"cron":    {`"frequency": "Week"`, `"Friday"`, `"ScheduleTrigger"`, `Z"`},
	} {
		if code, _, message := against(t, env, "job", "export", "--adf", "-f", filepath.Join(dir, name+".yml"), "--out", to); code != 0 {
			t.Fatalf("%s: exit %d, %s", name, code, message)
		}
		text, err := os.ReadFile(filepath.Join(to, "trigger", name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range says {
			if !strings.Contains(string(text), s) {
				t.Errorf("%s has no %s", text, s)
			}
		}
		if _, err := os.Stat(filepath.Join(to, "pipeline", name+".json")); err != nil {
			t.Error(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"-f", filepath.Join(dir, "days.yml"), "--adf"}, 1, "days of the month"},
		{[]string{"-f", filepath.Join(dir, "job.yml")}, 2, "--adf"},
		{[]string{"-f", filepath.Join(dir, "job.yml"), "--adf", "--dry-run"}, 0, `"codeId": "./src"`},
	} {
		if code, out, message := against(t, env, append([]string{"job", "export"}, c.args...)...); code != c.code || !strings.Contains(out+message, c.says) {
			t.Errorf("%v: exit %d, %s%s", c.args, code, out, message)
		}
	}
}
