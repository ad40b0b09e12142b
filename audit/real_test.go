package audit

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// real returns a path below the folder of real drive data.
func real(t *testing.T, path string) string {
	t.Helper()
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drives to audit")
	}
	path = filepath.Join(dir, path)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestRealVerdicts states what every real data set is judged to be, and by what.
func TestRealVerdicts(t *testing.T) {
	for _, c := range []struct {
		path   string
		blocks []string // nil: clean
		warns  []string
	}{
		{"seed/hdd_balanced_dataset.csv", []string{CheckBothClasses, CheckLattice}, nil},
		{"seed/hard_drive_failure_data.csv", []string{CheckFailures}, nil},
		{"backblaze/2013_daily", nil, nil},
		{"backblaze/2013_monthly", nil, []string{CheckVolume, CheckFailures}},
		{"backblaze/2016_three_models_50days", nil, []string{CheckCorrupt}},
		{"backblaze/2018_ST4000DM000_failures", []string{CheckFailures}, nil},
		{"backblaze/2019_2020_run_to_failure", []string{CheckSingle}, nil}, // columns scaled by each drive's own end
		{"backblaze/2019_lastday_per_model", []string{CheckDates}, nil},
		{"backblaze/2020_ST12000NM0007_semicolon", []string{CheckDates, CheckCounts}, nil}, // healthy rows of a few days only
		{"backblaze/2024Q1_ST12000NM0008_failing", nil, nil},
		{"backblaze/failures_by_quarter", []string{CheckFailures}, nil},
		{"backblaze/hds_intervals.csv.gz", []string{CheckSingle}, nil}, // n_fails is the target
	} {
		t.Run(c.path, func(t *testing.T) {
			s, err := Load(context.Background(), real(t, c.path))
			if err != nil {
				t.Fatal(err)
			}
			r, err := Table(context.Background(), s, Options{})
			if err != nil {
				t.Fatal(err)
			}
			if r.Blocked() != (c.blocks != nil) {
				t.Errorf("verdict %s by %v, want it blocked: %v", r.Verdict, r.Blocking(), c.blocks != nil)
			}
			for _, b := range c.blocks {
				if !slices.Contains(r.Blocking(), b) {
					t.Errorf("%s does not block; %v do", b, r.Blocking())
				}
			}
			for _, w := range c.warns {
				if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Check == w && f.Severity == Warn }) {
					t.Errorf("no warning of %s", w)
				}
			}
		})
	}
}

// TestSeedRepaired holds the figures of the seed before and after its repair.
func TestSeedRepaired(t *testing.T) {
	ctx := context.Background()
	s, err := Load(ctx, real(t, "seed/hdd_balanced_dataset.csv"))
	if err != nil {
		t.Fatal(err)
	}
	mended, _, err := Repair(s, []Fix{{"capacity", "nominal"}, {"lifetime", "days"}}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Judge(ctx, mended, Options{}, 42, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []Figures{{"LogisticRegression", .739, .699}, {"RandomForestClassifier", .771, .750}} {
		if g := got[i]; g.Learner != want.Learner || math.Abs(g.Accuracy-want.Accuracy) > .02 || math.Abs(g.AUC-want.AUC) > .02 {
			t.Errorf("got %+v, want %+v to within .02", g, want)
		}
	}
}
