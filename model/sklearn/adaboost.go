package sklearn

import (
	"math"
	"sort"
)

// adaboost is AdaBoostClassifier.
type adaboost struct {
	cols    int
	labels  []float64
	members []member
	total   float64
	real    bool // SAMME.R: members give probabilities
	signed  bool // a vote for another class counts against this one
}

// Features returns the number of columns a row must have.
func (m *adaboost) Features() int { return m.cols }

// Classes returns the class labels.
func (m *adaboost) Classes() []float64 { return m.labels }

// Width returns the number of margins a row.
func (m *adaboost) Width() int {
	if len(m.labels) == 2 {
		return 1
	}
	return len(m.labels)
}

// Margins writes the decision function of each row.
func (m *adaboost) Margins(dst, x []float64) {
	k, n := len(m.labels), len(x)/m.cols
	sum := make([]float64, n*k)
	for i := range m.members {
		m.members[i].boost(m, sum, x, n)
	}
	for i := range sum {
		sum[i] /= m.total
	}
	if k > 2 {
		copy(dst, sum)
		return
	}
	for r := range n {
		dst[r] = -sum[2*r] + sum[2*r+1]
	}
}

// boost adds a member's say on each of n rows to sum.
func (mb *member) boost(m *adaboost, sum, x []float64, n int) {
	k := len(m.labels)
	p := make([]float64, n*k)
	mb.e.Scores(p, x)
	if m.real {
		logs := make([]float64, k)
		for r := range n {
			for c := range k {
				logs[c] = math.Log(math.Max(p[r*k+c], 2.220446049250313e-16))
			}
			mean := 1 / float64(k) * npSum(logs)
			for c := range k {
				sum[r*k+c] += float64(k-1) * (logs[c] - mean)
			}
		}
		return
	}
	classes := make([]int, n)
	decide(mb.e, classes, p, x)
	other := 0.0
	if m.signed {
		other = -1 / float64(k-1) * mb.weight
	}
	for r, c := range classes {
		for j := range k {
			if j == c {
				sum[r*k+j] += mb.weight
			} else {
				sum[r*k+j] += other
			}
		}
	}
}

// Scores writes the class probabilities of each row.
func (m *adaboost) Scores(dst, x []float64) {
	k, n := len(m.labels), len(x)/m.cols
	if k == 2 {
		z := make([]float64, n)
		m.Margins(z, x)
		for r, v := range z {
			dst[2*r], dst[2*r+1] = -v/2, v/2
		}
	} else {
		m.Margins(dst, x)
		for i := range dst[:n*k] {
			dst[i] /= float64(k - 1)
		}
	}
	softmax(dst[:n*k], k)
}

// Decide predicts by the margins; see model.Decider.
func (m *adaboost) Decide(dst []int, _, x []float64) {
	z := make([]float64, len(dst)*m.Width())
	m.Margins(z, x)
	fromMargins(dst, z, m.Width(), false)
}

// adaboostClassifier reads AdaBoostClassifier.
func adaboostClassifier(b *builder, n node, depth int) (any, error) {
	labels, err := n.classLabels()
	if err != nil {
		return nil, err
	}
	parts, err := b.parts(n, depth)
	if err != nil {
		return nil, err
	}
	weights, _, err := n.floats("estimator_weights_")
	if err != nil {
		return nil, err
	}
	m := &adaboost{cols: parts[0].Features(), labels: labels, total: npSum(weights), signed: b.atLeast(1, 4)}
	m.real = n.text("algorithm", "SAMME") == "SAMME.R"
	for i, e := range parts {
		if e.Features() != m.cols || len(e.Classes()) != len(labels) || i >= len(weights) {
			return nil, n.bad("estimator %d does not fit the others", i)
		}
		m.members = append(m.members, member{e: e, weight: weights[i]})
	}
	return m, nil
}

// median is AdaBoostRegressor: the weighted median of its members.
type median struct {
	cols    int
	members []member
}

// Features returns the number of columns a row must have.
func (m *median) Features() int { return m.cols }

// Classes returns nil.
func (m *median) Classes() []float64 { return nil }

// Scores writes the value of each row.
func (m *median) Scores(dst, x []float64) {
	n, k := len(x)/m.cols, len(m.members)
	all := make([][]float64, k)
	for i := range all {
		all[i] = make([]float64, n)
		m.members[i].e.Scores(all[i], x)
	}
	order := make([]int, k)
	for r := range n {
		for i := range order {
			order[i] = i
		}
		sort.SliceStable(order, func(a, b int) bool { return all[order[a]][r] < all[order[b]][r] })
		total := 0.0
		for _, i := range order {
			total += m.members[i].weight
		}
		sum, best := 0.0, order[0]
		for _, i := range order {
			sum += m.members[i].weight
			if sum >= 0.5*total {
				best = i
				break
			}
		}
		dst[r] = all[best][r]
	}
}

// adaboostRegressor reads AdaBoostRegressor.
func adaboostRegressor(b *builder, n node, depth int) (any, error) {
	parts, err := b.parts(n, depth)
	if err != nil {
		return nil, err
	}
	weights, _, err := n.floats("estimator_weights_")
	if err != nil {
		return nil, err
	}
	m := &median{cols: parts[0].Features()}
	for i, e := range parts {
		if e.Features() != m.cols || e.Classes() != nil || i >= len(weights) {
			return nil, n.bad("estimator %d does not fit the others", i)
		}
		m.members = append(m.members, member{e: e, weight: weights[i]})
	}
	return m, nil
}
