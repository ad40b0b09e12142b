package table

import (
	"encoding/binary"
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
// eight digits and nothing else, and reports whether it is.
func (s *Scanner) Digits(i int) (float64, bool) {
	from := 0
	if i > 0 {
		from = int(s.ends[i-1]) + 1
	}
	n, text := int(s.ends[i])-from, s.text[:cap(s.text)]
	if n == 1 {
		d := text[from] - '0'
		return float64(d), d <= 9
	}
	if n == 0 || n > 8 || from+8 > len(text) {
		return 0, false
	}
	// The digits go to the upper bytes, zeros into the others; then pairs, fours and
	// eights are put together at once.
	const zeros, sixes, upper = 0x3030303030303030, 0x0606060606060606, 0xf0f0f0f0f0f0f0f0
	x := binary.LittleEndian.Uint64(text[from:])<<(64-8*n) | zeros>>(8*n)
	if (x&upper)|((x+sixes)&upper)>>4 != zeros|zeros>>4 {
		return 0, false
	}
	x = (x & 0x0f0f0f0f0f0f0f0f) * (10<<8 + 1) >> 8
	x = (x & 0x00ff00ff00ff00ff) * (100<<16 + 1) >> 16
	x = (x & 0x0000ffff0000ffff) * (10000<<32 + 1) >> 32
	return float64(x), true
}

// split cuts a line without quotes into fields, eight bytes at a time.
func (s *Scanner) split(line []byte) {
	const low, high = 0x7f7f7f7f7f7f7f7f, 0x8080808080808080
	ends, seps := s.ends[:0], uint64(s.sep)*0x0101010101010101
	at := 0
	for ; at+8 <= len(line); at += 8 {
		x := binary.LittleEndian.Uint64(line[at:]) ^ seps // separators become zero bytes
		for found := ^((x&low + low) | x) & high; found != 0; found &= found - 1 {
			ends = append(ends, int32(at+bits.TrailingZeros64(found)/8))
		}
	}
	for ; at < len(line); at++ {
		if line[at] == s.sep {
			ends = append(ends, int32(at))
		}
	}
	s.text, s.ends = line, append(ends, int32(len(line)))
	s.fields, s.spliced = len(s.ends), false
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
