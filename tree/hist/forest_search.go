package hist

import "math/bits"

// fewBins is the number of rows below which only the bins that occur are looked
// at.
const fewBins = 128

// search finds the best split of p among columns drawn at random: as many as the
// options say, and further ones until there is a split.
func (g *forestGrower) search(p *place) {
	columns := make([]int, g.f.data.cols)
	for i := range columns {
		columns[i] = i
	}
	d := newDraws(g.f.opt.Seed, drawNodeColumns, g.turn<<32+p.id)
	tried, k := 0, g.f.opt.Columns
	for tried < len(columns) && (tried < k || p.best.gain <= 0) {
		some := columns[tried:min(tried+k, len(columns))]
		for i := range some {
			j := tried + i + d.below(len(columns)-tried-i)
			columns[tried+i], columns[j] = columns[j], columns[tried+i]
		}
		tried += len(some)
		if p.hi-p.lo < fewBins {
			g.searchFew(p, some)
		} else {
			g.searchMany(p, some)
		}
	}
	floor := g.f.opt.MinDecrease * g.tree.Weight[0]
	if floor > 0 && g.decrease(p) < floor {
		p.best.gain = 0
	}
}

// decrease returns the decrease of impurity times weight, in the target's own
// units.
func (g *forestGrower) decrease(p *place) float64 {
	switch {
	case g.f.y != nil:
		return p.best.gain * g.f.unitY * g.f.unitY / g.f.unitW
	case g.f.classes == 2:
		return 2 * p.best.gain * g.f.unitW
	}
	return p.best.gain * g.f.unitW
}

func (g *forestGrower) searchMany(p *place, columns []int) {
	rows := g.part.rows[p.lo:p.hi]
	for k, h := range g.hist {
		clear(h)
		g.acc.wide = g.entries[k]
		g.acc.addColumns(h, rows, columns)
	}
	for i, c := range columns {
		var hists [64][]int64
		list := hists[:0]
		for _, h := range g.hist {
			list = append(list, h[i*width:(i+1)*width])
		}
		g.countRows(rows, c)
		g.scan(p, list, c, nil)
	}
	for _, h := range g.hist {
		clear(h[:width]) // searchFew begins with an empty one
	}
}

// searchFew is searchMany for few rows: it notes which bins occur.
func (g *forestGrower) searchFew(p *place, columns []int) {
	rows := g.part.rows[p.lo:p.hi]
	stride := g.f.data.stride
	for _, c := range columns {
		var seen [4]uint64
		var hists [64][]int64
		list := hists[:0]
		for k := range g.hist {
			h := (*[width]int64)(g.hist[k])
			e := g.entries[k]
			for _, r := range rows {
				b := g.f.data.byRow[int(r)*stride+c]
				h[b] += e[r]
				seen[b>>6] |= 1 << (b & 63)
			}
			list = append(list, h[:])
		}
		g.countRows(rows, c)
		g.scan(p, list, c, &seen)
		for i, word := range seen {
			for ; word != 0; word &= word - 1 {
				for _, h := range list {
					h[i<<6+bits.TrailingZeros64(word)] = 0
				}
			}
		}
	}
}

// countRows counts the rows of column c's bins when leaves need more than one.
func (g *forestGrower) countRows(rows []uint32, c int) {
	if g.count == nil {
		return
	}
	clear(g.count)
	for _, r := range rows {
		g.count[g.f.data.byCol[c][r]]++
	}
}

// scan tries the cuts of column c. A cut lies in the middle of bins without rows.
// seen, when not nil, marks the bins that occur.
func (g *forestGrower) scan(p *place, hists [][]int64, c int, seen *[4]uint64) {
	missing := g.f.data.bins.Columns[c].Count() - 1
	if len(hists) == 1 && g.count == nil && seen == nil && hists[0][missing] == 0 {
		g.scanOne(p, hists[0][:missing], c)
		return
	}
	g.scanFrom(p, hists, c, missing, seen, false)
	if hists[0][missing] != 0 {
		g.scanFrom(p, hists, c, missing, seen, true)
	}
}

func (g *forestGrower) scanFrom(p *place, hists [][]int64, c, missing int, seen *[4]uint64, missingLeft bool) {
	s := cutScan{p: p, parent: worthOf(p.sums), least: int64(g.f.opt.MinRows), rows: int64(p.hi - p.lo)}
	s.left = s.buf[:0]
	s.left = append(s.left, make([]int64, len(p.sums))...)
	if missingLeft {
		for k, h := range hists {
			s.left[k] = h[missing]
		}
		if g.count != nil {
			s.leftRows = g.count[missing]
		}
	}
	last := -1 // the best cut is after this bin, and no row was seen since
	for i := 0; i < missing; i++ {
		if seen != nil {
			if i = next(seen, i); i >= missing {
				break
			}
		}
		if hists[0][i] == 0 {
			continue
		}
		if last >= 0 {
			p.best.bin = (last + i - 1) / 2
			last = -1
		}
		for k, h := range hists {
			s.left[k] += h[i]
		}
		if g.count != nil {
			if s.leftRows += g.count[i]; s.leftRows < s.least || s.rows-s.leftRows < s.least {
				continue
			}
		}
		if gain, left := s.try(); gain > p.best.gain {
			direction := missingLeft
			if hists[0][missing] == 0 {
				direction = left
			}
			p.best = cutAt{gain: gain, column: c, bin: i, missingLeft: direction}
			last = i
		}
	}
}

// scanOne is scanFrom for two classes or one target, without missing values and
// without a least number of rows. A cut is judged exactly only when it comes near
// the best one so far, which saves a division a bin.
func (g *forestGrower) scanOne(p *place, hist []int64, c int) {
	const near = 1 - 1e-9
	s := cutScan{p: p, parent: worthOf(p.sums)}
	s.left = s.buf[:1]
	bar := (p.best.gain + s.parent) * near
	sum, left, last := p.sums[0], int64(0), -1
	for i, e := range hist {
		if e == 0 {
			continue
		}
		if last >= 0 {
			p.best.bin = (last + i - 1) / 2
			last = -1
		}
		left += e
		gl, hl := unpack(left)
		gr, hr := unpack(sum - left)
		fl, fr, wl, wr := float64(gl), float64(gr), float64(hl), float64(hr)
		if fl*fl*wr+fr*fr*wl < bar*(wl*wr) {
			continue
		}
		s.left[0] = left
		if gain, heavy := s.try(); gain > p.best.gain {
			p.best = cutAt{gain: gain, column: c, bin: i, missingLeft: heavy}
			last, bar = i, (gain+s.parent)*near
		}
	}
}

// next returns the first bin from i on that occurs, or 256.
func next(seen *[4]uint64, i int) int {
	for w := i >> 6; w < 4; w++ {
		word := seen[w]
		if w == i>>6 {
			word &= ^uint64(0) << (i & 63)
		}
		if word != 0 {
			return w<<6 + bits.TrailingZeros64(word)
		}
	}
	return width
}

// cutScan is the state of one pass over a column's bins.
type cutScan struct {
	p        *place
	left     []int64
	buf      [64]int64
	parent   float64
	least    int64
	rows     int64
	leftRows int64
}

// try returns the gain of cutting here, 0 when a side is empty, and whether the
// left side is the heavier one.
func (s *cutScan) try() (gain float64, left bool) {
	_, h := unpack(s.p.sums[0])
	_, hl := unpack(s.left[0])
	hr := h - hl
	if hl == 0 || hr == 0 {
		return 0, false
	}
	var l, r float64
	for k, e := range s.left {
		gl, _ := unpack(e)
		gr, _ := unpack(s.p.sums[k] - e)
		l += float64(gl) * float64(gl)
		r += float64(gr) * float64(gr)
	}
	worth := (l*float64(hr) + r*float64(hl)) / (float64(hl) * float64(hr))
	if gain = worth - s.parent; gain <= 1e-10*s.parent {
		return 0, false
	}
	return gain, hl >= hr
}

func worthOf(sums []int64) float64 {
	var w float64
	_, h := unpack(sums[0])
	for _, e := range sums {
		g, _ := unpack(e)
		w += float64(g) * float64(g)
	}
	return w / float64(h)
}
