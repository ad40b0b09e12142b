package hist

import (
	"math"
	"slices"
)

// fewCategories is the number of categories up to which each is tried alone.
const fewCategories = 4

// bestSet finds the best set of categories to go left. Missing and unlisted
// categories go right. With more than a few categories they are ordered by
// gradient over hessian and cut once (Fisher, JASA 1958), from either end.
func (s *scanner) bestSet(n *node, hist []int64, column int, bins *BinColumn) split {
	l2 := s.l2
	var order []int
	for i := range bins.Categories {
		if _, h := unpack(hist[i]); h > 0 {
			order = append(order, i)
		}
	}
	parent := s.parentWorth(n)
	best := split{gain: parent + max(s.minGain, 1e-10*math.Abs(parent))}
	if len(order) <= fewCategories {
		for _, i := range order {
			s.trySet(n, hist, column, []int{i}, l2, &best)
		}
	} else {
		l2 += s.opt.CatL2 / s.unitH
		smooth := s.opt.CatSmooth / s.unitH
		ratio := make([]float64, len(bins.Categories))
		for _, i := range order {
			g, h := unpack(hist[i])
			ratio[i] = float64(g) / (float64(h) + smooth)
		}
		slices.SortStableFunc(order, func(a, b int) int {
			switch {
			case ratio[a] < ratio[b]:
				return -1
			case ratio[a] > ratio[b]:
				return 1
			}
			return 0
		})
		most := min(s.opt.MaxCategory, (len(order)+1)/2)
		for k := 1; k <= most; k++ {
			s.trySet(n, hist, column, order[:k], l2, &best)
		}
		for k := 1; k <= most; k++ {
			s.trySet(n, hist, column, order[len(order)-k:], l2, &best)
		}
	}
	if best.set == nil {
		return split{}
	}
	best.gain = (best.gain - parent) * s.scale
	s.finish(n, &best, 0, hist, l2)
	return best
}

// trySet keeps the set in best when it is better.
func (s *scanner) trySet(n *node, hist []int64, column int, set []int, l2 float64, best *split) {
	var left, rows int64
	for _, i := range set {
		left += hist[i]
		rows += n.rowsOf(column, i, true)
	}
	worth, ok := s.worthBoth(n, left, rows, s.least(n), l2, 0)
	if !ok || worth <= best.gain {
		return
	}
	bits := new([256]uint8)
	for _, i := range set {
		bits[i] = 1
	}
	*best = split{gain: worth, column: column, set: bits, left: left}
}
