// Package hist learns gradient-boosted trees and random forests on binned
// columns.
//
// Every column is cut into at most 255 bins once ([FitBins]); a tree then sees
// one byte a value. Gradients and hessians become small integers, rounded at
// random without bias (Shi and others, Quantized training of gradient boosting
// decision trees, NeurIPS 2022), and both are added to a histogram in one
// integer addition. Integer sums do not depend on their order: the same seed
// gives the same bytes on any number of workers, and on any number of processes
// that add up their histograms (see [Reducer]).
//
// [FitBoosted] grows leaf by leaf (Ke and others, LightGBM, NeurIPS 2017) or
// level by level (Chen and Guestrin, XGBoost, KDD 2016), builds the histogram of
// the smaller child and subtracts it from the parent's. [FitForest] grows
// Breiman's random forest the same way.
package hist
