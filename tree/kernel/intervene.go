package kernel

import (
	"github.com/drivecast/drivecast/errs"
)

// Interventional computes exact Shapley values of a sum of trees against
// background rows: a column that is not known has the value of a background row,
// whatever the other columns say (Lundberg and others, Nature Machine
// Intelligence 2, 2020). For one background row, a leaf that is reached when the
// columns of a set S come from the row and those of a set N from the background,
// |S| = s and |N| = n, is the game value·[S known, N not known], in which a
// column of S gains (s-1)!·n!/(s+n)! of the leaf's value and one of N loses
// s!·(n-1)!/(s+n)!. Time is proportional to trees × background rows × leaves
// that both rows can reach.
type Interventional struct {
	e      *Ensemble
	output int
	rows   []float64
	n      int       // background rows
	pays   []float64 // what a leaf pays a column of S, by s and n: see pay
	width  int
}

// NewInterventional prepares the trees of e, all adding to one answer: value
// number output of each leaf. Background is row-major. It returns an error of
// kind Invalid when a tree is not one or there is no background.
func NewInterventional(e *Ensemble, output int, background []float64) (*Interventional, error) {
	if len(background) == 0 || len(background)%e.Features != 0 {
		return nil, errs.New(errs.Invalid, "the background has %d values, which are no rows of %d columns", len(background), e.Features)
	}
	deepest := 0
	for k := range e.Trees {
		if _, err := e.preorder(k); err != nil {
			return nil, err
		}
		deepest = max(deepest, e.Trees[k].depth(0))
	}
	x := &Interventional{e: e, output: output, rows: background, n: len(background) / e.Features}
	x.width = min(deepest, e.Features) + 2
	x.pays = betas(x.width)
	return x, nil
}

func (t *Tree) depth(i int32) int {
	if t.Left[i] < 0 {
		return 0
	}
	return 1 + max(t.depth(t.Left[i]), t.depth(t.Right[i]))
}

// betas returns a!·b!/(a+b+1)! at a·width+b: the integral of t^a (1-t)^b over
// (0,1).
func betas(width int) []float64 {
	out := make([]float64, width*width)
	for a := range width {
		out[a*width] = 1 / float64(a+1)
		for b := 1; b < width; b++ {
			out[a*width+b] = out[a*width+b-1] * float64(b) / float64(a+b+1)
		}
	}
	return out
}

// Background returns the number of background rows.
func (x *Interventional) Background() int { return x.n }

// Row returns background row b, which must not be changed.
func (x *Interventional) Row(b int) []float64 {
	return x.rows[b*x.e.Features : (b+1)*x.e.Features]
}

// Answer returns the sum of the leaves that row falls into.
func (x *Interventional) Answer(row []float64) float64 {
	var sum float64
	for k := range x.e.Trees {
		t := &x.e.Trees[k]
		sum += t.Value[t.Leaf(row, x.e.Compare)*x.e.Outputs+x.output]
	}
	return sum
}

// meeting is the walk of a row and a background row through a tree.
type meeting struct {
	x        *Interventional
	t        *Tree
	row, ref []float64
	from     []int8  // 1: the column is known, -1: it has the background's value, 0: open
	path     []int32 // columns that are not open
	s, n     int
	leaf     func(value float64)
}

// Against adds to dst each column's contribution to the difference between the
// answers for row and for background row b. It is safe for concurrent use.
func (x *Interventional) Against(dst, row []float64, b int) {
	m := &meeting{x: x, row: row, ref: x.Row(b), from: make([]int8, x.e.Features)}
	m.leaf = func(v float64) {
		for _, c := range m.path {
			if m.from[c] > 0 {
				dst[c] += v * x.pays[(m.s-1)*x.width+m.n]
			} else {
				dst[c] -= v * x.pays[m.s*x.width+m.n-1]
			}
		}
	}
	m.walk()
}

// Interactions adds the interaction index of every pair of columns against
// background row b to dst, columns × columns, diagonal left alone: see
// [Explainer.Interactions].
func (x *Interventional) Interactions(dst, row []float64, b int) {
	m := &meeting{x: x, row: row, ref: x.Row(b), from: make([]int8, x.e.Features)}
	m.leaf = func(v float64) {
		for i, c := range m.path {
			for _, d := range m.path[:i] {
				var g float64
				switch {
				case m.from[c] > 0 && m.from[d] > 0:
					g = x.pays[(m.s-2)*x.width+m.n]
				case m.from[c] < 0 && m.from[d] < 0:
					g = x.pays[m.s*x.width+m.n-2]
				default:
					g = -x.pays[(m.s-1)*x.width+m.n-1]
				}
				dst[int(c)*x.e.Features+int(d)] += v * g / 2
				dst[int(d)*x.e.Features+int(c)] += v * g / 2
			}
		}
	}
	m.walk()
}

func (m *meeting) walk() {
	for k := range m.x.e.Trees {
		m.t = &m.x.e.Trees[k]
		m.visit(0)
	}
}

func (m *meeting) visit(i int32) {
	t := m.t
	if t.Left[i] < 0 {
		m.leaf(t.Value[int(i)*m.x.e.Outputs+m.x.output])
		return
	}
	c := t.Feature[i]
	mine, theirs := t.Right[i], t.Right[i]
	if t.goesLeft(i, m.row[c], m.x.e.Compare) {
		mine = t.Left[i]
	}
	if t.goesLeft(i, m.ref[c], m.x.e.Compare) {
		theirs = t.Left[i]
	}
	switch {
	case mine == theirs || m.from[c] > 0:
		m.visit(mine)
	case m.from[c] < 0:
		m.visit(theirs)
	default:
		m.path = append(m.path, c)
		m.from[c] = 1
		m.s++
		m.visit(mine)
		m.from[c] = -1
		m.s--
		m.n++
		m.visit(theirs)
		m.n--
		m.from[c] = 0
		m.path = m.path[:len(m.path)-1]
	}
}
