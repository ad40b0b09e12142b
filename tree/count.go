package tree

import "math"

// Count is a number of things, or a share of all of them. The zero value stands
// for all.
type Count struct {
	n     int
	share float64
	form  countForm
}

type countForm uint8

const (
	all countForm = iota
	number
	fraction
	squareRoot
	binaryLog
)

// N is the count of exactly n things.
func N(n int) Count { return Count{n: n, form: number} }

// Share is the count of the given share of all things, in (0, 1].
func Share(f float64) Count { return Count{share: f, form: fraction} }

// Sqrt and Log2 are the square root and the binary binaryLog of all things.
var (
	Sqrt = Count{form: squareRoot}
	Log2 = Count{form: binaryLog}
)

// of resolves the count among total things; fractions are rounded by round.
func (c Count) of(total int, round func(float64) float64) int {
	switch c.form {
	case number:
		return c.n
	case fraction:
		return int(round(c.share * float64(total)))
	case squareRoot:
		return max(1, int(math.Sqrt(float64(total))))
	case binaryLog:
		return max(1, int(math.Log2(float64(total))))
	}
	return total
}

// Of returns the count among total things: shares are rounded down, and at least
// one thing is counted.
func (c Count) Of(total int) int { return max(1, c.of(total, math.Floor)) }
