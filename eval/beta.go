package eval

import (
	"context"
	"math"

	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/table"
)

// Beta turns a probability p into 1 / (1 + exp(-(A·ln p - B·ln(1-p) + C))), which
// holds the identity (1, 1, 0) among its shapes, unlike the sigmoid.
type Beta struct {
	A, B, C float64
}

// At returns the calibrated probability of p.
func (b Beta) At(p float64) float64 {
	p = min(max(p, epsilon), 1-epsilon)
	return 1 / (1 + math.Exp(-(b.A*math.Log(p) - b.B*math.Log1p(-p) + b.C)))
}

// FitBeta fits beta calibration (Kull, Silva Filho and Flach, 2017): logistic
// regression on ln p and -ln(1-p) without a penalty, with A and B held at 0 or
// above, so that the map is monotone. weight may be nil. Both classes must occur;
// probabilities outside [0, 1] are of kind Invalid.
func FitBeta(ctx context.Context, truth []int, p, weight []float64) (Beta, error) {
	if err := checkBinary(truth, p, weight); err != nil {
		return Beta{}, err
	}
	if err := checkProbabilities(p); err != nil {
		return Beta{}, err
	}
	y := make([]float64, len(p))
	x := table.NewMatrix(len(p), 2)
	for i, v := range p {
		v = min(max(v, epsilon), 1-epsilon)
		x.Col(0)[i], x.Col(1)[i] = math.Log(v), -math.Log1p(-v)
		y[i] = float64(truth[i])
	}
	c, b, err := free(ctx, x, y, weight)
	if err != nil || c[0] >= 0 && c[1] >= 0 {
		return Beta{c[0], c[1], b}, err
	}
	keep := 0
	if c[0] < 0 {
		keep = 1
	}
	only := &table.Matrix{Rows: x.Rows, Cols: 1, Data: x.Col(keep)}
	one, b, err := free(ctx, only, y, weight)
	if err != nil {
		return Beta{}, err
	}
	if one[0] < 0 { // a score that ranks the wrong way round: the constant
		one, b, err = free(ctx, table.NewMatrix(x.Rows, 1), y, weight)
	}
	out := Beta{C: b}
	if keep == 0 {
		out.A = one[0]
	} else {
		out.B = one[0]
	}
	return out, err
}

// free fits logistic regression without a penalty.
func free(ctx context.Context, x *table.Matrix, y, weight []float64) (coef [2]float64, b float64, err error) {
	o := linear.Defaults()
	o.C = math.Inf(1)
	m, err := linear.FitLogistic(ctx, x, y, weight, o)
	if err != nil {
		return coef, 0, err
	}
	copy(coef[:], m.Coef[0])
	return coef, m.Intercept[0], nil
}
