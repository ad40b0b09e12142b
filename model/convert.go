package model

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/boosted"
	"github.com/drivecast/drivecast/model/native"
	"github.com/drivecast/drivecast/tree/hist"
	"github.com/drivecast/drivecast/tree/kernel"
)

// Conversions lists what Convert makes: our own file, ONNX, LightGBM's text.
func Conversions() []string { return []string{"drivecast", "onnx", "lightgbm"} }

// Convert returns the model as a file of another format. The file is opened again
// and asked what the model is asked, on rows that are random, at and beside every
// threshold, with missing values, infinities and zeros of either sign; it is
// returned only when the answers agree to 1e-12, or to 1e-6 where either format
// works in float32. A model that the format cannot hold is of kind Unsupported.
func Convert(m *Model, to string) ([]byte, error) {
	own, err := portable(m)
	if err != nil {
		return nil, err
	}
	var data []byte
	switch to {
	case "drivecast":
		data, err = native.Encode(own.Estimator)
	case "onnx":
		data, err = ONNX(own)
	case "lightgbm":
		b, ok := own.Estimator.(*hist.Boosted)
		if !ok {
			return nil, errs.New(errs.Unsupported, "a %T is no boosted ensemble, which is what LightGBM holds", own.Estimator)
		}
		data, err = boosted.WriteLightGBM(b, own.Columns())
	default:
		return nil, errs.New(errs.Usage, "there is no format %q", to)
	}
	if err != nil {
		return nil, err
	}
	again, err := Decode(data)
	if err != nil {
		return nil, errs.Wrap(err, "open what was written")
	}
	return data, Agree(m, again, probes(m), tolerance(m, to))
}

// Portable returns the model with an estimator of ours that answers the same, so
// that Save can write it. A model that none of ours equals is of kind Unsupported.
func Portable(m *Model) (*Model, error) {
	own, err := portable(m)
	if err != nil {
		return nil, err
	}
	return own, Agree(m, own, probes(m), tolerance(m, ""))
}

func portable(m *Model) (*Model, error) {
	out := *m
	if _, err := native.Encode(m.Estimator); err == nil {
		return &out, nil
	}
	e, ok := m.Estimator.(summed)
	s, sum := kernel.Sum{}, false
	if ok {
		s, sum = e.TreeSum()
	}
	classes := m.Estimator.Classes()
	if !sum || classes != nil && (len(classes) != 2 || s.Link == nil) {
		return nil, errs.New(errs.Unsupported, "a model of this kind (%s) has no form of ours; forests, boosted ensembles of one sum, and linear models have", m.Format)
	}
	b := &hist.Boosted{Objective: hist.Squared, NumInput: m.Estimator.Features(), Labels: classes, Outputs: 1, Base: []float64{s.Base}, Names: m.Names}
	if classes != nil {
		b.Objective = hist.Binary
	}
	for k := range s.Trees {
		t := s.Trees[k]
		t.Threshold = slices.Clone(t.Threshold)
		value, right := make([]float64, len(t.Left)), slices.Clone(t.Right)
		for i, l := range t.Left {
			if l >= 0 {
				t.Threshold[i] = widened(t.Threshold[i], s.Compare)
			} else {
				right[i] = -1
				value[i] = s.Scale * t.Value[i*s.Outputs+s.Output]
			}
		}
		t.Value, t.Right = value, right
		b.Trees = append(b.Trees, hist.Tree{Tree: t, Gain: make([]float64, len(t.Left))})
	}
	out.Estimator = b
	return &out, nil
}

// widened returns the threshold t' for which x <= t' in float64 says what the
// comparison says of x and t.
func widened(t float64, how kernel.Compare) float64 {
	if how == kernel.LessEqual64 || math.IsInf(t, 0) && how == kernel.LessEqual32 {
		return t
	}
	top := float32(t) // the largest float32 that goes left
	for how == kernel.LessEqual32 && float64(top) > t || how == kernel.Less32 && top >= float32(t) {
		top = math.Nextafter32(top, float32(math.Inf(-1)))
	}
	// The largest float64 that rounds to top lies at or just below the middle
	// between top and the next float32.
	next := math.Nextafter32(top, float32(math.Inf(1)))
	mid := float64(top) + (float64(next)-float64(top))/2
	if math.IsInf(float64(next), 1) {
		mid = math.MaxFloat32 + 0x1p103
	}
	for float32(mid) > top {
		mid = math.Nextafter(mid, math.Inf(-1))
	}
	return mid
}

// tolerance is what answers may differ by, absolutely and relatively.
func tolerance(m *Model, to string) float64 {
	if b, ok := m.Estimator.(*boosted.Model); to == "onnx" || ok && b.Single() || m.Format == "ONNX" {
		return 1e-6
	}
	return 1e-12
}

// probeRows is how many rows are random, and how many lie about thresholds.
const probeRows = 2000

// probes returns rows that show where two models differ.
func probes(m *Model) []float64 {
	n := m.Estimator.Features()
	r := rand.New(rand.NewPCG(uint64(n), 7))
	edges := make([][]float64, n)
	if e, ok := m.Estimator.(summed); ok {
		if s, ok := e.TreeSum(); ok {
			for k := range s.Trees {
				t := &s.Trees[k]
				for i, l := range t.Left {
					if v := t.Threshold[i]; l >= 0 {
						edges[t.Feature[i]] = append(edges[t.Feature[i]], v, math.Nextafter(v, math.Inf(1)), math.Nextafter(v, math.Inf(-1)),
							float64(math.Nextafter32(float32(v), float32(math.Inf(1)))), float64(math.Nextafter32(float32(v), float32(math.Inf(-1)))))
					}
				}
			}
		}
	}
	odd := []float64{math.NaN(), math.Inf(1), math.Inf(-1), 0, math.Copysign(0, -1), 1e30, -1e30, 1, 5, 1e-40}
	x := make([]float64, 3*probeRows*n)
	for i := range x {
		row, e := i/n, edges[i%n]
		switch {
		case row >= 2*probeRows && r.IntN(4) == 0:
			x[i] = odd[r.IntN(len(odd))]
		case row >= probeRows && len(e) > 0 && r.IntN(2) == 0:
			x[i] = e[r.IntN(len(e))]
		case len(e) > 0:
			x[i] = e[r.IntN(len(e))] + r.NormFloat64()*math.Abs(e[r.IntN(len(e))]-e[0])
		default:
			x[i] = r.NormFloat64() * math.Pow(10, float64(r.IntN(5)-1))
		}
	}
	return x
}

// Agree returns an error of kind Invalid that names the first row of x (row-major)
// on which the answers of two models differ by more than tol, absolutely or
// relatively.
func Agree(a, b *Model, x []float64, tol float64) error {
	n := a.Estimator.Features()
	if b.Estimator.Features() != n || b.Outputs() != a.Outputs() {
		return errs.New(errs.Invalid, "what was written takes %d columns and gives %d answers, not %d and %d", b.Estimator.Features(), b.Outputs(), n, a.Outputs())
	}
	rows, k := len(x)/n, a.Outputs()
	p, q := make([]float64, rows*k), make([]float64, rows*k)
	a.Estimator.Scores(p, x)
	b.Estimator.Scores(q, x)
	for i := range p {
		same := p[i] == q[i] || math.IsNaN(p[i]) && math.IsNaN(q[i])
		if !same && !(math.Abs(p[i]-q[i]) <= tol*(1+math.Abs(p[i]))) {
			return errs.New(errs.Invalid, "what was written answers %v, not %v, for the row %v: the format cannot hold this model", q[i], p[i], x[i/k*n:i/k*n+n])
		}
	}
	return nil
}
