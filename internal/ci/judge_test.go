package ci

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// TestAModelWithoutASignatureIsNotJudged has data of as many columns as the model
// takes, one of which is the label: by position it would be told the answer.
func TestAModelWithoutASignatureIsNotJudged(t *testing.T) {
	var rows strings.Builder
	rows.WriteString("hours,failure\n")
	for i := range 100 {
		fmt.Fprintf(&rows, "%d,%d\n", i*37%100, i%2)
	}
	data := filepath.Join(t.TempDir(), "heldout.csv")
	if err := os.WriteFile(data, []byte(rows.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	rules, err := ParseRules([]byte("gate: {detection: {alarm_budget: 0.05, min: 0.1}}"))
	if err != nil {
		t.Fatal(err)
	}
	m := &model.Model{Source: "bare", Estimator: &linear.Logistic{Labels: []float64{0, 1}, Coef: [][]float64{{0, 9}}, Intercept: []float64{0}}}
	_, err = Judge(t.Context(), &Case{Candidate: m, CandidateName: "bare", Data: data}, rules)
	if !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "bare has no signature") || !strings.Contains(err.Error(), "infer_signature") {
		t.Errorf("without a signature: %v", err)
	}
	m.Estimator = &linear.Logistic{Labels: []float64{0, 1}, Coef: [][]float64{{1}}, Intercept: []float64{0}}
	m.Signature = &mlfolder.Signature{Inputs: []mlfolder.Field{{Name: "hours", Type: "double"}}}
	if _, err = Judge(t.Context(), &Case{Candidate: m, CandidateName: "bare", Data: data}, rules); err != nil {
		t.Errorf("with one: %v", err)
	}
}
