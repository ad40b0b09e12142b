package sklearn

// affine subtracts, then divides, each column by itself: StandardScaler,
// RobustScaler, MaxAbsScaler.
type affine struct {
	cols     int
	subtract []float64 // nil: nothing is subtracted
	divide   []float64 // nil: nothing is divided
}

// In returns the columns of a row.
func (t *affine) In() int { return t.cols }

// Out returns the columns of a row.
func (t *affine) Out() int { return t.cols }

// Apply transforms rows.
func (t *affine) Apply(dst, x []float64) {
	for i, v := range x {
		c := i % t.cols
		if t.subtract != nil {
			v -= t.subtract[c]
		}
		if t.divide != nil {
			v /= t.divide[c]
		}
		dst[i] = v
	}
}

// standardScaler reads StandardScaler.
func standardScaler(b *builder, n node, depth int) (any, error) {
	return affineOf(n, "mean_", n.flag("with_mean", true), "scale_", n.flag("with_std", true))
}

// robustScaler reads RobustScaler.
func robustScaler(b *builder, n node, depth int) (any, error) {
	return affineOf(n, "center_", n.flag("with_centering", true), "scale_", n.flag("with_scaling", true))
}

// maxAbsScaler reads MaxAbsScaler.
func maxAbsScaler(b *builder, n node, depth int) (any, error) {
	return affineOf(n, "", false, "scale_", true)
}

func affineOf(n node, sub string, doSub bool, div string, doDiv bool) (any, error) {
	t := &affine{cols: n.features()}
	var err error
	if doSub {
		if t.subtract, _, err = n.floats(sub); err != nil {
			return nil, err
		}
		t.cols = len(t.subtract)
	}
	if doDiv {
		if t.divide, _, err = n.floats(div); err != nil {
			return nil, err
		}
		if t.cols != 0 && len(t.divide) != t.cols {
			return nil, n.bad("%s and %s differ in length", sub, div)
		}
		t.cols = len(t.divide)
	}
	if t.cols == 0 {
		return nil, n.bad("it does not say how many columns it takes")
	}
	return t, nil
}
