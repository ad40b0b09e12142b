// Package sklearn checks that scikit-learn's trees and splits and ours are the
// same, bit for bit.
package sklearn
