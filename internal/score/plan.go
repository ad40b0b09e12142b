package score

import (
	"strconv"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

// plan is what is known about a model's input before a request comes.
type plan struct {
	m       *model.Model
	name    string // under which the model is served
	version string
	sig     *mlfolder.Signature // nil: nothing is enforced
	est     model.Estimator     // the fastest form of the model's
	n       int                 // columns that the estimator takes
	names   []string            // of these columns; nil: by position
	tensor  *mlfolder.Field     // the one unnamed tensor of the signature
	enc     []*model.Encoder    // one a column, or nil
	known   map[string]string   // every name that a request may hold
	labels  [][]byte            // each class as JSON
	parquet *table.Parquet      // nil: not taken
}

func newPlan(m *model.Model) *plan {
	p := &plan{m: m, est: compiled(m.Estimator), n: m.Estimator.Features(), names: m.Columns(), known: map[string]string{}}
	if m.Signature != nil && len(m.Signature.Inputs) > 0 {
		p.sig = m.Signature
		if f := &p.sig.Inputs[0]; len(p.sig.Inputs) == 1 && f.Tensor != nil && f.Name == "" {
			p.tensor = f
		}
	}
	if len(p.names) > p.n {
		p.names = p.names[:p.n]
	}
	p.enc = make([]*model.Encoder, p.n)
	for j, name := range p.names {
		p.known[name] = name
		if p.enc[j] = m.Encoder(name); p.enc[j] != nil {
			p.known[p.enc[j].Source] = p.enc[j].Source
		}
	}
	for j := range p.enc {
		if p.names == nil {
			p.enc[j] = m.Encoder("x" + strconv.Itoa(j))
		}
	}
	for c := range m.Estimator.Classes() {
		p.labels = append(p.labels, labelJSON(m, c))
	}
	return p
}

// unused reports whether the model drops column j before anything looks at it.
func (p *plan) unused(j int) bool { return j < len(p.m.Unused) && p.m.Unused[j] }

// field returns the signature's field for column j of the estimator, or nil.
func (p *plan) field(j int) *mlfolder.Field {
	if p.sig == nil || p.tensor != nil || j >= len(p.sig.Inputs) {
		return nil
	}
	return &p.sig.Inputs[j]
}

// source returns the frame's column for column j of the estimator: by name, by
// the name of the text that an encoder reads, or by position. nil means absent.
func (p *plan) source(f *frame, j int) *column {
	if !f.byName || p.names == nil {
		if j < len(f.cols) {
			return &f.cols[j]
		}
		return nil
	}
	c := f.find(p.names[j], j)
	if c == nil && p.enc[j] != nil {
		c = f.find(p.enc[j].Source, j)
	}
	return c
}
