package hist

import (
	"bytes"
	"context"
	"math"
	"sync"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// together runs work on each of parties processes that are goroutines, with its
// part of the rows.
func together(x *table.Matrix, y []float64, parties int, work func(p int, peers Reducer, x *table.Matrix, y []float64)) {
	peers := newMeeting(parties)
	var wg sync.WaitGroup
	for p := range parties {
		wg.Go(func() {
			lo, hi := p*x.Rows/parties, (p+1)*x.Rows/parties
			work(p, peers, x.Take(upTo(hi)[lo:]), y[lo:hi])
		})
	}
	wg.Wait()
}

func TestJoinedProcessesMakeOneModel(t *testing.T) {
	x, raw := sample(41, 4_000)
	xv, rawv := sample(42, 900)
	for _, o := range []Objective{Binary, Multiclass, Squared, Poisson} {
		y := target(o, raw)
		opt := options(o)
		opt.Trees, opt.Rate, opt.Patience, opt.Balanced = 30, 0.6, 3, o == Binary || o == Multiclass
		valid := &Validation{X: xv, Y: target(o, rawv)}
		alone, err := FitBoosted(context.Background(), x, y, nil, opt, valid)
		if err != nil {
			t.Fatal(err)
		}
		together(x, y, 3, func(p int, peers Reducer, x *table.Matrix, y []float64) {
			mine := opt
			shard, err := Join(context.Background(), peers, p, 3, x, y, mine)
			if err != nil {
				t.Error(err)
				return
			}
			mine.Shard = shard
			m, err := FitBoosted(context.Background(), x, y, nil, mine, valid)
			if err != nil {
				t.Error(err)
				return
			}
			if !bytes.Equal(written(t, alone), written(t, m)) {
				t.Errorf("%s: process %d has another model than one process alone", o, p)
			}
		})
	}
}

func TestOneProcessFaultIsEveryones(t *testing.T) {
	x, raw := sample(43, 300)
	y := target(Binary, raw)
	x.Col(0)[120] = math.Inf(1)
	together(x, y, 3, func(p int, peers Reducer, x *table.Matrix, y []float64) {
		if _, err := Join(context.Background(), peers, p, 3, x, y, options(Binary)); !errs.Is(err, errs.Invalid) {
			t.Errorf("process %d: %v", p, err)
		}
	})
	if _, err := Join(context.Background(), newMeeting(1), 1, 1, x, y, options(Binary)); !errs.Is(err, errs.Invalid) {
		t.Errorf("rank 1 of 1: %v", err)
	}
}
