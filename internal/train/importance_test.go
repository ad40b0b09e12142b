package train

import (
	"context"
	"encoding/json"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestImportances(t *testing.T) {
	data := writeDrives(t, 1500)
	for _, learner := range []string{"GBDT", "HistForest", "RandomForestClassifier", "LogisticRegression"} {
		spec := Spec{Data: data, Target: "failed", Features: []string{"age", "temp", "maker"}, Learner: learner, Seed: 3, TestSize: .3, Importance: ImportancePermutation}
		r, err := Run(context.Background(), spec)
		if err != nil {
			t.Fatal(err)
		}
		im := r.Importances
		if im.Permutation.Mean[1] > im.Permutation.Mean[0] || im.Permutation.Mean[0] < .05 || !im.Permutation.HeldOut || im.Permutation.Metric != "roc_auc" {
			t.Errorf("%s: %+v", learner, im.Permutation)
		}
		if auc, _ := r.Metric("roc_auc"); im.Permutation.Baseline-auc > 1e-12 || auc-im.Permutation.Baseline > 1e-12 {
			t.Errorf("%s: the baseline is %v, the AUC %v", learner, im.Permutation.Baseline, auc)
		}
		if trees := learner != "LogisticRegression"; (im.Gain != nil) != trees || (im.Split != nil) != trees {
			t.Errorf("%s: gain %v, splits %v", learner, im.Gain, im.Split)
		}
		var read Importances
		if err := json.Unmarshal(r.Extra[ImportanceFile], &read); err != nil || !slices.Equal(read.Features, spec.Features) {
			t.Errorf("%s: the file holds %v, %v", learner, read.Features, err)
		}
		if names, values := im.Top(2); len(names) != 2 || values[0] < values[1] || slices.Contains(names, "temp") {
			t.Errorf("%s: the columns that matter most are %v", learner, names)
		}
	}
	if _, err := Run(context.Background(), Spec{Data: data, Target: "failed", Learner: "GBDT", Importance: "shap"}); !errs.Is(err, errs.Usage) {
		t.Errorf("got %v", err)
	}
	if _, err := Run(context.Background(), Spec{Data: data, Target: "failed", Learner: "GBDT", Importance: ImportancePermutation, ImportanceMetric: "ndcg"}); !errs.Is(err, errs.Usage) {
		t.Errorf("got %v", err)
	}
}
