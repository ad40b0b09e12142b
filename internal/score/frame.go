package score

import "math"

// column is one column of a request.
type column struct {
	name   string
	dtype  string // numpy's name of the type that it came with; "": it came as text
	seen   kinds
	before kinds     // seen before the row that is being read
	nums   []float64 // NaN for what is not a number or a boolean
	texts  []string  // nil until a text is seen; then one a row
}

// frame is the table in a request. Frames are reused: what they hand out is
// valid until reset.
type frame struct {
	rows   int
	cols   []column
	names  map[string]string // names that the model knows, to spare their copies
	byName bool              // columns came with names
	dict   bool              // columns came as an object of arrays
	scalar bool              // the rows were scalars, not lists
	ragged bool              // rows differed in length
	mixed  bool              // some rows were objects, others were not
	widest int               // cells of the longest row
	gaps   bool              // an object lacked a key that another one had
	limit  int               // cells that the table may have
	over   bool              // it has more
	index  map[string]int    // columns by name, once there are many
	spare  column            // where cells over the limit go
}

// manyColumns is the number of columns above which names are looked up in a map.
const manyColumns = 24

func (f *frame) reset() {
	for i := range f.cols {
		c := &f.cols[i]
		c.name, c.dtype, c.seen, c.nums, c.texts = "", "", 0, c.nums[:0], nil
	}
	f.rows, f.cols, f.index, f.over = 0, f.cols[:0], nil, false
	f.byName, f.dict, f.scalar, f.ragged, f.mixed, f.gaps, f.widest = false, false, false, false, false, false, 0
}

// shape notes whether the next row comes with names.
func (f *frame) shape(byName bool) {
	f.mixed = f.mixed || f.rows > 0 && f.byName != byName
	f.byName = f.byName || byName
}

// size returns the bytes that the frame holds on to.
func (f *frame) size() int {
	n := 0
	for _, c := range f.cols[:cap(f.cols)] {
		n += cap(c.nums) * 8
	}
	return n
}

// at returns column j, making it, filled with missing values up to the current
// row, when the frame has fewer.
func (f *frame) at(j int) *column {
	if j >= len(f.cols) && (f.over || (f.rows+1)*(j+1) > f.limit) {
		f.over = true
		f.spare = column{}
		return &f.spare
	}
	for j >= len(f.cols) {
		if len(f.cols) < cap(f.cols) {
			f.cols = f.cols[:len(f.cols)+1]
		} else {
			f.cols = append(f.cols, column{})
		}
		f.cols[len(f.cols)-1].fill(f.rows)
	}
	return &f.cols[j]
}

// fill appends missing values until the column has n rows.
func (c *column) fill(n int) {
	for len(c.nums) < n {
		c.put(cell{kind: isNull, num: math.NaN()})
	}
}

func (c *column) put(v cell) {
	c.seen |= v.kind
	c.nums = append(c.nums, v.num)
	if v.kind == isText || c.texts != nil {
		for len(c.texts) < len(c.nums)-1 {
			c.texts = append(c.texts, "")
		}
		c.texts = append(c.texts, string(v.text))
	}
}

// set replaces the value of the last row, as a repeated key does.
func (c *column) set(row int, v cell) {
	if len(c.nums) > row {
		c.nums = c.nums[:row]
		if c.texts != nil {
			c.texts = c.texts[:row]
		}
	}
	c.put(v)
}

// named returns the index of the column of that name, looking first at guess,
// and makes it when there is none.
func (f *frame) named(key []byte, guess int) int {
	if guess < len(f.cols) && f.cols[guess].name == string(key) {
		return guess
	}
	if j, ok := f.lookup(key); ok {
		return j
	}
	name, ok := f.names[string(key)]
	if !ok {
		name = string(key)
	}
	j := len(f.cols)
	f.at(j).name = name
	if f.index != nil && !f.over {
		f.index[name] = j
	}
	return j
}

func (f *frame) lookup(key []byte) (int, bool) {
	if len(f.cols) > manyColumns {
		if f.index == nil {
			f.index = make(map[string]int, 2*len(f.cols))
			for j := range f.cols {
				f.index[f.cols[j].name] = j
			}
		}
		j, ok := f.index[string(key)]
		return j, ok
	}
	for j := range f.cols {
		if f.cols[j].name == string(key) {
			return j, true
		}
	}
	return 0, false
}

// find returns the column of that name, looking first at guess, or nil.
func (f *frame) find(name string, guess int) *column {
	if guess < len(f.cols) && f.cols[guess].name == name {
		return &f.cols[guess]
	}
	if j, ok := f.lookup([]byte(name)); ok {
		return &f.cols[j]
	}
	return nil
}

// endRow closes a row of n cells.
func (f *frame) endRow(n int) {
	if f.rows > 0 && n != f.widest {
		f.ragged = true
	}
	f.widest = max(f.widest, n)
	if f.over || (f.rows+1)*len(f.cols) > f.limit {
		f.over = true
		return
	}
	f.rows++
	for j := range f.cols {
		if len(f.cols[j].nums) < f.rows {
			f.cols[j].fill(f.rows)
		}
	}
}
