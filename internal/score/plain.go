package score

// Most rows of large requests are numbers and nothing else. They are read straight
// into their columns; whatever else a row holds is left to the full reading.

// plain reads a row of as many numbers as the frame has columns, at s.i, in JSON
// after its bracket and up to the closing one, in CSV to the end of the line. It
// reports false, and changes nothing, when the row is not just that.
func (f *frame) plain(s *scan, csv bool) bool {
	n := len(f.cols)
	if n == 0 || f.over || (f.rows+1)*n > f.limit || f.rows > 0 && f.widest != n {
		return false
	}
	start := s.i
	for j := range f.cols {
		c := &f.cols[j]
		if !c.plain(s, f.rows) || !parted(s, csv, j == n-1) {
			for k := range f.cols[:j+1] {
				f.cols[k].nums, f.cols[k].seen = f.cols[k].nums[:min(f.rows, len(f.cols[k].nums))], f.cols[k].before
			}
			s.i = start
			return false
		}
	}
	f.widest = n
	f.rows++
	return true
}

// plain appends the number at s.i to a column of rows numbers.
func (c *column) plain(s *scan, rows int) bool {
	c.before = c.seen
	first := s.i
	if first < len(s.b) && s.b[first] == '-' {
		first++
	}
	if first >= len(s.b) || s.b[first]-'0' > 9 || c.texts != nil || len(c.nums) != rows {
		return false
	}
	v, whole, err := s.number()
	if err != nil {
		return false
	}
	if whole {
		c.seen |= isInt
	} else {
		c.seen |= isFloat
	}
	c.nums = append(c.nums, v)
	return true
}

// parted passes what stands behind a number of a row: a comma, or behind the last
// number the end of the row.
func parted(s *scan, csv, last bool) bool {
	if s.i >= len(s.b) {
		return csv && last
	}
	c := s.b[s.i]
	s.i++
	switch {
	case !last:
		if c == ',' && !csv && s.i < len(s.b) && s.b[s.i] == ' ' {
			s.i++
		}
		return c == ','
	case !csv:
		return c == ']'
	case c == '\r' && s.i < len(s.b) && s.b[s.i] == '\n':
		s.i++
		return true
	}
	return c == '\n' || c == '\r'
}
