package hist

import "math"

// split is the best way found to cut a node. Sums are in the quantizer's units.
type split struct {
	gain        float64 // reduction of the loss; 0 when there is no split
	column      int
	bin         int         // numbers: bins 0..bin go left
	missingLeft bool        // where the bin of missing values goes
	set         *[256]uint8 // categories: 1 for bins that go left; nil for numbers
	left        int64       // packed sums of the left child
	low, high   float64     // values of the children: low is the left one's
}

// scanner finds splits under one set of options and units.
type scanner struct {
	opt     *Options
	unitG   float64
	unitH   float64
	l1, l2  float64 // in units of gradient and hessian
	step    float64 // bound on leaf values, in units; +Inf: none
	minGain float64 // in units
	minH    int64   // least hessian of a child, in units
	scale   float64 // from units of gain to gain
	plain   bool    // no L1, no bound: the short formula holds
}

func newScanner(opt *Options, unitG, unitH float64) *scanner {
	s := &scanner{
		opt: opt, unitG: unitG, unitH: unitH, l1: opt.L1 / unitG, l2: opt.L2 / unitH,
		step: math.Inf(1), scale: unitG * unitG / unitH,
	}
	if opt.MaxStep > 0 {
		s.step = opt.MaxStep * unitH / unitG
	}
	s.minGain = opt.MinGain / s.scale
	s.minH = max(1, int64(math.Ceil(opt.MinHessian/unitH)))
	s.plain = opt.L1 == 0 && opt.MaxStep == 0
	return s
}

// value returns the leaf value, in units, of sums g and h, cut to lo..hi.
func (s *scanner) value(g, h, l2, lo, hi float64) float64 {
	g = math.Copysign(max(math.Abs(g)-s.l1, 0), g)
	v := -g / (h + l2)
	v = max(min(v, s.step), -s.step)
	return max(min(v, hi), lo)
}

// worth returns how much a leaf of sums g and h lowers twice the loss at value v.
func (s *scanner) worth(g, h, l2, v float64) float64 {
	g = math.Copysign(max(math.Abs(g)-s.l1, 0), g)
	return -(2*g*v + (h+l2)*v*v)
}

// least returns the least hessian of a child of n: enough for MinRows rows of
// average hessian.
func (s *scanner) least(n *node) int64 {
	_, h := unpack(n.sum)
	return max(s.minH, int64(float64(s.opt.MinRows)*float64(h)/float64(n.count)))
}

// bestOf finds the best split of node n on a column with histogram hist.
func (s *scanner) bestOf(n *node, hist []int64, column int, bins *BinColumn) split {
	hist = hist[:width]
	switch {
	case bins.Categories != nil:
		return s.bestSet(n, hist, column, bins)
	case s.plain && !n.bounded && n.rows == nil:
		best := s.scanPlain(n, hist, column, len(bins.Upper), false)
		if hist[len(bins.Upper)+1] != 0 {
			if other := s.scanPlain(n, hist, column, len(bins.Upper), true); other.gain > best.gain {
				best = other
			}
		}
		return best
	default:
		best := s.scanBounded(n, hist, column, len(bins.Upper), false)
		if hist[len(bins.Upper)+1] != 0 {
			if other := s.scanBounded(n, hist, column, len(bins.Upper), true); other.gain > best.gain {
				best = other
			}
		}
		return best
	}
}

// scanPlain tries every cut of a numeric column. cuts is the number of upper
// bounds; the bin of missing values is number cuts+1.
func (s *scanner) scanPlain(n *node, hist []int64, column, cuts int, missingLeft bool) split {
	var left int64
	if missingLeft {
		left = hist[cuts+1]
	}
	total, least := n.sum, s.least(n)
	tg, th := unpack(total)
	gt, l2 := float64(tg), s.l2
	parent := gt * gt / (float64(th) + l2)
	bestGain, at, bestLeft := parent+max(s.minGain, 1e-10*parent), -1, int64(0)
	for i, e := range hist[:cuts+lastCut(hist, cuts, missingLeft)] {
		left += e
		g, h := unpack(left)
		if h < least {
			continue
		}
		if th-h < least {
			break
		}
		gl, hl, hr := float64(g), float64(h)+l2, float64(th-h)+l2
		gr := gt - gl
		if gain := (gl*gl*hr + gr*gr*hl) / (hl * hr); gain > bestGain {
			bestGain, at, bestLeft = gain, i, left
		}
	}
	if at < 0 {
		return split{}
	}
	out := split{gain: (bestGain - parent) * s.scale, column: column, bin: at, missingLeft: missingLeft, left: bestLeft}
	s.finish(n, &out, cuts, hist, l2)
	return out
}

// lastCut returns 1 when numbers may be parted from missing values, else 0.
func lastCut(hist []int64, cuts int, missingLeft bool) int {
	if !missingLeft && hist[cuts+1] != 0 {
		return 1
	}
	return 0
}

// finish sets a split's values and where missing values go when none were seen.
func (s *scanner) finish(n *node, out *split, cuts int, hist []int64, l2 float64) {
	lg, lh := unpack(out.left)
	rg, rh := unpack(n.sum - out.left)
	if out.set == nil && hist[cuts+1] == 0 {
		out.missingLeft = lh >= rh
	}
	out.low = s.value(float64(lg), float64(lh), l2, n.min, n.max)
	out.high = s.value(float64(rg), float64(rh), l2, n.min, n.max)
}

// scanBounded is scanPlain under L1, a bound on values, or monotone constraints.
func (s *scanner) scanBounded(n *node, hist []int64, column, cuts int, missingLeft bool) split {
	var left int64
	if missingLeft {
		left = hist[cuts+1]
	}
	sign := s.direction(column)
	least, parent := s.least(n), s.parentWorth(n)
	bestGain, at, bestLeft := parent+max(s.minGain, 1e-10*math.Abs(parent)), -1, int64(0)
	rows := n.rowsOf(column, cuts+1, missingLeft)
	for i, e := range hist[:cuts+lastCut(hist, cuts, missingLeft)] {
		left += e
		rows += n.rowsOf(column, i, true)
		if gain, ok := s.worthBoth(n, left, rows, least, s.l2, sign); ok && gain > bestGain {
			bestGain, at, bestLeft = gain, i, left
		}
	}
	if at < 0 {
		return split{}
	}
	out := split{gain: (bestGain - parent) * s.scale, column: column, bin: at, missingLeft: missingLeft, left: bestLeft}
	s.finish(n, &out, cuts, hist, s.l2)
	return out
}

func (s *scanner) direction(column int) int8 {
	if s.opt.Monotone == nil {
		return 0
	}
	return s.opt.Monotone[column]
}

func (s *scanner) parentWorth(n *node) float64 {
	tg, th := unpack(n.sum)
	g, h := float64(tg), float64(th)
	return s.worth(g, h, s.l2, s.value(g, h, s.l2, n.min, n.max))
}

// worthBoth returns the worth of the children when left sums, of so many rows
// where rows are counted, go left; ok is false when a child is too light or the values are in the wrong order.
func (s *scanner) worthBoth(n *node, left, rows, least int64, l2 float64, sign int8) (worth float64, ok bool) {
	lg, lh := unpack(left)
	rg, rh := unpack(n.sum - left)
	if n.rows != nil {
		if rows < int64(s.opt.MinRows) || n.count-rows < int64(s.opt.MinRows) || lh < s.minH || rh < s.minH {
			return 0, false
		}
	} else if lh < least || rh < least {
		return 0, false
	}
	vl := s.value(float64(lg), float64(lh), l2, n.min, n.max)
	vr := s.value(float64(rg), float64(rh), l2, n.min, n.max)
	if sign > 0 && vl > vr || sign < 0 && vl < vr {
		return 0, false
	}
	return s.worth(float64(lg), float64(lh), l2, vl) + s.worth(float64(rg), float64(rh), l2, vr), true
}
