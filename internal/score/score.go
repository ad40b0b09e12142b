// Package score asks models: for the rows of a table (batch scoring) and over
// HTTP, in MLflow's scoring protocol and that of Azure ML endpoints. The server
// and batch scoring share the code that turns input into numbers, so that the
// same row has the same answer everywhere.
package score

import (
	"runtime"
	"sync"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree"
	"github.com/drivecast/drivecast/tree/hist"
)

// chunk is how many rows are scored at a time.
const chunk = 2048

// Batch scores tables. It is safe for concurrent use.
type Batch struct {
	m    *model.Model
	fast model.Estimator
}

// NewBatch prepares a model for many tables.
func NewBatch(m *model.Model) *Batch { return &Batch{m, compiled(m.Estimator)} }

// Rows returns the scores of every row of t, row by row: len(Classes())
// probabilities of a classifier, one value of a regressor. Columns are chosen as
// model.Matrix states; an empty cell is missing. Errors are of kind Invalid and
// name the column.
func (b *Batch) Rows(t *table.Table) ([]float64, error) {
	m, n, k := b.m, t.Rows(), b.m.Outputs()
	out := make([]float64, n*k)
	chunks := (n + chunk - 1) / chunk
	fail := make([]error, chunks)
	work := make(chan int)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), chunks) {
		wg.Go(func() {
			for c := range work {
				lo, hi := c*chunk, min((c+1)*chunk, n)
				x, err := m.Matrix(t, lo, hi)
				if err != nil {
					fail[c] = err
					continue
				}
				b.fast.Scores(out[lo*k:hi*k], x)
			}
		})
	}
	for c := range chunks {
		work <- c
	}
	close(work)
	wg.Wait()
	for _, err := range fail {
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// compiled returns the fastest form of an estimator that gives the same answers.
func compiled(e model.Estimator) model.Estimator {
	switch e := e.(type) {
	case *tree.Forest:
		if c, err := e.Compile(); err == nil {
			return c
		}
	case *hist.Boosted:
		if c, err := e.Compile(); err == nil {
			return c
		}
	}
	return e
}
