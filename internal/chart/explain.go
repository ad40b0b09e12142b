package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Explained is what the columns add to the answers of some rows.
type Explained struct {
	Names []string  // of the columns
	Space string    // the scale that contributions add up in
	X     []float64 // rows × columns, row after row: the values; NaN is missing
	Given []float64 // likewise: what each value adds
	Bases []float64 // of each row: the answer without the columns
}

const (
	wide      = 820.0
	rowHeight = 28.0
	labelSize = 13.0
	mostRows  = 20   // columns that are drawn
	mostDots  = 2000 // rows that are drawn as dots, evenly spread
)

func (e *Explained) rows() int { return len(e.Bases) }

// ranked returns the columns by their mean absolute contribution, the greatest first,
// and this mean of every column.
func (e *Explained) ranked() (order []int, mean []float64) {
	n := len(e.Names)
	mean = make([]float64, n)
	for r := range e.rows() {
		for j := range n {
			mean[j] += math.Abs(e.Given[r*n+j])
		}
	}
	for j := range mean {
		mean[j] /= float64(max(1, e.rows()))
		order = append(order, j)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(mean[b], mean[a]) })
	return order[:min(len(order), mostRows)], mean
}

// dots are the rows that are drawn one by one.
func (e *Explained) dots() []int {
	n := min(e.rows(), mostDots)
	out := make([]int, n)
	for i := range out {
		out[i] = i * e.rows() / n
	}
	return out
}

// frame begins a picture with one line a name, and returns the left end of its axis.
func frame(title, below string, names []string, height float64) (*Picture, *faces, float64, error) {
	f, err := newFaces()
	if err != nil {
		return nil, nil, 0, err
	}
	left := 60.0
	for _, name := range names {
		left = max(left, min(280, f.measure(name, labelSize))+34)
	}
	p := &Picture{title: title, width: wide, height: height}
	p.write(20, 30, 17, start, ink, f.shorten(title, 17, wide-40))
	p.write(20, 50, 12, start, faint, below)
	return p, f, left, nil
}

const listTop = 68.0

// Importances draws the mean absolute contribution of each column.
func (e *Explained) Importances() (*Picture, error) {
	order, mean := e.ranked()
	names := pick(e.Names, order)
	foot := listTop + rowHeight*float64(len(order)) + 6
	p, f, left, err := frame("Which columns matter", fmt.Sprintf("mean absolute contribution in %d rows", e.rows()), names, foot+54)
	if err != nil {
		return nil, err
	}
	a := axis{0, 0, left, wide - 90}
	for _, j := range order {
		a.hi = max(a.hi, mean[j])
	}
	if a.hi == 0 {
		a.hi = 1
	}
	p.bottom(a, listTop, foot, "mean |contribution| ("+e.Space+")")
	for i, j := range order {
		y := listTop + rowHeight*float64(i)
		p.write(left-10, y+rowHeight/2+5, labelSize, end, ink, f.shorten(names[i], labelSize, left-34))
		p.rect(left, y+5, a.at(mean[j])-left, rowHeight-10, down)
		p.write(a.at(mean[j])+6, y+rowHeight/2+4.5, 12, start, faint, number(mean[j]))
	}
	return p, nil
}

// Beeswarm draws each row's contribution of each column as a dot, coloured by the
// column's value.
func (e *Explained) Beeswarm() (*Picture, error) {
	order, _ := e.ranked()
	names, n, dots := pick(e.Names, order), len(e.Names), e.dots()
	const tall = rowHeight + 6
	foot := listTop + tall*float64(len(order)) + 6
	p, f, left, err := frame("What each value adds", fmt.Sprintf("one dot for each of %d rows", len(dots)), names, foot+54)
	if err != nil {
		return nil, err
	}
	lists := make([][]float64, len(order))
	for i, j := range order {
		for _, r := range dots {
			lists[i] = append(lists[i], e.Given[r*n+j])
		}
	}
	a := span(left, wide-90, []float64{0}, lists...)
	p.bottom(a, listTop, foot, "contribution ("+e.Space+")")
	p.line(a.at(0), listTop, a.at(0), foot, faint)
	for i, j := range order {
		y := listTop + tall*(float64(i)+.5)
		p.write(left-10, y+5, labelSize, end, ink, f.shorten(names[i], labelSize, left-34))
		shares := e.shares(j)
		heights := swarm(lists[i], a, tall/2-4)
		for k, r := range dots {
			p.dot(a.at(lists[i][k]), y+heights[k], 2.6, heat(shares[r]), .75)
		}
	}
	p.legend(listTop+10, foot-10, "value")
	return p, nil
}

// swarm spreads dots that would cover each other up and down, within the height.
func swarm(values []float64, a axis, height float64) []float64 {
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(i, j int) int { return cmp.Compare(values[i], values[j]) })
	out := make([]float64, len(values))
	for from := 0; from < len(order); {
		to, bin := from, math.Floor(a.at(values[order[from]])/3)
		for to < len(order) && math.Floor(a.at(values[order[to]])/3) == bin {
			to++
		}
		step := min(3, 2*height/float64(max(1, to-from-1)))
		slices.Sort(order[from:to]) // as the rows come, so that colours mix
		for k, i := range order[from:to] {
			side := float64((k + 1) / 2)
			if k%2 == 1 {
				side = -side
			}
			out[i] = side * step
		}
		from = to
	}
	return out
}

// shares places the values of a column between its lowest and highest twentieth; NaN
// stays.
func (e *Explained) shares(j int) []float64 {
	n := len(e.Names)
	var known []float64
	out := make([]float64, e.rows())
	for r := range out {
		if out[r] = e.X[r*n+j]; !math.IsNaN(out[r]) && !math.IsInf(out[r], 0) {
			known = append(known, out[r])
		}
	}
	if known == nil {
		return out
	}
	slices.Sort(known)
	lo, hi := known[len(known)/20], known[len(known)-1-len(known)/20]
	if lo == hi {
		lo, hi = known[0], known[len(known)-1]
	}
	for r, v := range out {
		switch {
		case math.IsNaN(v):
		case hi > lo:
			out[r] = max(0, min(1, (v-lo)/(hi-lo)))
		default:
			out[r] = .5
		}
	}
	return out
}

// legend draws the scale of colours at the right.
func (p *Picture) legend(top, foot float64, what string) {
	const bands = 32
	x := wide - 56
	top, foot = max(top, (top+foot)/2-110), min(foot, (top+foot)/2+110)
	for i := range bands {
		h := (foot - top - 32) / bands
		p.rect(x, foot-16-h*float64(i+1), 10, h+.5, heat(float64(i)/(bands-1)))
	}
	p.write(x+5, top+8, 12, middle, faint, "high")
	p.write(x+5, foot, 12, middle, faint, "low")
	p.shapes = append(p.shapes, shape{at: point{x + 28, (top + foot) / 2}, text: what, size: 12, anchor: middle, turned: true, color: faint, alpha: 1})
}

func pick(names []string, order []int) []string {
	out := make([]string, len(order))
	for i, j := range order {
		out[i] = names[j]
	}
	return out
}
