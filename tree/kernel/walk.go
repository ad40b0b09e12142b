package kernel

import (
	"math"
	"math/bits"
)

// blockGroups is how many groups of twelve rows pass a tree before the next tree,
// so that a tree's nodes are fetched once for all of them.
const blockGroups = 10

type workspace struct {
	slots  []uint64
	leaves []uint32
	chain  []uint32
}

// Sum writes, for each row of x (row-major, NaN is missing), start plus the
// values of the leaves it falls into to dst, n × Answers(). start has Answers()
// elements; nil means zeros. Sums run in tree order. Sum panics when dst is too
// short or x is not a whole number of rows.
func (c *Compiled) Sum(dst, x, start []float64) {
	rows, k := len(x)/c.inputs, c.Answers()
	if rows*c.inputs != len(x) || len(dst) < rows*k {
		panic("kernel: Sum: lengths of rows and answers do not agree")
	}
	for r := range rows {
		clear(dst[r*k : (r+1)*k])
		copy(dst[r*k:(r+1)*k], start)
	}
	if c.deep != nil {
		c.sumDeep(dst, x)
		return
	}
	if t := c.tables(rows); t != nil {
		c.sumCells(t, dst, x)
		return
	}
	w := c.scratch.Get().(*workspace)
	r := 0
	for rows-r >= lanes {
		n := min(blockGroups*lanes, (rows-r)/lanes*lanes)
		c.sumBlock(w, dst[r*k:(r+n)*k], x[r*c.inputs:(r+n)*c.inputs])
		r += n
	}
	for ; r < rows; r++ {
		c.sumRow(w, dst[r*k:(r+1)*k], x[r*c.inputs:(r+1)*c.inputs])
	}
	c.scratch.Put(w)
}

// sumRow sums one row, twelve trees at a time.
func (c *Compiled) sumRow(w *workspace, dst, row []float64) {
	for i := range c.slots {
		if s := &c.slots[i]; s.column >= 0 {
			w.slots[i*lanes] = slotValue(s.key(row[s.column]))
		}
	}
	w.slots[spare] = 0
	chain := w.chain[:copy(w.chain, c.starts)]
	walkTrees(c.nodes, chain, w.slots, c.levels)
	c.addRow(dst, chain)
}

// addRow adds the values of one row's leaves in tree order. A tree's leaf is at
// its place in leaves.
func (c *Compiled) addRow(dst []float64, leaves []uint32) {
	switch {
	case c.single:
		for t, p := range c.places {
			addSingle(&dst[t%c.turns], c.values[leaves[p]])
		}
	case c.outputs == 1 && c.turns == 1:
		sum := dst[0]
		for _, p := range c.places {
			sum += c.values[leaves[p]]
		}
		dst[0] = sum
	case c.outputs == 2:
		a, b := dst[0], dst[1]
		for _, p := range c.places {
			v := (*[2]float64)(c.values[2*leaves[p]:])
			a += v[0]
			b += v[1]
		}
		dst[0], dst[1] = a, b
	case c.turns > 1:
		for t, p := range c.places {
			dst[t%c.turns] += c.values[leaves[p]]
		}
	default:
		for _, p := range c.places {
			for k := range dst {
				dst[k] += c.values[int(leaves[p])*c.outputs+k]
			}
		}
	}
}

// sumBlock sums a whole number of groups of twelve rows, one tree at a time.
func (c *Compiled) sumBlock(w *workspace, dst, x []float64) {
	rows := len(x) / c.inputs
	width := len(c.slots) * lanes
	for g := 0; g < rows/lanes; g++ {
		c.keys(w.slots[g*width:(g+1)*width], x[g*lanes*c.inputs:(g+1)*lanes*c.inputs])
	}
	leaves := w.leaves[:rows]
	for t, root := range c.roots {
		walkRows(c.nodes[root:], w.slots, width, c.depth[t], leaves)
		c.addLeaves(dst, leaves, t)
	}
}

// addSingle adds two float32s as float32s: the float64 sum of two is exact enough to
// be rounded once more.
func addSingle(dst *float64, v float64) { *dst = float64(float32(*dst + v)) }

// addLeaves adds the values of rows' leaves in tree number t.
func (c *Compiled) addLeaves(dst []float64, leaves []uint32, t int) {
	switch k := c.Answers(); {
	case c.single:
		for r, l := range leaves {
			addSingle(&dst[r*k+t%c.turns], c.values[l])
		}
	case c.turns > 1:
		for r, l := range leaves {
			dst[r*k+t%c.turns] += c.values[l]
		}
	case k == 1:
		for r, l := range leaves {
			dst[r] += c.values[l]
		}
	case k == 2:
		for r, l := range leaves {
			d, v := (*[2]float64)(dst[2*r:]), (*[2]float64)(c.values[2*l:])
			d[0] += v[0]
			d[1] += v[1]
		}
	default:
		for r, l := range leaves {
			for j, v := range c.values[int(l)*k : (int(l)+1)*k] {
				dst[r*k+j] += v
			}
		}
	}
}

// keys fills the slots of twelve rows, twelve side by side a slot.
func (c *Compiled) keys(dst []uint64, x []float64) {
	for i := range c.slots {
		s, out := &c.slots[i], (*[lanes]uint64)(dst[i*lanes:])
		if s.column < 0 {
			*out = [lanes]uint64{}
			continue
		}
		if s.kind == rank {
			s.ranks(out, x[s.column:], c.inputs)
			continue
		}
		for k := range out {
			out[k] = slotValue(s.key(x[k*c.inputs+int(s.column)]))
		}
	}
}

// key turns one value into its integer.
func (s *slot) key(x float64) uint32 {
	switch {
	case x != x:
		return s.missing & s.cap()
	case s.kind == single:
		return keyOf(float32(x))
	case s.kind == rank:
		return uint32(s.below(orderKey(x + 0)))
	case s.set.Has(x):
		return 0
	default:
		return 1
	}
}

// cap bounds what a missing value becomes: a member slot knows 0 and 1 only.
func (s *slot) cap() uint32 {
	if s.kind == member {
		return 1
	}
	return missHigh
}

// ranks counts, for twelve values stride apart, the thresholds below each.
func (s *slot) ranks(out *[lanes]uint64, x []float64, stride int) {
	var at, key [lanes]uint64
	for k := range key {
		key[k] = orderKey(x[k*stride] + 0)
	}
	countBelow(&at, &key, s.cuts)
	for k := range at {
		if out[k] = always - at[k]<<keyShift; x[k*stride] != x[k*stride] {
			out[k] = slotValue(s.missing)
		}
	}
}

// countBelow counts, for twelve keys side by side, the cuts below each.
func countBelow(at, key *[lanes]uint64, cuts []uint64) {
	*at = [lanes]uint64{}
	for n := uint64(len(cuts)); n > 0; {
		half := (n + 1) / 2
		from := cuts[half-1:]
		for k := range at {
			_, below := bits.Sub64(from[at[k]], key[k], 0)
			at[k] += half & -below
		}
		n -= half
	}
}

// below counts the thresholds below a key, without branches.
func (s *slot) below(key uint64) (at uint64) {
	for n := uint64(len(s.cuts)); n > 0; {
		half := (n + 1) / 2
		_, below := bits.Sub64(s.cuts[at+half-1], key, 0)
		at += half & -below
		n -= half
	}
	return at
}

// orderKey maps a float64 to an unsigned integer of the same order.
func orderKey(x float64) uint64 {
	u := math.Float64bits(x)
	return u ^ (uint64(int64(u)>>63) | 1<<63)
}

// walkTreesGo is walkTrees in plain Go: it walks trees for one row from the nodes
// in chain and replaces these by the numbers of the leaves' values. depth has the
// levels of each twelve. More than six chains at a time would not fit registers.
func walkTreesGo(nodes []uint64, chain []uint32, slots []uint64, depth []uint32) {
	for k, levels := range depth {
		for at := k * chains; at < (k+1)*chains; at += 6 {
			p := (*[6]uint32)(chain[at:])
			a, b, c, d, e, f := uint64(p[0]), uint64(p[1]), uint64(p[2]), uint64(p[3]), uint64(p[4]), uint64(p[5])
			for range levels {
				n := nodes[a]
				a += (n + slots[uint16(n)]) >> 48
				n = nodes[b]
				b += (n + slots[uint16(n)]) >> 48
				n = nodes[c]
				c += (n + slots[uint16(n)]) >> 48
				n = nodes[d]
				d += (n + slots[uint16(n)]) >> 48
				n = nodes[e]
				e += (n + slots[uint16(n)]) >> 48
				n = nodes[f]
				f += (n + slots[uint16(n)]) >> 48
			}
			p[0], p[1], p[2] = leafOf(nodes[a]), leafOf(nodes[b]), leafOf(nodes[c])
			p[3], p[4], p[5] = leafOf(nodes[d]), leafOf(nodes[e]), leafOf(nodes[f])
		}
	}
}

// leafOf returns the number of a leaf's values.
func leafOf(node uint64) uint32 { return uint32(node >> keyShift) }

// walkRowsGo is walkRows in plain Go: it walks len(leaves) rows through one tree
// and writes the numbers of their leaves' values. Rows are twelve side by side in
// slots.
func walkRowsGo(nodes, slots []uint64, width int, depth uint32, leaves []uint32) {
	for at := 0; at < len(leaves); at += 6 {
		from := at/lanes*width + at%lanes
		s := slots[from : from+width-at%lanes]
		var a, b, c, d, e, f uint64
		for range depth {
			n := nodes[a]
			a += (n + s[int(uint16(n))]) >> 48
			n = nodes[b]
			b += (n + s[int(uint16(n))+1]) >> 48
			n = nodes[c]
			c += (n + s[int(uint16(n))+2]) >> 48
			n = nodes[d]
			d += (n + s[int(uint16(n))+3]) >> 48
			n = nodes[e]
			e += (n + s[int(uint16(n))+4]) >> 48
			n = nodes[f]
			f += (n + s[int(uint16(n))+5]) >> 48
		}
		out := (*[6]uint32)(leaves[at:])
		out[0], out[1], out[2] = leafOf(nodes[a]), leafOf(nodes[b]), leafOf(nodes[c])
		out[3], out[4], out[5] = leafOf(nodes[d]), leafOf(nodes[e]), leafOf(nodes[f])
	}
}
