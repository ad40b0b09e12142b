package sklearn

import "github.com/drivecast/drivecast/model/pickle"

// pipeline is a chain of transformers before an estimator.
type pipeline struct {
	steps []Transformer
	last  Estimator
}

// Features returns the columns of a row.
func (p *pipeline) Features() int { return p.steps[0].In() }

// Classes returns the class labels of the last step.
func (p *pipeline) Classes() []float64 { return p.last.Classes() }

// Scores transforms rows and asks the last step.
func (p *pipeline) Scores(dst, x []float64) { p.last.Scores(dst, p.transform(x)) }

// transform applies every step but the last.
func (p *pipeline) transform(x []float64) []float64 {
	for _, t := range p.steps {
		next := make([]float64, len(x)/t.In()*t.Out())
		t.Apply(next, x)
		x = next
	}
	return x
}

// Decide gives the last step its say; see model.Decider.
func (p *pipeline) Decide(dst []int, scores, x []float64) {
	decide(p.last, dst, scores, p.transform(x))
}

// chain is a pipeline that ends in a transformer.
type chain []Transformer

// In returns the columns of a row.
func (c chain) In() int { return c[0].In() }

// Out returns the columns made of it.
func (c chain) Out() int { return c[len(c)-1].Out() }

// Apply transforms rows.
func (c chain) Apply(dst, x []float64) {
	for i, t := range c {
		next := dst
		if i < len(c)-1 {
			next = make([]float64, len(x)/t.In()*t.Out())
		}
		t.Apply(next, x)
		x = next
	}
}

// decide writes the class that e predicts for each row.
func decide(e Estimator, dst []int, scores, x []float64) {
	type decider interface {
		Decide(dst []int, scores, x []float64)
	}
	if d, ok := e.(decider); ok {
		d.Decide(dst, scores, x)
		return
	}
	k := len(e.Classes())
	for r := range dst {
		dst[r] = argmax(scores[r*k : (r+1)*k])
	}
}

func argmax(v []float64) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// pipelineOf reads Pipeline.
func pipelineOf(b *builder, n node, depth int) (any, error) {
	objects, err := n.steps()
	if err != nil {
		return nil, err
	}
	var steps chain
	outer, width := b.cols, b.width
	defer func() { b.cols, b.width = outer, width }()
	b.guess(objects)
	for i, o := range objects {
		part, err := b.build(node{o, n.path}, depth+1)
		if err != nil {
			return nil, err
		}
		b.after(part)
		if len(steps) > 0 && steps.Out() != inputs(part) {
			return nil, n.bad("%s takes %d columns and is given %d", o.Class.Name, inputs(part), steps.Out())
		}
		t, isTransformer := part.(Transformer)
		if e, ok := part.(Estimator); ok && i == len(objects)-1 {
			if len(steps) == 0 {
				return e, nil
			}
			return &pipeline{steps, e}, nil
		}
		if !isTransformer {
			return nil, n.bad("%s before the last step does not transform", o.Class.Name)
		}
		steps = append(steps, t)
	}
	if len(steps) == 0 {
		return nil, n.bad("it has no steps")
	}
	return steps, nil
}

// guess notes how many columns the first of the steps is given, where nothing has
// said it: what the step says, or the one behind functions of single values, which
// older versions do not count.
func (b *builder) guess(steps []*pickle.Object) {
	for _, o := range steps {
		if b.width == 0 {
			b.width = node{o, ""}.features()
		}
		if o.Class.Name != "FunctionTransformer" {
			return
		}
	}
}

// inputs returns the columns that a part takes.
func inputs(part any) int {
	if t, ok := part.(Transformer); ok {
		return t.In()
	}
	return part.(Estimator).Features()
}

// after notes which columns the step after part sees: those of an imputer or a
// selection are the old ones, those of another transformer are new.
func (b *builder) after(part any) {
	t, ok := part.(Transformer)
	if !ok {
		return
	}
	var keep []int
	switch p := part.(type) {
	case *imputer:
		keep = p.keep
	case *pick:
		keep = p.keep
	}
	next := make([]int, t.Out())
	for c := range next {
		next[c] = -1
		if c < len(keep) {
			next[c] = keep[c]
			if b.cols != nil {
				next[c] = b.cols[keep[c]]
			}
		}
	}
	b.cols, b.width = next, len(next)
}

// searched reads GridSearchCV and its kin: the best estimator.
func searched(b *builder, n node, depth int) (any, error) {
	best, err := n.object("best_estimator_")
	if err != nil {
		return nil, err
	}
	return b.build(best, depth+1)
}
