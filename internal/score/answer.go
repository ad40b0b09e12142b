package score

import (
	"math"
	"strconv"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// labelJSON returns class c as JSON, as the model's users wrote it.
func labelJSON(m *model.Model, c int) []byte {
	v := m.Estimator.Classes()[c]
	switch {
	case m.Labels != nil:
		return marshal(m.Labels[c])
	case m.LabelType == mlfolder.Boolean:
		return strconv.AppendBool(nil, v != 0)
	case m.LabelType == mlfolder.Double || v != math.Trunc(v):
		return appendFloat(nil, v)
	}
	return strconv.AppendInt(nil, int64(v), 10)
}

// appendFloat writes v as Python's json module does: with a point or an
// exponent, in the fewest digits that read back to it. What JSON has no number
// for is null.
func appendFloat(dst []byte, v float64) []byte {
	switch a := math.Abs(v); {
	case math.IsNaN(v) || math.IsInf(v, 0):
		return append(dst, "null"...)
	case a != 0 && (a < 1e-4 || a >= 1e16):
		return strconv.AppendFloat(dst, v, 'e', -1, 64)
	}
	start := len(dst)
	dst = strconv.AppendFloat(dst, v, 'f', -1, 64)
	for _, c := range dst[start:] {
		if c == '.' {
			return dst
		}
	}
	return append(dst, ".0"...)
}

// answer holds what a model said about the rows of one request.
type answer struct {
	x, scores, why []float64
	classes        []int
	bases          []float64
	space          string
}

// ask scores rows x.
func (p *plan) ask(a *answer, rows int) {
	k := p.m.Outputs()
	a.scores = sized(a.scores, rows*k)
	spans(rows, alone, func(lo, hi int) error {
		p.est.Scores(a.scores[lo*k:hi*k], a.x[lo*p.n:hi*p.n])
		return nil
	})
	if p.m.Classifier() {
		a.classes = sized(a.classes, rows)
		p.m.Decide(a.classes, a.scores, a.x)
	}
}

func sized[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}

// explain fills in the contributions of every column in every row.
func (p *plan) explain(a *answer, rows int) error {
	a.why, a.bases = sized(a.why, rows*p.n), sized(a.bases, rows)
	return spans(rows, aloneExplained, func(lo, hi int) error {
		for r := lo; r < hi; r++ {
			base, space, err := p.m.Explain(a.why[r*p.n:(r+1)*p.n], a.x[r*p.n:(r+1)*p.n])
			if err != nil {
				return err
			}
			if a.bases[r] = base; r == 0 {
				a.space = space
			}
		}
		return nil
	})
}

// predictions appends {"predictions": […]} and, when asked for, probabilities
// and explanations.
func (p *plan) predictions(dst []byte, a *answer, rows int, opt options) []byte {
	dst = append(dst, `{"predictions": [`...)
	for r := range rows {
		if r > 0 {
			dst = append(dst, ", "...)
		}
		switch {
		case p.m.Classifier() && opt.raw && p.m.Outputs() == 2:
			dst = appendFloat(dst, a.scores[2*r+1])
		case p.m.Classifier() && (opt.proba || opt.raw):
			dst = p.row(dst, a, r)
		case p.m.Classifier() && p.m.Listed:
			dst = append(append(append(dst, '['), p.labels[a.classes[r]]...), ']')
		case p.m.Classifier():
			dst = append(dst, p.labels[a.classes[r]]...)
		default:
			dst = appendFloat(dst, a.scores[r])
		}
	}
	dst = append(dst, ']')
	if opt.explain {
		dst = p.explanations(dst, a, rows)
	}
	return append(dst, '}')
}

// row appends the probabilities of one row.
func (p *plan) row(dst []byte, a *answer, r int) []byte {
	k := p.m.Outputs()
	dst = append(dst, '[')
	for c, v := range a.scores[r*k : (r+1)*k] {
		if c > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendFloat(dst, v)
	}
	return append(dst, ']')
}

func (p *plan) explanations(dst []byte, a *answer, rows int) []byte {
	if p.m.Classifier() {
		dst = append(dst, `, "probabilities": [`...)
		for r := range rows {
			if r > 0 {
				dst = append(dst, ", "...)
			}
			dst = p.row(dst, a, r)
		}
		dst = append(dst, ']')
	}
	dst = append(dst, `, "explanations": [`...)
	for r := range rows {
		if r > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, `{"space": "`...)
		dst = append(dst, a.space...)
		dst = append(dst, `", "base_value": `...)
		dst = appendFloat(dst, a.bases[r])
		dst = append(dst, `, "contributions": {`...)
		for j, v := range a.why[r*p.n : (r+1)*p.n] {
			if j > 0 {
				dst = append(dst, ", "...)
			}
			dst = append(append(dst, marshal(p.nameOf(j))...), ": "...)
			dst = appendFloat(dst, v)
		}
		dst = append(dst, "}}"...)
	}
	return append(dst, ']')
}

// nameOf returns the name of column j; "x3" where it has none.
func (p *plan) nameOf(j int) string {
	if p.names != nil {
		return p.names[j]
	}
	return "x" + strconv.Itoa(j)
}
