package train

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/internal/simulate"
)

func literalParams(t *testing.T, pairs ...string) []Param {
	t.Helper()
	p, err := ParseParams(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func near(t *testing.T, r *Result, name string, want, tolerance float64) {
	t.Helper()
	if got, ok := r.Metric(name); !ok || math.Abs(got-want) > tolerance {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// The figures are scikit-learn's on the same split: the forest's to the last
// digit, those of logistic regression at its optimum.
func TestSeedAsScikitLearn(t *testing.T) {
	dir := os.Getenv("DRIVE_DATA")
	if dir == "" {
		t.Skip("DRIVE_DATA is not set: no real drives to test with")
	}
	spec := Spec{Data: filepath.Join(dir, "seed/hdd_balanced_dataset.csv"), Target: "failure", Seed: 42, TestSize: .2,
		Learner: "RandomForestClassifier", Params: literalParams(t, "n_estimators=100", "max_depth=10", "min_samples_split=5")}
	r, err := Run(context.Background(), spec)
	if err != nil {
		t.Fatal(err)
	}
	near(t, r, "accuracy", 0.981037367540435, 0)
	near(t, r, "roc_auc", 0.9987013895691356, 1e-15)
	t.Log(r.Data.Features, r.LeftOut, r.Split, r.AUC, r.Samples)
	spec.Learner, spec.Params = "LogisticRegression", literalParams(t, "max_iter=1000")
	if r, err = Run(context.Background(), spec); err != nil {
		t.Fatal(err)
	}
	near(t, r, "accuracy", 0.7395, .0003)
	near(t, r, "roc_auc", 0.697, .0005)
	t.Log(r.Metrics)
}

func TestSimulatedFleet(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fleet")
	report, err := simulate.Write(context.Background(), dir, simulate.Options{Drives: 900, Days: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"LogisticRegression", "RandomForestClassifier"} {
		r, err := Run(context.Background(), Spec{Data: dir, Learner: name, Seed: 42, TestSize: .3})
		if err != nil {
			t.Fatal(err)
		}
		auc, _ := r.Metric("roc_auc")
		low, _ := r.Metric("roc_auc_low")
		if low <= .5 || auc > report.OracleAUC+.03 {
			t.Errorf("%s: AUC is %v (from %v) where the oracle reaches %v", name, auc, low, report.OracleAUC)
		}
		t.Log(name, r.Split, r.Metrics, r.Model.Threshold, r.Model.Risk, len(r.Data.Features), r.Samples[0])
	}
}
