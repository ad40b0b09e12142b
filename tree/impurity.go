package tree

import "math"

// entropy is that of class weights which sum to weight, in bits.
func entropy(sums []float64, weight float64) float64 {
	h := 0.0
	for _, s := range sums {
		if s > 0 {
			p := s / weight
			h -= float64(p * (logarithm(p) / math.Ln2))
		}
	}
	return h
}

// gini is the Gini impurity of class weights which sum to weight.
func gini(sums []float64, weight float64) float64 {
	squares := 0.0
	for _, s := range sums {
		squares += float64(s * s)
	}
	return 1 - squares/float64(weight*weight)
}
