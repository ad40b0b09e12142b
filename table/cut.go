package table

import (
	"encoding/binary"
	"math"
	"math/bits"
	"slices"
)

// Select says which fields the caller will ask for, by their positions: finding
// the others is left out. All brings them back for the current record.
func (s *Scanner) Select(fields []int) {
	s.need = []int{}
	for _, i := range fields {
		if i > 0 {
			s.need = append(s.need, i-1)
		}
		s.need = append(s.need, i)
	}
	slices.Sort(s.need)
	s.need = slices.Compact(s.need)
	if len(s.need) >= len(s.names) {
		s.need = nil
	} else if n := len(s.need); n > 0 {
		s.ends = slices.Grow(s.ends[:0], s.need[n-1]+1)
	}
}

// All finds all fields of the current record, for a caller that used Select.
func (s *Scanner) All() {
	if s.need != nil && !s.spliced {
		s.split(s.text)
	}
}

// Digits returns the value of field i of the current record when it is one to
// fifteen digits and nothing else, and reports whether it is.
func (s *Scanner) Digits(i int) (float64, bool) {
	var v [1]float64
	s.Numbers(v[:], []int{i})
	return v[0], v[0] <= 1e15
}

// Numbers reads the fields of the current record at the positions at into dst,
// which is as long: the value of a field that is one to fifteen digits and nothing
// else, NaN for an empty one and for position -1, and +Inf for any other, which
// must be read in another way.
func (s *Scanner) Numbers(dst []float64, at []int) {
	ends, text := s.ends, s.text[:cap(s.text)]
	dst = dst[:len(at)]
	for k, i := range at {
		if i < 0 {
			dst[k] = math.NaN()
			continue
		}
		from := 0
		if i > 0 {
			from = int(ends[i-1]) + 1
		}
		n := int(ends[i]) - from
		if uint(n) > 8 || from+8 > len(text) {
			dst[k] = moreDigits(text[from : from+n])
			continue
		}
		x, odd := eightDigits(binary.LittleEndian.Uint64(text[from:]), uint(n))
		v := math.Float64bits(float64(int64(x)))
		if odd != 0 {
			v = infinite
		}
		if n == 0 {
			v = missing
		}
		dst[k] = math.Float64frombits(v)
	}
}

const (
	infinite = 0x7ff0000000000000
	missing  = 0x7ff8000000000001 // math.NaN
)

// eightDigits returns the number that the first n of eight bytes are the digits
// of, n being 1 to 8; odd is not 0 when another byte is among them.
func eightDigits(x uint64, n uint) (number, odd uint64) {
	// The digits go to the upper bytes, zeros into the others; then pairs, fours and
	// eights are put together at once.
	const zeros, sixes, upper = 0x3030303030303030, 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	x = x<<((64-8*n)&63) | zeros>>(8*n&127)
	odd = (x&upper | ((x+sixes)&upper)>>4) ^ (zeros | zeros>>4)
	x = (x & 0x0f0f0f0f0f0f0f0f) * (10<<8 + 1) >> 8
	x = (x & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	return (x & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32, odd
}

// moreDigits is Numbers for a field of more than eight bytes, or so near to the
// end of the text that no word can be read.
func moreDigits(cell []byte) float64 {
	n := len(cell)
	if n > 8 && n <= 15 {
		upper, odd := eightDigits(binary.LittleEndian.Uint64(cell), uint(n-8))
		lower, odd2 := eightDigits(binary.LittleEndian.Uint64(cell[n-8:]), 8)
		if odd|odd2 != 0 {
			return math.Inf(1)
		}
		return float64(int64(upper*1e8 + lower))
	}
	if n == 0 {
		return math.NaN()
	}
	v := 0.0
	for _, c := range cell {
		if c < '0' || c > '9' || n > 15 {
			return math.Inf(1)
		}
		v = v*10 + float64(c-'0')
	}
	return v
}

// split cuts a line without quotes into fields, eight bytes at a time. Of each
// eight, three ends are written whether there are so many or not: which of them
// count is known without a branch.
func (s *Scanner) split(line []byte) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	if len(s.ends) < len(line)+8 {
		s.ends = make([]int32, len(line)+len(line)/4+8)
	}
	ends, seps := s.ends[:cap(s.ends)], uint64(s.sep)*0x0101010101010101
	at, n := 0, 0
	for ; at+8 <= len(line); at += 8 {
		x := binary.LittleEndian.Uint64(line[at:]) ^ seps // separators become zero bytes
		found := ^((x&low + low) | x) & high
		count := bits.OnesCount64(found)
		e := (*[8]int32)(ends[n:])
		e[0] = int32(at + bits.TrailingZeros64(found)>>3)
		found &= found - 1
		e[1] = int32(at + bits.TrailingZeros64(found)>>3)
		found &= found - 1
		e[2] = int32(at + bits.TrailingZeros64(found)>>3)
		for i := 3; i < count; i++ {
			found &= found - 1
			e[i] = int32(at + bits.TrailingZeros64(found)>>3)
		}
		n += count
	}
	for ; at < len(line); at++ {
		if line[at] == s.sep {
			ends[n] = int32(at)
			n++
		}
	}
	ends[n] = int32(len(line))
	s.text, s.ends = line, ends
	s.fields, s.spliced = n+1, false
}

// pick cuts a line without quotes as split does, but only counts the separators
// at which no field of Select ends.
func (s *Scanner) pick(line []byte) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	seps, count := uint64(s.sep)*0x0101010101010101, 0
	ends, need := s.ends[:cap(s.ends)], s.need
	for at := 0; at < len(line); at += 8 {
		var x uint64
		if at+8 <= len(line) {
			x = binary.LittleEndian.Uint64(line[at:]) ^ seps
		} else {
			x = tail(line[at:], ^s.sep) ^ seps
		}
		found := ^((x&low + low) | x) & high
		before := count
		count += bits.OnesCount64(found)
		for len(need) > 0 && need[0] < count {
			for ; before < need[0]; before++ {
				found &= found - 1
			}
			ends[need[0]] = int32(at + bits.TrailingZeros64(found)/8)
			need = need[1:]
		}
	}
	if len(need) > 0 && need[0] == count {
		ends[count] = int32(len(line))
	}
	s.text, s.ends, s.fields, s.spliced = line, ends, count+1, false
}

// tail reads up to 7 bytes as Uint64 reads 8, with fill in place of those behind.
func tail(b []byte, fill byte) uint64 {
	var last [8]byte
	for i := copy(last[:], b); i < 8; i++ {
		last[i] = fill
	}
	return binary.LittleEndian.Uint64(last[:])
}
