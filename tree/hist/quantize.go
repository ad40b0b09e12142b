package hist

import (
	"context"
	"math"
	"math/bits"

	"github.com/drivecast/drivecast/errs"
)

// quantizer turns gradients into histogram entries: small integers, rounded at
// random so that every sum is right on average.
type quantizer struct {
	shard    *Shard
	total    int // rows of all processes
	workers  int
	exactly  bool
	seed     uint64
	wide     []int64
	small    []int32
	narrow   bool    // which of them is in use
	unitG    float64 // what one step of the integer gradient stands for
	unitH    float64
	hessianC bool // hessians are all 1 and are counted instead
}

// wideBits is the number of bits of a gradient that let sums over all rows stay
// within 31.
func wideBits(total int) int { return min(20, 31-bits.Len(uint(total))) }

func newQuantizer(rows, total, workers int, opt *Options) (*quantizer, error) {
	if wideBits(total) < 4 {
		return nil, errs.New(errs.TooLarge, "%d rows are too many: at most 134217727", total)
	}
	return &quantizer{shard: &opt.Shard, total: total, workers: workers, exactly: opt.Exactly, seed: opt.Seed}, nil
}

// fill makes the entries of round turn from gradients g and hessians h >= 0.
func (q *quantizer) fill(ctx context.Context, turn int, g, h []float32) error {
	top := []float64{0, 0}
	q.largest(top, g, h)
	if err := q.shard.max(ctx, top); err != nil {
		return err
	}
	if math.IsInf(top[0]+top[1], 0) {
		return errs.New(errs.Invalid, "a gradient overflows: scale the target or lower the learning rate")
	}
	stepsG, stepsH, err := q.steps(ctx, g, top[0])
	if err != nil {
		return err
	}
	narrow := stepsG <= narrowG
	q.narrow = narrow
	if q.hessianC {
		stepsH, top[1] = 1, 1
	}
	q.unitG, q.unitH = unit(top[0], stepsG), unit(top[1], stepsH)
	seed := uint32(mix(mix(q.seed) ^ drawRounding<<48 + uint64(turn)))
	s := rounding{
		scaleG: float32(1 / q.unitG), scaleH: float32(1 / q.unitH),
		maxG: float32(stepsG), maxH: float32(stepsH), seed: seed,
	}
	q.grow(len(g))
	parallel(q.workers, func(k int) {
		lo, hi := span(len(g), k, q.workers, 4096)
		part := s
		part.first = uint32(q.shard.First + lo)
		if narrow {
			roundNarrow(q.small[lo:hi], g[lo:hi], h[lo:hi], &part)
		} else {
			roundWide(q.wide[lo:hi], g[lo:hi], h[lo:hi], &part)
		}
	})
	return nil
}

func unit(top, steps float64) float64 {
	if top == 0 {
		return 1
	}
	return top / steps
}

func (q *quantizer) grow(n int) {
	if q.narrow && q.small == nil {
		q.small = make([]int32, n)
	}
	if !q.narrow && q.wide == nil {
		q.wide = make([]int64, n)
	}
}

// largest writes the largest |g| and the largest h to top.
func (q *quantizer) largest(top []float64, g, h []float32) {
	tops := make([][2]float32, q.workers)
	parallel(q.workers, func(k int) {
		lo, hi := span(len(g), k, q.workers, 4096)
		tops[k][0], tops[k][1] = largest(g[lo:hi], h[lo:hi])
	})
	for _, t := range tops {
		top[0], top[1] = max(top[0], float64(t[0])), max(top[1], float64(t[1]))
	}
}

// Many rows need few steps: rounding at random then acts as a mild regularizer,
// and LightGBM's quantized training has two steps to a side by default.
const (
	manyRows = 1 << 14
	coarseG  = 3
	coarseH  = 7
)

// steps returns the largest whole gradient and hessian. Few steps are taken when
// rounding to them adds little to the variance of gradients: with many rows less
// than 25%, otherwise less than 2%. Every sixteenth row is looked at, in whole
// numbers.
func (q *quantizer) steps(ctx context.Context, g []float32, top float64) (gradient, hessian float64, err error) {
	all := float64(int(1)<<wideBits(q.total) - 1)
	if q.exactly || top == 0 {
		return all, all, nil
	}
	const scale = 1024
	sum := []int64{0, 0}
	for i := (16 - q.shard.First%16) % 16; i < len(g); i += 16 {
		v := int64(math.Round(float64(g[i]) / top * scale))
		sum[0] += v * v
		sum[1]++
	}
	if err := q.shard.sum(ctx, sum); err != nil {
		return 0, 0, err
	}
	variance := float64(sum[0]) / (scale * scale) / float64(sum[1])
	switch {
	case q.total >= manyRows && 1.0/(6*coarseG*coarseG) < 0.25*variance:
		return coarseG, coarseH, nil
	case 1.0/(6*narrowG*narrowG) < 0.02*variance:
		return narrowG, narrowH, nil
	}
	return all, all, nil
}

// rounding is what the rounding kernels need; the assembly reads it by offset.
type rounding struct {
	scaleG, scaleH float32
	maxG, maxH     float32
	seed           uint32
	first          uint32 // number of the first row
}

// noise returns 32 random bits for a row: half of them round its gradient, half
// its hessian.
func noise(row, seed uint32) uint32 {
	u := (row ^ seed) * 0x9e3779b1
	u = (u ^ u>>15) * 0x85ebca77
	return u ^ u>>13
}

// roundOne rounds x·scale to one of its two neighbours by 16 random bits, and
// cuts it to ±most.
func roundOne(x, scale, most float32, random uint32) int64 {
	v := float32(x*scale) + float32(random)*(1.0/65536)
	n := int64(v)
	if float32(n) > v {
		n--
	}
	return max(min(n, int64(most)), -int64(most))
}

// roundWideGo is roundWide in plain Go.
func roundWideGo(dst []int64, g, h []float32, s *rounding) {
	for i := range dst {
		u := noise(s.first+uint32(i), s.seed)
		dst[i] = pack(roundOne(g[i], s.scaleG, s.maxG, u>>16), roundOne(h[i], s.scaleH, s.maxH, u&0xffff))
	}
}

// roundNarrowGo is roundNarrow in plain Go.
func roundNarrowGo(dst []int32, g, h []float32, s *rounding) {
	for i := range dst {
		u := noise(s.first+uint32(i), s.seed)
		dst[i] = int32(roundOne(g[i], s.scaleG, s.maxG, u>>16))<<16 + int32(roundOne(h[i], s.scaleH, s.maxH, u&0xffff))
	}
}

// largestGo is largest in plain Go: the largest |g| and |h|, +Inf when there is a
// NaN. Bits of numbers >= 0 have the numbers' order, NaN being above all.
func largestGo(g, h []float32) (topG, topH float32) {
	const magnitude, infinite = 1<<31 - 1, 0x7f800000
	var a, b uint32
	for i, v := range g {
		a = max(a, math.Float32bits(v)&magnitude)
		b = max(b, math.Float32bits(h[i])&magnitude)
	}
	return math.Float32frombits(min(a, infinite)), math.Float32frombits(min(b, infinite))
}
