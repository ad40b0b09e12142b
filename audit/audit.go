package audit

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/table"
)

// Table audits a source. Its time grows with rows × columns; beside the table
// it holds one column's values for each of the processors, and one hash a row. A
// column that opt names and the data has not is an error of kind Invalid; a
// target that is neither named nor found is one of kind Usage.
func Table(ctx context.Context, s *Source, opt Options) (*Report, error) {
	d, err := prepare(s, opt)
	if err != nil {
		return nil, err
	}
	s = d.Source
	r := &Report{Data: s.Path, Rows: s.Table.Rows(), Columns: len(s.Table.Columns), Target: d.target, Failures: d.n[1],
		Group: d.group, Drives: d.drives, Time: d.time, History: d.history, Findings: []Finding{}, Passed: []string{}}
	rowChecks := []func() []Finding{d.checkFailures, d.checkDuplicates, d.checkBothClasses, d.checkCopies, d.checkOrder, d.checkCounts, d.checkVolume, d.checkUnits}
	tasks := slices.Clone(rowChecks)
	for _, c := range s.Table.Columns {
		tasks = append(tasks, func() []Finding { return d.checkByRole(c) })
	}
	found := make([][]Finding, len(tasks))
	if err := sideBySide(ctx, len(tasks), func(i int) { found[i] = tasks[i]() }); err != nil {
		return nil, err
	}
	for _, f := range found {
		r.Findings = append(r.Findings, f...)
	}
	if d.lost > 0 {
		r.Findings = append(r.Findings, Finding{Check: CheckCorrupt, Severity: Warn, Column: d.target, Evidence: d.unlabelled,
			Says:  fmt.Sprintf("%d rows have no target; the audit leaves them out", d.lost),
			Means: "they cannot be learned from, and train refuses them", Mend: "fill the target in, or leave the rows out"})
	}
	r.Skipped = d.skipped()
	r.settle()
	return r, nil
}

func sideBySide(ctx context.Context, n int, work func(i int)) error {
	next := make(chan int)
	var running sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), 4) {
		running.Go(func() {
			for i := range next {
				work(i)
			}
		})
	}
	for i := range n {
		if ctx.Err() != nil {
			break
		}
		next <- i
	}
	close(next)
	running.Wait()
	return ctx.Err()
}

func (d *data) checkByRole(c *table.Column) []Finding {
	switch d.role(c) {
	case target:
		return nil
	case identifier:
		return d.checkIdentifier(c)
	case date:
		return d.checkDate(c)
	case text:
		return d.checkText(c)
	}
	return d.checkColumn(c)
}

// skipped lists the checks that this data gives no ground for.
func (d *data) skipped() []string {
	var out []string
	if d.y == nil {
		out = append(out, CheckBothClasses, CheckLattice, CheckSpike, CheckSingle, CheckMissing, CheckDates, CheckIdentity, CheckOrder, CheckCounts, CheckCopies)
	}
	if d.drive == nil {
		out = append(out, CheckBothClasses, CheckCounts)
	}
	if !d.history {
		out = append(out, CheckVolume, CheckUnits)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The fewest failures for a verdict: under the first nothing can be learned and
// judged, under the second an AUC's interval is about ±.1.
const (
	failuresBlock = 1
	failuresWarn  = 30
)

func (d *data) checkFailures() []Finding {
	f := Finding{Check: CheckFailures, Figures: map[string]float64{d.classes[0]: float64(d.n[0]), d.classes[1]: float64(d.n[1])},
		Mend: "bring more failed drives, or a longer time"}
	if d.y == nil && d.n == [2]int{} {
		return []Finding{{Check: CheckFailures, Severity: Note, Says: "the target " + d.target + " has more than two values",
			Means: "the checks that compare failed with healthy drives were left out", Mend: "name a target of two values with --target"}}
	}
	units := "rows"
	n := min(d.n[0], d.n[1])
	if d.history && d.y != nil {
		failed := map[int32]bool{}
		for i, g := range d.drive {
			if d.y[i] == 1 {
				failed[g] = true
			}
		}
		n, units = min(n, len(failed)), "drives"
	}
	switch {
	case n < failuresBlock:
		k := 0
		if d.n[0] == 0 {
			k = 1
			f.Mend = "bring drives that did not fail, too: all that were in the fleet, not the failed ones alone"
		}
		f.Severity = Block
		f.Says = fmt.Sprintf("all %d rows have %s=%s", d.Table.Rows(), d.target, d.classes[k])
		f.Means = "there is nothing to tell apart: no model can be trained or judged"
	case n < failuresWarn:
		f.Severity = Warn
		f.Says = fmt.Sprintf("there are %d %s of the rarer class (%s=%s)", n, units, d.target, d.classes[1])
		if n == 1 {
			f.Says = fmt.Sprintf("there is 1 %s of the rarer class (%s=%s)", strings.TrimSuffix(units, "s"), d.target, d.classes[1])
		}
		f.Means = "any figure on held-out rows rests on a handful of failures: an AUC is known to ±.1 at best"
	default:
		if share := float64(d.n[1]) / float64(d.n[0]+d.n[1]); share > .1 && d.group != "" {
			f.Severity = Note
			f.Says = fmt.Sprintf("%s of the rows are failures; of real drives some 1.5 %% fail in a year", percent(share))
			f.Means = "the classes were balanced by hand: probabilities and precision do not hold for a fleet"
			f.Mend = "correct the probabilities back to the fleet's rate, or train on all rows"
			return []Finding{f}
		}
		return nil
	}
	return []Finding{f}
}
