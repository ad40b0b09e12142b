//go:build conformance

// Package metrics checks that judgement and linear models agree with
// scikit-learn: cases are generated here, answered by both, and compared.
package metrics
