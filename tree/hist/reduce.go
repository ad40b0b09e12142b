package hist

import "context"

// Reducer combines what the processes of one data-parallel fit have counted.
// Each process holds a shard of the rows and calls the same methods in the same
// order with slices of the same length; on return every process's slice holds
// the combined elements. Because only integers are summed, the model has the
// bytes of a fit on one process.
type Reducer interface {
	// Sum replaces v by the element-wise sum over all processes.
	Sum(ctx context.Context, v []int64) error
	// Max replaces v by the element-wise maximum over all processes.
	Max(ctx context.Context, v []float64) error
}

// Shard says which rows this process holds in a data-parallel fit. The zero
// value means all of them.
type Shard struct {
	First  int       // number of this process's first row among all rows
	Total  int       // rows of all processes; 0 means this process's rows
	Bins   *Bins     // the cuts that all processes share; nil: made from the rows
	Peers  Reducer   // nil: there are no others
	Labels []float64 // class labels of all processes, ascending; nil: found in the target
}

func (s *Shard) sum(ctx context.Context, v []int64) error {
	if s.Peers == nil {
		return nil
	}
	return s.Peers.Sum(ctx, v)
}

func (s *Shard) max(ctx context.Context, v []float64) error {
	if s.Peers == nil {
		return nil
	}
	return s.Peers.Max(ctx, v)
}
