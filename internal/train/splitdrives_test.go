package train

import (
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/simulate"
)

// TestSplitsKeepApart: no drive or family is on both sides, later days stay behind
// the gap, and the split is part of the record.
func TestSplitsKeepApart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fleet")
	if _, err := simulate.Write(context.Background(), dir, simulate.Options{Drives: 700, Days: 90}); err != nil {
		t.Fatal(err)
	}
	for _, name := range Splits {
		spec := Spec{Data: dir, Learner: "LogisticRegression", Seed: 3, TestSize: .4, Split: name}
		f, err := buildFleet(context.Background(), spec, DefaultHorizon)
		if err != nil {
			t.Fatal(err)
		}
		s := &set{x: f.X, y: f.Y, ids: f.Serial, weights: naturalWeights(f)}
		split, err := splitDrives(s, f, spec, "")
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		groups := f.Serial
		if strings.HasSuffix(name, "family") {
			groups = f.Model
		}
		learned, last := map[string]bool{}, f.Day[s.train[0]]
		for _, r := range s.train {
			learned[groups[r]] = true
			last = max(last, f.Day[r])
		}
		for _, r := range s.test {
			if name != "time" && learned[groups[r]] {
				t.Fatalf("%s: %s is on both sides", name, groups[r])
			}
			if strings.HasPrefix(name, "time") && f.Day[r] <= last+DefaultHorizon {
				t.Fatalf("%s: day %s is judged on, and %s learned from", name, f.Day[r], last)
			}
		}
		if split.Kind != name || split.Detail == "" || split.Train == 0 || split.Test == 0 {
			t.Errorf("%s is recorded as %+v", name, split)
		}
		if !strings.HasPrefix(name, "time") && f.Beta != 1 {
			t.Errorf("%s: held-out rows are sampled", name)
		}
	}
	_, err := Run(context.Background(), Spec{Data: dir, Learner: "LogisticRegression", TestSize: .2, Split: "random"})
	if errs.KindOf(err) != errs.Usage || !strings.Contains(err.Error(), "time+family") {
		t.Errorf("an unknown split gives %v", err)
	}
}
