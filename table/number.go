package table

import (
	"bytes"
	"math"
	"strconv"
)

var powersOfTen = [...]float64{
	1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11,
	1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
}

// ParseNumber reads a decimal number with an optional sign, fraction and
// exponent, spaces around it allowed; also inf, infinity and nan in any case. It
// reports false for anything else: hexadecimal, digit separators, numbers beyond
// the range of float64, the empty text. The value is the float64 nearest to the
// text, as strconv gives it.
func ParseNumber(b []byte) (float64, bool) {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	if v, ok := parseShort(b); ok {
		return v, true
	}
	return parseAny(b)
}

// parseShort reads sign, digits and fraction without an exponent, when the
// digits fit a float64's 53 bits and the scale is a power of ten that is exact:
// one division is then rounded correctly (Clinger 1990).
func parseShort(b []byte) (float64, bool) {
	i, neg := 0, false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		neg, i = b[0] == '-', 1
	}
	var mant uint64
	digits, frac, dot := 0, 0, false
	for ; i < len(b); i++ {
		if d := b[i] - '0'; d <= 9 {
			mant = mant*10 + uint64(d)
			digits++
			if dot {
				frac++
			}
		} else if b[i] == '.' && !dot {
			dot = true
		} else {
			return 0, false
		}
	}
	if digits == 0 || digits > 19 || mant > 1<<53 || frac > 22 {
		return 0, false
	}
	v := float64(mant)
	if frac > 0 {
		v /= powersOfTen[frac]
	}
	if neg {
		v = -v
	}
	return v, true
}

// parseAny leaves what parseShort does not take to strconv, except what cannot
// be a decimal number.
func parseAny(b []byte) (float64, bool) {
	if len(b) == 0 || len(b) > 1024 {
		return 0, false
	}
	exponent := false
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9', c == '.':
		case c == '+' || c == '-':
			if i > 0 && b[i-1]|0x20 != 'e' {
				return 0, false
			}
		case c|0x20 == 'e' && i > 0 && !exponent:
			exponent = true
		default:
			return parseWord(b)
		}
	}
	v, err := strconv.ParseFloat(string(b), 64)
	return v, err == nil
}

// parseWord reads inf, infinity and nan, with a sign or without, in any case.
func parseWord(b []byte) (float64, bool) {
	sign, word := 1, b
	switch word[0] {
	case '-':
		sign, word = -1, word[1:]
	case '+':
		word = word[1:]
	}
	switch len(word) {
	case len("inf"), len("infinity"):
		if bytes.EqualFold(word, []byte("inf")) || bytes.EqualFold(word, []byte("infinity")) {
			return math.Inf(sign), true
		}
		if len(b) == len("nan") && bytes.EqualFold(b, []byte("nan")) {
			return math.NaN(), true
		}
	}
	return 0, false
}

// AppendNumber appends v with the fewest digits that read back to the same
// float64; nothing when v is missing. Whole numbers below 1e15 have no exponent.
func AppendNumber(dst []byte, v float64) []byte {
	switch {
	case Missing(v):
		return dst
	case v > -1e15 && v < 1e15 && v == float64(int64(v)) && (v != 0 || 1/v > 0):
		return strconv.AppendInt(dst, int64(v), 10)
	}
	return strconv.AppendFloat(dst, v, 'g', -1, 64)
}

// isMissingMark reports whether a non-empty field stands for a missing number,
// as the programs that write CSV files spell it.
func isMissingMark(b []byte) bool {
	switch string(b) {
	case "NA", "N/A", "n/a", "#N/A", "NaN", "nan", "NAN", "-nan", "-NaN", "null", "NULL", "None", "<NA>":
		return true
	}
	return false
}
