package score

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

var errNoRows = errs.New(errs.Invalid, "Found array with 0 sample(s) while a minimum of 1 is required")

// azure answers POST /score, the contract of Azure ML endpoints: {"data": [[…]]}
// (rows by position, or objects by name), or the {"input_data": …} that Azure ML
// sends to MLflow models. The answer has one object a row: prediction,
// failure_probability (of the last class) and risk_level.
func (p *plan) azure(k *work) *fault {
	q := &k.req
	if bad := q.parseAzure(k.body); bad != nil {
		return bad
	}
	f := &q.frame
	if !f.byName && f.scalar { // one row given as a flat list
		f.transpose()
	}
	if !f.byName && len(f.cols) != p.n {
		return badRequest(errs.New(errs.Invalid, "each row of data must have %d values, got %d", p.n, len(f.cols)).Error())
	}
	if !f.byName && f.ragged {
		return badRequest("the rows of data differ in length")
	}
	if !f.byName && p.names != nil {
		for j := range f.cols {
			f.cols[j].name = p.names[j]
		}
		f.byName = true
	}
	opt, bad := p.options(q)
	if bad != nil {
		return bad
	}
	x, bad := p.rows(q, k.ans.x)
	if bad != nil {
		return bad
	}
	k.ans.x = x
	p.ask(&k.ans, f.rows)
	if opt.explain {
		if err := p.explain(&k.ans, f.rows); err != nil {
			return evaluation(err)
		}
	}
	k.out = p.azureRows(k.out[:0], &k.ans, f.rows, opt)
	return nil
}

// parseAzure reads the body of POST /score.
func (q *request) parseAzure(body []byte) *fault {
	s := &scan{b: body}
	found := false
	var err error
	if s.next() == '{' {
		err = s.object(func(key []byte) error { return q.azureKey(s, key, &found) })
	} else {
		err = s.skip()
	}
	if err == nil && (s.next() != 0 || s.i < len(s.b)) {
		err = s.fail("Extra data")
	}
	switch {
	case err != nil:
		return notJSON(err, body)
	case !found:
		return badRequest(`the body must be {"data": [[…]]}: one list of values a row`)
	case q.bad != nil:
		return q.bad
	case q.frame.over:
		return invalidInput("The input has too many empty cells for its size.")
	case q.frame.mixed:
		return badRequest(mixedRows)
	case q.frame.rows == 0:
		return badRequest("data holds no rows")
	}
	return nil
}

func (q *request) azureKey(s *scan, key []byte, found *bool) error {
	switch string(key) {
	case "data", "input_data":
		*found = true
		q.frame.reset()
		q.form, q.bad = formRecords, nil
		switch {
		case s.next() == '[':
			return q.rows(s)
		case string(key) == "input_data" && s.next() == '{':
			q.form = formSplit
			return q.splitForm(s)
		}
		q.bad = badRequest("data must be a list of rows")
		return s.skip()
	case "params":
		s.next()
		start := s.i
		err := s.skip()
		q.params = s.b[start:s.i]
		return err
	}
	return s.skip()
}

// transpose turns one column of n rows into one row of n columns.
func (f *frame) transpose() {
	old := f.cols[0]
	f.cols = nil
	for r, v := range old.nums {
		c := column{seen: old.seen, nums: []float64{v}}
		if old.texts != nil {
			c.texts = []string{old.texts[r]}
		}
		f.cols = append(f.cols, c)
	}
	f.rows, f.scalar = 1, false
}

// azureRows appends the answer of POST /score.
func (p *plan) azureRows(dst []byte, a *answer, rows int, opt options) []byte {
	if opt.explain {
		dst = append(dst, `{"results": `...)
	}
	dst = append(dst, '[')
	k := p.m.Outputs()
	for r := range rows {
		if r > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, `{"prediction": `...)
		prob := math.NaN()
		if p.m.Classifier() {
			dst = append(dst, p.labels[a.classes[r]]...)
			prob = a.scores[r*k+k-1]
		} else {
			dst = appendFloat(dst, a.scores[r])
		}
		dst = append(dst, `, "failure_probability": `...)
		dst = appendFloat(dst, prob)
		dst = append(dst, `, "risk_level": "`...)
		dst = append(dst, p.m.Risk.Level(prob)...)
		dst = append(dst, `"}`...)
	}
	dst = append(dst, ']')
	if opt.explain {
		dst = append(p.explanations(dst, a, rows), '}')
	}
	return dst
}
