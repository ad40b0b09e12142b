package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/model/pickle"
)

// thresholded is a binary classifier whose class is decided at another threshold:
// FixedThresholdClassifier and TunedThresholdClassifierCV.
type thresholded struct {
	Estimator
	inner marginal // whose margins are compared; nil: the probability of class at is
	limit float64
	at    int // the class that is predicted at or above the limit
}

// Decide compares with the threshold; see model.Decider.
func (m *thresholded) Decide(dst []int, scores, x []float64) {
	z := make([]float64, len(dst))
	if m.inner != nil {
		m.inner.Margins(z, x)
	}
	for r := range dst {
		switch {
		case m.inner == nil:
			z[r] = scores[2*r+m.at]
		case m.at == 0:
			z[r] = -z[r]
		}
		if dst[r] = 1 - m.at; z[r] >= m.limit {
			dst[r] = m.at
		}
	}
}

// thresholdOf reads FixedThresholdClassifier and TunedThresholdClassifierCV.
func thresholdOf(b *builder, n node, depth int) (any, error) {
	v, _ := n.first("estimator_", "estimator")
	e, err := b.estimator(v, depth)
	if err != nil {
		return nil, err
	}
	if len(e.Classes()) != 2 {
		return nil, n.bad("%d classes, a threshold is for two", len(e.Classes()))
	}
	m := &thresholded{Estimator: e, at: 1}
	if method := n.text("response_method", "auto"); method == "decision_function" || method == "auto" && !probabilistic(e) {
		if m.inner = margins(e); m.inner == nil {
			return nil, n.bad("its estimator has no decision function")
		}
	}
	m.limit = n.float("best_threshold_", n.float("threshold", math.NaN()))
	if n.text("threshold", "") == "auto" {
		m.limit = 0
		if m.inner == nil {
			m.limit = 0.5
		}
	}
	if math.IsNaN(m.limit) {
		return nil, n.bad("it has no threshold")
	}
	m.at, err = n.positive(e)
	return m, err
}

// positive returns the class that the threshold is about: the one that is named,
// else the second.
func (n node) positive(e Estimator) (int, error) {
	v, _ := n.o.Attr("pos_label")
	tuned, err := n.object("_curve_scorer")
	if err == nil {
		kw, _ := tuned.o.Attr("_kwargs")
		if d, ok := kw.(*pickle.Dict); ok {
			v, _ = d.Get("pos_label")
		}
		if v == nil && e.Classes()[0] == 1 { // many a score takes 1 for the positive class
			return 0, n.bad("which of its classes is the positive one cannot be told; give its scorer a pos_label")
		}
	}
	if v == nil {
		return 1, nil
	}
	a, err := n.array("classes_")
	if err != nil {
		inner, fault := n.object("estimator_")
		if fault != nil {
			return 0, err
		}
		if a, err = inner.array("classes_"); err != nil {
			return 0, err
		}
	}
	labels, err := a.Values()
	for i, l := range labels {
		if l == v {
			return i, err
		}
	}
	return 0, n.bad("its positive class %v is none of its classes", v)
}

// frozen reads FrozenEstimator.
func frozen(b *builder, n node, depth int) (any, error) {
	inner, err := n.object("estimator")
	if err != nil {
		return nil, err
	}
	return b.build(inner, depth+1)
}

// temperature is temperature scaling: the softmax of the logits times beta. The
// logits are margins, those of two classes being (-z, z), or the logarithms of
// probabilities.
func (mb *calibratedMember) temperature(p, x []float64, n, k int) {
	const least = 1e-12
	if mg := margins(mb.e); mg != nil {
		w := mg.Width()
		z := make([]float64, n*w)
		mg.Margins(z, x)
		for i := range p {
			switch {
			case w > 1:
				p[i] = z[i]
			case i%2 == 0:
				p[i] = -z[i/2]
			default:
				p[i] = z[i/2]
			}
		}
	} else {
		mb.e.Scores(p, x)
		for i, v := range p {
			p[i] = math.Log(v + least)
		}
	}
	for i := range p {
		p[i] *= mb.beta
	}
	softmax(p, k)
}
