package model_test

import (
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model"
)

func TestCounterfactualsFlip(t *testing.T) {
	flipped := 0
	for _, f := range foreigners(t) {
		m, err := model.Decode(f.File)
		if err != nil {
			t.Fatal(err)
		}
		x := f.matrix(t, m)
		n, k := m.Estimator.Features(), m.Outputs()
		for r := range min(6, len(f.Rows)) {
			row := append([]float64(nil), x[r*n:(r+1)*n]...)
			changes, err := m.Counterfactual(row, x, []int{0})
			if errs.Is(err, errs.Unsupported) || errs.Is(err, errs.NotFound) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			class := func() int {
				s, d := make([]float64, k), make([]int, 1)
				m.Estimator.Scores(s, row)
				m.Decide(d, s, row)
				return d[0]
			}
			before := class()
			for _, c := range changes {
				if c.Column == 0 {
					t.Fatalf("%s: column 0 was changed, which was to stay", f.Name)
				}
				row[c.Column] = c.To
			}
			if class() == before {
				t.Errorf("%s: row %d: %v flips nothing", f.Name, r, changes)
			}
			// It is smallest in columns: putting any one back undoes it.
			for _, c := range changes {
				row[c.Column] = c.From
				if len(changes) > 1 && class() != before {
					t.Errorf("%s: row %d: %v does not need column %d", f.Name, r, changes, c.Column)
				}
				row[c.Column] = c.To
			}
			flipped++
		}
	}
	if flipped < 30 {
		t.Errorf("only %d rows were flipped", flipped)
	}
}
