package job_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
)

const priceFile = "currency: EUR\nsizes: {Standard_DS3_v2: 0.25, big: 2}\ncomputes: {cpu: STANDARD_DS3_V2}\n"

func TestEstimate(t *testing.T) {
	p, err := job.ReadPrices(strings.NewReader(priceFile), "prices.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, text    string
		perHour, most float64 // most below 0 is none
	}{
		{"command", "command: echo\nenvironment: azureml:e:1\ncompute: azureml:cpu\nresources: {instance_count: 4}\nlimits: {timeout: 7200}", 1, 2},
		{"instance type", "command: echo\nenvironment: azureml:e:1\nresources: {instance_type: BIG}\nlimits: {timeout: 1800}", 2, 1},
		{"no limit", "command: echo\nenvironment: azureml:e:1\ncompute: cpu", 0.25, -1},
		{"sweep by trials", "type: sweep\ncompute: cpu\ntrial: {command: 'echo ${{search_space.x}}', environment: 'azureml:e:1'}\nsearch_space: {x: {type: choice, values: [1, 2]}}\nsampling_algorithm: random\nobjective: {goal: maximize, primary_metric: m}\nlimits: {max_total_trials: 8, max_concurrent_trials: 2, timeout: 360000, trial_timeout: 3600}", 0.5, 2},
		{"sweep by time", "type: sweep\ncompute: cpu\ntrial: {command: 'echo ${{search_space.x}}', environment: 'azureml:e:1'}\nsearch_space: {x: {type: choice, values: [1, 2]}}\nsampling_algorithm: random\nobjective: {goal: maximize, primary_metric: m}\nlimits: {max_total_trials: 80, max_concurrent_trials: 2, timeout: 7200, trial_timeout: 3600}", 0.5, 1},
		{"pipeline", "type: pipeline\nsettings: {default_compute: azureml:cpu}\njobs:\n  a: {command: echo, environment: 'azureml:e:1', limits: {timeout: 3600}}\n  b: {command: echo, environment: 'azureml:e:1', limits: {timeout: 3600}, resources: {instance_type: big}}", 2.25, 2.25},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, err := job.Parse([]byte(c.text), filepath.Join(t.TempDir(), "f.yml"))
			if err != nil {
				t.Fatal(err)
			}
			j, err := d.Job(nil)
			if err != nil {
				t.Fatal(err)
			}
			e, err := p.Estimate(j)
			if err != nil {
				t.Fatal(err)
			}
			most := -1.0
			if e.Most != nil {
				most = *e.Most
			}
			if e.PerHour != c.perHour || most != c.most || e.Currency != "EUR" {
				t.Errorf("%v, at most %g; want %g and %g", e, most, c.perHour, c.most)
			}
		})
	}
}

func TestPricesThatAreRefused(t *testing.T) {
	for _, text := range []string{"", "sizes: {a: -1}", "sizes: {a: b}", "price: {a: 1}", "sizes: {a: .nan}"} {
		if _, err := job.ReadPrices(strings.NewReader(text), "prices.yml"); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "prices.yml") {
			t.Errorf("%q: %v", text, err)
		}
	}
	p, err := job.ReadPrices(strings.NewReader(priceFile), "prices.yml")
	if err != nil {
		t.Fatal(err)
	}
	for compute, says := range map[string]string{"gpu": "computes: {gpu"} {
		j := &job.Job{Kind: job.KindCommand, Command: &job.Command{Line: "echo"}, Compute: compute}
		if _, err := p.Estimate(j); !errs.Is(err, errs.NotFound) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", compute, err)
		}
	}
}
