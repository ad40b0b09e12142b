package chart

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Dependence draws what a column adds against its value, coloured by the column that
// it goes together with most. Rows without a value stand at the left.
func (e *Explained) Dependence(column int) (*Picture, error) {
	n, dots := len(e.Names), e.dots()
	const foot = 430.0
	var xs, ys []float64
	gap := false
	for _, r := range dots {
		xs, ys = append(xs, e.X[r*n+column]), append(ys, e.Given[r*n+column])
		gap = gap || math.IsNaN(e.X[r*n+column])
	}
	below := fmt.Sprintf("one dot for each of %d rows", len(dots))
	p, f, _, err := frame("What "+e.Names[column]+" adds", below, nil, foot+54)
	if err != nil {
		return nil, err
	}
	left := 90.0
	if gap {
		left += 40
	}
	a, b := span(left, wide-90, nil, xs), span(foot-6, listTop, []float64{0}, ys)
	p.bottom(a, listTop, foot, f.shorten(e.Names[column], 13, 500))
	at, texts := b.ticks(6)
	for i, v := range at {
		p.line(left-8, b.at(v), a.to, b.at(v), grid)
		p.write(82, b.at(v)+4, 12, end, faint, texts[i])
	}
	p.line(left-8, b.at(0), a.to, b.at(0), faint)
	p.shapes = append(p.shapes, shape{at: point{24, (listTop + foot) / 2}, text: "contribution (" + e.Space + ")", size: 13, anchor: middle, turned: true, color: ink, alpha: 1})
	if gap {
		p.write(104, foot+18, 12, middle, faint, "missing")
	}
	other := e.companion(column)
	shares := make([]float64, e.rows())
	if other >= 0 {
		shares = e.shares(other)
	}
	for k, r := range dots {
		x, c := a.at(xs[k]), down
		if math.IsNaN(xs[k]) {
			x = 96 + float64(k*7%17)
		}
		if math.IsInf(xs[k], 0) {
			continue
		}
		if other >= 0 {
			c = heat(shares[r])
		}
		p.dot(x, b.at(ys[k]), 3, c, .7)
	}
	if other >= 0 {
		p.legend(listTop+10, foot-10, f.shorten(e.Names[other], 12, 200))
	}
	return p, nil
}

// companion returns the column whose values go along most with what the given column
// adds among rows where its own value is about the same; -1 when none does.
func (e *Explained) companion(column int) int {
	n, dots := len(e.Names), e.dots()
	slices.SortStableFunc(dots, func(a, b int) int { return cmp.Compare(e.X[a*n+column], e.X[b*n+column]) })
	size := max(8, len(dots)/12)
	best, most := -1, .05
	for j := range n {
		if j == column {
			continue
		}
		sum, parts := 0.0, 0.0
		for from := 0; from+size <= len(dots); from += size {
			part := dots[from : from+size]
			sum += math.Abs(correlation(part, func(r int) (float64, float64) { return e.X[r*n+j], e.Given[r*n+column] }))
			parts++
		}
		if parts > 0 && sum/parts > most {
			best, most = j, sum/parts
		}
	}
	return best
}

// correlation is Pearson's, of the rows that have both values; 0 when one is constant.
func correlation(rows []int, at func(r int) (x, y float64)) float64 {
	var n, sx, sy, xx, yy, xy float64
	for _, r := range rows {
		x, y := at(r)
		if math.IsNaN(x) || math.IsInf(x, 0) {
			continue
		}
		n++
		sx, sy, xx, yy, xy = sx+x, sy+y, xx+x*x, yy+y*y, xy+x*y
	}
	vx, vy := xx-sx*sx/n, yy-sy*sy/n
	if n < 3 || vx <= 1e-12*xx || vy <= 1e-12*yy {
		return 0
	}
	return (xy - sx*sy/n) / math.Sqrt(vx*vy)
}

// mostSteps is how many columns a waterfall shows before it adds up the others.
const mostSteps = 12

// Waterfall draws how the columns of one row lead from the base value to the answer.
// texts are the values as the file has them; title says which row it is.
func (e *Explained) Waterfall(row int, texts []string, title string) (*Picture, error) {
	n := len(e.Names)
	given, order := e.Given[row*n:(row+1)*n], make([]int, n)
	for j := range order {
		order[j] = j
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(math.Abs(given[b]), math.Abs(given[a])) })
	var names []string
	var adds []float64
	rest := 0.0
	for i, j := range order {
		if i >= mostSteps && n > mostSteps+1 {
			rest += given[j]
			continue
		}
		names, adds = append(names, e.Names[j]+" = "+texts[j]), append(adds, given[j])
	}
	if n > mostSteps+1 {
		names, adds = append(names, fmt.Sprintf("%d other columns", n-mostSteps)), append(adds, rest)
	}
	slices.Reverse(names)
	slices.Reverse(adds)
	foot := listTop + rowHeight*float64(len(names)+2) + 6
	p, f, left, err := frame(title, "from a usual answer at the top to this one at the bottom", names, foot+54)
	if err != nil {
		return nil, err
	}
	levels := []float64{e.Bases[row]}
	for _, v := range adds {
		levels = append(levels, levels[len(levels)-1]+v)
	}
	a := span(left, wide-80, nil, levels)
	room := (a.hi - a.lo) * .08
	a.lo, a.hi = a.lo-room, a.hi+room
	p.bottom(a, listTop, foot, "answer ("+e.Space+")")
	y := listTop
	p.write(left-10, y+rowHeight/2+5, labelSize, end, faint, "base value")
	p.line(a.at(levels[0]), y+6, a.at(levels[0]), y+rowHeight+5, faint)
	p.write(a.at(levels[0])+6, y+rowHeight/2+5, 12, start, faint, number(levels[0]))
	for i, v := range adds {
		y += rowHeight
		p.write(left-10, y+rowHeight/2+5, labelSize, end, ink, f.shorten(names[i], labelSize, left-34))
		p.step(a, levels[i], levels[i+1], v, y, f)
		p.line(a.at(levels[i+1]), y+rowHeight-5, a.at(levels[i+1]), y+rowHeight+5, faint)
	}
	y += rowHeight
	last := levels[len(levels)-1]
	p.write(left-10, y+rowHeight/2+5, labelSize, end, ink, "this row")
	p.line(a.at(last), y+5, a.at(last), y+rowHeight-6, ink)
	p.write(a.at(last)+6, y+rowHeight/2+5, labelSize, start, ink, number(last))
	return p, nil
}

// step draws what one column adds, as an arrow.
func (p *Picture) step(a axis, from, to, v, y float64, f *faces) {
	x0, x1, c := a.at(from), a.at(to), up
	tip := min(6, math.Abs(x1-x0))
	text, room := signed(v), f.measure(signed(v), 12)+10
	if v < 0 {
		c, tip = down, -tip
	}
	top, foot, mid := y+5, y+rowHeight-5, y+rowHeight/2
	p.polygon(c, 1, point{x0, top}, point{x1 - tip, top}, point{x1, mid}, point{x1 - tip, foot}, point{x0, foot})
	right := max(x0, x1)
	switch {
	case math.Abs(x1-x0) > room+8:
		p.write((x0+x1)/2-tip/2, mid+4.5, 12, middle, Color{255, 255, 255}, text)
	case right+room < a.to:
		p.write(right+6, mid+4.5, 12, start, c, text)
	default:
		p.write(min(x0, x1)-6, mid+4.5, 12, end, c, text)
	}
}
