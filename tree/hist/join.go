package hist

import (
	"context"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Join agrees with the other processes of a data-parallel fit on what they share:
// how many rows there are, the class labels and the cuts of the columns. Process
// number rank of parties holds x and y, the rows after those of the processes with
// smaller ranks; all pass the same options. The shard that is returned goes into
// Options.Shard; the models are then, to the byte, that of one process with all
// rows.
//
// A fault in one process's rows is an error of kind Invalid in all of them.
func Join(ctx context.Context, peers Reducer, rank, parties int, x *table.Matrix, y []float64, opt Options) (Shard, error) {
	opt.normal()
	if rank < 0 || rank >= parties {
		return Shard{}, errs.New(errs.Invalid, "process number %d of %d: ranks count from 0", rank, parties)
	}
	j := joiner{ctx: ctx, peers: peers, x: x, y: y, opt: &opt, shard: Shard{Peers: peers}}
	if err := j.count(rank, parties); err != nil {
		return Shard{}, errs.Wrap(err, "join the other processes")
	}
	if opt.Objective == Binary || opt.Objective == Multiclass {
		if err := j.labels(); err != nil {
			return Shard{}, errs.Wrap(err, "agree on classes")
		}
	}
	return j.shard, errs.Wrap(j.bins(), "agree on bins")
}

type joiner struct {
	ctx   context.Context
	peers Reducer
	x     *table.Matrix
	y     []float64
	opt   *Options
	shard Shard
}

// faults returns this process's own fault.
func (j *joiner) faults() error {
	if err := checkShape(j.x, j.y, nil); err != nil {
		return err
	}
	if err := finite(j.y); err != nil {
		return err
	}
	if err := j.opt.check(j.x.Cols); err != nil {
		return err
	}
	for c := range j.x.Cols {
		if err := checkColumn(j.x, c, slices.Contains(j.opt.Categorical, c)); err != nil {
			return err
		}
	}
	return nil
}

// count shares the numbers of rows and columns, and whether some process has a
// fault.
func (j *joiner) count(rank, parties int) error {
	mine, fault := j.faults(), 0.0
	if mine != nil {
		fault = 1
	}
	votes := []float64{fault, float64(j.x.Cols), -float64(j.x.Cols)}
	if err := j.peers.Max(j.ctx, votes); err != nil {
		return err
	}
	switch {
	case mine != nil:
		return mine
	case votes[0] > 0:
		return errs.New(errs.Invalid, "another process has rows that cannot be learned from: see its error")
	case votes[1] != -votes[2]:
		return errs.New(errs.Invalid, "the processes have from %v to %v columns", -votes[2], votes[1])
	}
	rows := make([]int64, parties)
	rows[rank] = int64(j.x.Rows)
	if err := j.peers.Sum(j.ctx, rows); err != nil {
		return err
	}
	for i, n := range rows {
		if i < rank {
			j.shard.First += int(n)
		}
		j.shard.Total += int(n)
	}
	return nil
}

// labels finds the classes of all processes, the largest first.
func (j *joiner) labels() error {
	below := math.Inf(1)
	for len(j.shard.Labels) <= maxClasses {
		top := []float64{math.Inf(-1)}
		for _, v := range j.y {
			if v < below {
				top[0] = max(top[0], v)
			}
		}
		if err := j.peers.Max(j.ctx, top); err != nil {
			return err
		}
		if math.IsInf(top[0], -1) {
			slices.Reverse(j.shard.Labels)
			return nil
		}
		below = top[0]
		j.shard.Labels = append(j.shard.Labels, below)
	}
	return errs.New(errs.Invalid, "the target has more than %d classes: is it a number to be predicted?", maxClasses)
}

// bins gathers the sampled rows of one column after another; -Inf, which no column
// holds, stands for rows of others and for missing values.
func (j *joiner) bins() error {
	rows := sampled(j.shard.Total, j.opt.Seed)
	values := make([]float64, len(rows))
	j.shard.Bins = &Bins{Columns: make([]BinColumn, j.x.Cols)}
	for c := range j.x.Cols {
		col := j.x.Col(c)
		for i, r := range rows {
			values[i] = math.Inf(-1)
			if r -= j.shard.First; r >= 0 && r < j.x.Rows && col[r] == col[r] {
				values[i] = col[r]
			}
		}
		if err := j.peers.Max(j.ctx, values); err != nil {
			return err
		}
		seen := make([]float64, 0, len(values))
		for _, v := range values {
			if !math.IsInf(v, -1) {
				seen = append(seen, v)
			}
		}
		j.shard.Bins.Columns[c] = binsOf(seen, j.opt.MaxBins, slices.Contains(j.opt.Categorical, c))
	}
	return nil
}
