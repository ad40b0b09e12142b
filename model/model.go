// Package model says what a model is: something that turns a row of numbers into
// class probabilities or a value, together with the names and types of the
// columns it wants.
package model

// Estimator is a fitted learner. Every learner of ours and every foreign model
// that we open is one. Implementations are safe for concurrent use.
type Estimator interface {
	// Features returns the number of columns a row must have.
	Features() int
	// Classes returns the class labels in ascending order, or nil for a regressor.
	Classes() []float64
	// Scores writes, for each row of x (row-major, n × Features(); NaN is
	// missing), the class probabilities (n × len(Classes())) or the predicted
	// value (n × 1) to dst.
	Scores(dst, x []float64)
}

// Explainer is an Estimator that can say how much each column added.
type Explainer interface {
	Estimator
	// Explain writes, for one row, each column's contribution to the answer for
	// the last class (or to the value) to dst, which has Features() elements, and
	// returns the base value; base plus the contributions equals the raw answer
	// to 1e-12. space names the scale: "probability", "log-odds" or "value".
	Explain(dst, row []float64) (base float64, space string)
}
