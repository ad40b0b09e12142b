package hist

import (
	"context"
	"math"
)

// drawRows returns the rows of this round, or nil for all. Rows are drawn by
// their number, so every process draws the same.
func (f *fit) drawRows(ctx context.Context, turn int) ([]uint32, error) {
	switch {
	case f.opt.Top > 0 && float64(turn) >= 1/f.opt.Rate:
		return f.drawLargest(ctx, turn)
	case f.opt.RowEvery > 0 && f.opt.RowShare < 1:
		return f.drawShare(turn / f.opt.RowEvery), nil
	}
	return nil, nil
}

// drawn reports whether row number r, of all processes, is drawn with
// probability p.
func (f *fit) drawn(purpose, turn, r int, p float64) bool {
	d := newDraws(f.opt.Seed, purpose, turn)
	return float64(mix(d.state+uint64(f.opt.Shard.First+r))>>11)*(1.0/(1<<53)) < p
}

func (f *fit) drawShare(turn int) []uint32 {
	rows := make([]uint32, 0, int(float64(f.rows)*f.opt.RowShare*1.05)+16)
	for r := range f.rows {
		if f.drawn(drawRows, turn, r, f.opt.RowShare) {
			rows = append(rows, uint32(r))
		}
	}
	return rows
}

// drawLargest is gradient-based one-side sampling (LightGBM, NeurIPS 2017): it
// keeps the rows with the largest gradients, draws some of the others, and makes
// those count more.
func (f *fit) drawLargest(ctx context.Context, turn int) ([]uint32, error) {
	size := make([]float32, f.rows)
	for k := range f.g {
		for i, g := range f.g[k] {
			size[i] += float32(math.Abs(float64(g))) * f.h[k][i]
		}
	}
	cut, err := f.largestCut(ctx, size)
	if err != nil {
		return nil, err
	}
	p := f.opt.Other / (1 - f.opt.Top)
	rows := make([]uint32, 0, int(float64(f.rows)*(f.opt.Top+f.opt.Other)*1.1)+16)
	for r, s := range size {
		if math.Float32bits(s) >= cut {
			rows = append(rows, uint32(r))
			continue
		}
		if !f.drawn(drawGOSS, turn, r, p) {
			continue
		}
		rows = append(rows, uint32(r))
		for k := range f.g {
			f.g[k][r] *= float32(1 / p)
			f.h[k][r] *= float32(1 / p)
		}
	}
	return rows, nil
}

// largestCut returns the bits of the number that Top of all sizes reach. Bits of
// numbers >= 0 have the numbers' order, so the upper and then the lower half of
// them are counted.
func (f *fit) largestCut(ctx context.Context, size []float32) (uint32, error) {
	want := int64(float64(f.total) * f.opt.Top)
	var upper uint32
	for half := range 2 {
		count := make([]int64, 1<<16)
		for _, s := range size {
			b := math.Float32bits(s)
			if half == 0 {
				count[b>>16]++
			} else if b>>16 == upper {
				count[b&0xffff]++
			}
		}
		if err := f.opt.Shard.sum(ctx, count); err != nil {
			return 0, err
		}
		k := len(count) - 1
		for ; k > 0 && want > count[k]; k-- {
			want -= count[k]
		}
		if half == 1 {
			return upper<<16 | uint32(k), nil
		}
		upper = uint32(k)
	}
	return 0, nil
}
