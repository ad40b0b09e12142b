package kernel

import (
	"math"
	"math/bits"
)

// blockGroups is how many groups of eight rows pass a tree before the next tree,
// so that a tree's nodes are fetched once for all of them.
const blockGroups = 16

type workspace struct {
	slots  []uint32
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
	w := c.scratch.Get().(*workspace)
	r := 0
	for ; rows-r >= lanes; r += min(blockGroups*lanes, (rows-r)&^(lanes-1)) {
		n := min(blockGroups*lanes, (rows-r)&^(lanes-1))
		c.sumBlock(w, dst[r*k:(r+n)*k], x[r*c.inputs:(r+n)*c.inputs])
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
			w.slots[i*lanes] = s.key(row[s.column])
		}
	}
	w.slots[spare] = 0
	chain := w.chain[:copy(w.chain, c.starts)]
	walkTrees(c.nodes, chain, w.slots, c.levels)
	for i, t := range c.order {
		w.leaves[t] = chain[i]
	}
	c.addRow(dst, w.leaves[:len(c.roots)])
}

// addRow adds the values of one row's leaves in tree order.
func (c *Compiled) addRow(dst []float64, leaves []uint32) {
	switch {
	case c.outputs == 1 && c.turns == 1:
		sum := dst[0]
		for _, l := range leaves {
			sum += c.values[l]
		}
		dst[0] = sum
	case c.outputs == 2:
		a, b := dst[0], dst[1]
		for _, l := range leaves {
			v := (*[2]float64)(c.values[2*l:])
			a += v[0]
			b += v[1]
		}
		dst[0], dst[1] = a, b
	case c.turns > 1:
		for t, l := range leaves {
			dst[t%c.turns] += c.values[l]
		}
	default:
		for _, l := range leaves {
			for k := range dst {
				dst[k] += c.values[int(l)*c.outputs+k]
			}
		}
	}
}

// sumBlock sums a whole number of groups of eight rows, one tree at a time.
func (c *Compiled) sumBlock(w *workspace, dst, x []float64) {
	rows := len(x) / c.inputs
	width := len(c.slots) * lanes
	for g := 0; g < rows/lanes; g++ {
		c.keys(w.slots[g*width:(g+1)*width], x[g*lanes*c.inputs:(g+1)*lanes*c.inputs])
	}
	leaves := w.leaves[:rows]
	k := c.Answers()
	for t, root := range c.roots {
		walkRows(c.nodes[root:], w.slots, width, c.depth[t], leaves)
		switch {
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
}

// keys turns eight rows into integers, eight side by side a slot.
func (c *Compiled) keys(dst []uint32, x []float64) {
	for i := range c.slots {
		s, out := &c.slots[i], (*[lanes]uint32)(dst[i*lanes:])
		if s.column < 0 {
			*out = [lanes]uint32{}
			continue
		}
		if s.kind == rank {
			s.ranks(out, x[s.column:], c.inputs)
			continue
		}
		for k := range out {
			out[k] = s.key(x[k*c.inputs+int(s.column)])
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

// ranks counts, for eight values stride apart, the thresholds below each: eight
// halvings side by side.
func (s *slot) ranks(out *[lanes]uint32, x []float64, stride int) {
	var at, key [lanes]uint64
	for k := range key {
		key[k] = orderKey(x[k*stride] + 0)
	}
	for n := uint64(len(s.cuts)); n > 0; {
		half := (n + 1) / 2
		cuts := s.cuts[half-1:]
		for k := range at {
			_, below := bits.Sub64(cuts[at[k]], key[k], 0)
			at[k] += half & -below
		}
		n -= half
	}
	for k := range at {
		if out[k] = uint32(at[k]); x[k*stride] != x[k*stride] {
			out[k] = s.missing
		}
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

// step goes one level down from node i: right when value is above the key, which
// the sign of their difference says.
func step(node uint64, i, value uint32) uint32 {
	return i + uint32(node>>48) + uint32((node&math.MaxUint32-uint64(value))>>63)
}

// walkTreesGo is walkTrees in plain Go: it walks trees for one row from the nodes
// in chain and replaces these by the numbers of the leaves' values. depth has the
// levels of each twelve. More than six chains at a time would not fit registers.
func walkTreesGo(nodes []uint64, chain []uint32, slots []uint32, depth []uint32) {
	for k, levels := range depth {
		for at := k * chains; at < (k+1)*chains; at += 6 {
			p := (*[6]uint32)(chain[at:])
			a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5]
			for range levels {
				n := nodes[a]
				a = step(n, a, slots[uint16(n>>32)])
				n = nodes[b]
				b = step(n, b, slots[uint16(n>>32)])
				n = nodes[c]
				c = step(n, c, slots[uint16(n>>32)])
				n = nodes[d]
				d = step(n, d, slots[uint16(n>>32)])
				n = nodes[e]
				e = step(n, e, slots[uint16(n>>32)])
				n = nodes[f]
				f = step(n, f, slots[uint16(n>>32)])
			}
			p[0], p[1], p[2] = uint32(nodes[a]), uint32(nodes[b]), uint32(nodes[c])
			p[3], p[4], p[5] = uint32(nodes[d]), uint32(nodes[e]), uint32(nodes[f])
		}
	}
}

// walkRowsGo is walkRows in plain Go: it walks len(leaves) rows through one tree
// and writes the numbers of their leaves' values. Rows are eight side by side in
// slots.
func walkRowsGo(nodes []uint64, slots []uint32, width int, depth uint32, leaves []uint32) {
	for at := 0; at < len(leaves); at += lanes {
		s := slots[at/lanes*width : (at/lanes+1)*width]
		var a, b, c, d, e, f, g, h uint32
		for range depth {
			n := nodes[a]
			a = step(n, a, s[int(uint16(n>>32))])
			n = nodes[b]
			b = step(n, b, s[int(uint16(n>>32))+1])
			n = nodes[c]
			c = step(n, c, s[int(uint16(n>>32))+2])
			n = nodes[d]
			d = step(n, d, s[int(uint16(n>>32))+3])
			n = nodes[e]
			e = step(n, e, s[int(uint16(n>>32))+4])
			n = nodes[f]
			f = step(n, f, s[int(uint16(n>>32))+5])
			n = nodes[g]
			g = step(n, g, s[int(uint16(n>>32))+6])
			n = nodes[h]
			h = step(n, h, s[int(uint16(n>>32))+7])
		}
		out := (*[lanes]uint32)(leaves[at:])
		out[0], out[1], out[2], out[3] = uint32(nodes[a]), uint32(nodes[b]), uint32(nodes[c]), uint32(nodes[d])
		out[4], out[5], out[6], out[7] = uint32(nodes[e]), uint32(nodes[f]), uint32(nodes[g]), uint32(nodes[h])
	}
}
