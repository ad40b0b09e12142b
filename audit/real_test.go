package audit

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestX(t *testing.T) {
	dir := os.Getenv("DRIVE_DATA")
	for _, p := range []string{"seed/hdd_balanced_dataset.csv", "backblaze/2013_daily", "backblaze/2013_monthly", "backblaze/2016_three_models_50days", "backblaze/2018_ST4000DM000_failures", "backblaze/2019Q4_ST4000DM000_7day", "backblaze/2019_2020_run_to_failure", "backblaze/2019_lastday_per_model", "backblaze/2020_ST12000NM0007_semicolon", "backblaze/2024Q1_ST12000NM0008_failing", "backblaze/failures_by_quarter", "backblaze/hds_intervals.csv.gz"} {
		b := time.Now()
		s, err := Load(context.Background(), filepath.Join(dir, p))
		if err != nil {
			t.Log(p, err)
			continue
		}
		l := time.Since(b)
		r, err := Table(context.Background(), s, Options{})
		if err != nil {
			t.Log(p, err)
			continue
		}
		t.Logf("== %s %s rows %d fail %d drives %d history %v target %s time %s load %v total %v", p, r.Verdict, r.Rows, r.Failures, r.Drives, r.History, r.Target, r.Time, l, time.Since(b))
		for _, f := range r.Findings {
			if f.Check != CheckConstant {
				t.Logf("   %s %s %s: %s", f.Severity, f.Check, f.Column, f.Says)
			}
		}
	}
}
