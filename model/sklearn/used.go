package sklearn

import "slices"

// unused returns which columns of a row an estimator drops before anything looks
// at them, as a ColumnTransformer does; nil: none.
func unused(e Estimator) []bool {
	seen := make([]bool, e.Features())
	uses(e, func(c int) { seen[c] = true })
	if !slices.Contains(seen, false) {
		return nil
	}
	for c := range seen {
		seen[c] = !seen[c]
	}
	return seen
}

// uses calls mark for each column that part, an Estimator or a Transformer, may
// look at.
func uses(part any, mark func(int)) {
	switch p := part.(type) {
	case *pipeline:
		uses(p.steps[0], mark)
	case chain:
		uses(p[0], mark)
	case *thresholded:
		uses(p.Estimator, mark)
	case *union:
		for i := range p.parts {
			u := &p.parts[i]
			if u.t == nil {
				for _, c := range u.cols {
					mark(c)
				}
				continue
			}
			uses(u.t, func(c int) { mark(u.cols[c]) })
		}
	case *calibrated:
		for i := range p.members {
			uses(p.members[i].e, mark)
		}
	case *bagging:
		for i := range p.members {
			m := &p.members[i]
			uses(m.e, func(c int) {
				if m.cols != nil {
					c = m.cols[c]
				}
				mark(c)
			})
		}
	default:
		for c := range inputs(part) {
			mark(c)
		}
	}
}
