package onnx

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// svm is a support vector machine: SVMClassifier and SVMRegressor.
type svm struct {
	kernel               string
	gamma, coef0, degree float64
	vectors              [][]float64 // nil: the machine is linear
	coef                 []float64
	rho                  []float64
	post                 string
}

func readSVM(n *node, vectors int) (*svm, error) {
	m := &svm{kernel: n.get("kernel_type").s, post: n.get("post_transform").s}
	for _, v := range n.get("coefficients").floats {
		m.coef = append(m.coef, float64(v))
	}
	for _, v := range n.get("rho").floats {
		m.rho = append(m.rho, float64(v))
	}
	if p := n.get("kernel_params").floats; len(p) >= 3 {
		m.gamma, m.coef0, m.degree = float64(p[0]), float64(p[1]), float64(p[2])
	}
	all := n.get("support_vectors").floats
	if vectors > 0 {
		if len(all) == 0 || len(all)%vectors != 0 {
			return nil, invalid("%d values of %d support vectors", len(all), vectors)
		}
		p := len(all) / vectors
		for i := range vectors {
			row := make([]float64, p)
			for j := range p {
				row[j] = float64(all[i*p+j])
			}
			m.vectors = append(m.vectors, row)
		}
	}
	if len(m.rho) == 0 || len(m.coef) == 0 {
		return nil, invalid("it has no coefficients")
	}
	return m, nil
}

// product is the kernel of two rows.
func (m *svm) product(a, b []float64) float64 {
	dot := func() float64 {
		s := 0.0
		for j, v := range a {
			s += v * b[j]
		}
		return s
	}
	switch m.kernel {
	case "POLY":
		return math.Pow(m.gamma*dot()+m.coef0, m.degree)
	case "RBF":
		s := 0.0
		for j, v := range a {
			s += (v - b[j]) * (v - b[j])
		}
		return math.Exp(-m.gamma * s)
	case "SIGMOID":
		return math.Tanh(m.gamma*dot() + m.coef0)
	}
	return dot()
}

// kernels returns the kernel of a row with every support vector.
func (m *svm) kernels(row []float64) ([]float64, error) {
	if len(row) != len(m.vectors[0]) {
		return nil, invalid("it takes %d columns and is given %d", len(m.vectors[0]), len(row))
	}
	out := make([]float64, len(m.vectors))
	for i, v := range m.vectors {
		out[i] = m.product(v, row)
	}
	return out, nil
}

// svmRegressor builds SVMRegressor.
func svmRegressor(n *node) (operator, error) {
	m, err := readSVM(n, int(n.integer("n_supports", 0)))
	if err != nil {
		return nil, err
	}
	if m.vectors != nil && len(m.coef) != len(m.vectors) || n.integer("one_class", 0) != 0 {
		return nil, errs.New(errs.Unsupported, "%d coefficients for %d support vectors", len(m.coef), len(m.vectors))
	}
	return func(in []*tensor) ([]*tensor, error) {
		rows, p := in[0].rows()
		out := &tensor{elem: typeFloat, shape: []int64{int64(rows), 1}, nums: make([]float64, rows)}
		for r := range rows {
			row, k := in[0].nums[r*p:(r+1)*p], []float64(nil)
			if m.vectors == nil {
				k = row
			} else if k, err = m.kernels(row); err != nil {
				return nil, err
			}
			if len(k) != len(m.coef) {
				return nil, invalid("%d coefficients for %d columns", len(m.coef), len(k))
			}
			for i, v := range k {
				out.nums[r] += m.coef[i] * v
			}
			out.nums[r] += m.rho[0]
			transform(out.nums[r:r+1], m.post)
		}
		return []*tensor{out}, nil
	}, nil
}

// svmClassifier builds SVMClassifier over support vectors: each pair of classes has
// a machine, whose sign is a vote. Probabilities are those of Wu, Lin and Weng,
// "Probability Estimates for Multi-class Classification by Pairwise Coupling",
// JMLR 5, 2004.
func svmClassifier(n *node) (operator, error) {
	declared, per := n.declared(), n.get("vectors_per_class").ints
	if declared == nil || len(per) != declared.count() || len(per) < 2 {
		return nil, errs.New(errs.Unsupported, "a machine of %d classes without support vectors", len(per))
	}
	k, vectors := len(per), 0
	first := make([]int, k)
	for c, v := range per {
		if v < 0 || v > 1<<24 {
			return nil, invalid("%d support vectors", v)
		}
		first[c] = vectors
		vectors += int(v)
	}
	m, err := readSVM(n, vectors)
	if err != nil {
		return nil, err
	}
	a, b := n.get("prob_a").floats, n.get("prob_b").floats
	pairs := k * (k - 1) / 2
	if vectors == 0 || len(m.coef) != (k-1)*vectors || len(m.rho) != pairs || len(a) != 0 && (len(a) != pairs || len(b) != pairs) {
		return nil, invalid("%d coefficients for %d support vectors of %d classes", len(m.coef), vectors, k)
	}
	if len(a) == 0 {
		return nil, errs.New(errs.Unsupported, "a support vector machine without probabilities; fit it with probability=True")
	}
	return func(in []*tensor) ([]*tensor, error) {
		rows, p := in[0].rows()
		out := &tensor{elem: typeFloat, shape: []int64{int64(rows), int64(k)}, nums: make([]float64, rows*k)}
		classes := make([]int, rows)
		for r := range rows {
			kernels, err := m.kernels(in[0].nums[r*p : (r+1)*p])
			if err != nil {
				return nil, err
			}
			votes, couple, e := make([]float64, k), make([]float64, k*k), 0
			for i := range k {
				for j := i + 1; j < k; j++ {
					s := m.rho[e]
					for v := range int(per[i]) {
						s += m.coef[(j-1)*vectors+first[i]+v] * kernels[first[i]+v]
					}
					for v := range int(per[j]) {
						s += m.coef[i*vectors+first[j]+v] * kernels[first[j]+v]
					}
					if s > 0 {
						votes[i]++
					} else {
						votes[j]++
					}
					q := math.Min(math.Max(sigmoid(-(s*float64(a[e])+float64(b[e]))), 1e-7), 1-1e-7)
					couple[i*k+j], couple[j*k+i] = q, 1-q
					e++
				}
			}
			coupled(out.nums[r*k:(r+1)*k], couple)
			classes[r] = argmax(votes)
		}
		return []*tensor{labels(n, classes), out}, nil
	}, nil
}

// coupled writes the probabilities of the classes, given those of each pair.
func coupled(p, pair []float64) {
	k := len(p)
	q, qp := make([]float64, k*k), make([]float64, k)
	for t := range k {
		p[t] = 1 / float64(k)
		for j := range k {
			if j != t {
				q[t*k+t] += pair[j*k+t] * pair[j*k+t]
				q[t*k+j] = -pair[j*k+t] * pair[t*k+j]
			}
		}
	}
	for range max(100, k) {
		all := 0.0
		for t := range k {
			qp[t] = 0
			for j := range k {
				qp[t] += q[t*k+j] * p[j]
			}
			all += p[t] * qp[t]
		}
		worst := 0.0
		for t := range k {
			worst = math.Max(worst, math.Abs(qp[t]-all))
		}
		if worst < 0.005/float64(k) {
			return
		}
		for t := range k {
			d := (all - qp[t]) / q[t*k+t]
			p[t] += d
			all = (all + d*(d*q[t*k+t]+2*qp[t])) / (1 + d) / (1 + d)
			for j := range k {
				qp[j] = (qp[j] + d*q[t*k+j]) / (1 + d)
				p[j] /= 1 + d
			}
		}
	}
}
