package kernel

import (
	"encoding/binary"
	"math"
	"slices"
	"sync"

	"github.com/drivecast/drivecast/errs"
)

// Compiled is an ensemble packed for speed. It is safe for concurrent use and
// allocates nothing per row.
//
// A node is 8 bytes: from the top, 16 bits of distance to its right child, a
// 32-bit key, and 16 bits for the slot of the value it tests; the left child
// follows the right one. Before the walk a row's values become unsigned integers,
// one a slot, such that a value goes left exactly when its integer is at most the
// node's key. The slot keeps the integer's distance from 1<<32, in the key's
// place, so that adding slot and node carries into the distance exactly then: a
// step is next = node + (bits + slot) >> 48, without a branch. A leaf has distance
// 0 and names a slot that is always 0, so it stays where it is; its key is the
// number of its values. Independent chains are walked side by side, to hide the
// time a load takes: twelve rows through one tree for many rows, twelve trees for one
// row.
type Compiled struct {
	nodes   []uint64
	roots   []uint32 // first node of each tree
	depth   []uint32 // levels of each tree
	places  []uint32 // each tree's place among starts
	starts  []uint32 // first nodes of the trees by depth, padded to a multiple of twelve
	levels  []uint32 // levels of each twelve in that order
	values  []float64
	slots   []slot
	inputs  int
	outputs int // values at a leaf
	turns   int
	single  bool
	deep    []deepTree // trees too large for 8-byte nodes, instead of nodes
	scratch sync.Pool
	cells   cellTables // for many rows of few columns
}

// slot says how a column becomes an integer.
type slot struct {
	column  int32
	kind    slotKind
	missing uint32   // what NaN becomes
	cuts    []uint64 // keys of thresholds in ascending order, for rank
	set     Bitset
}

type slotKind uint8

const (
	single slotKind = iota // the float32's bits in the order of numbers
	rank                   // how many thresholds are below the value
	member                 // 0 when in the set, else 1
)

const (
	lanes    = 12 // rows walked at a time
	chains   = 12 // trees walked at a time for one row
	missLow  = 0
	missHigh = math.MaxUint32
	spare    = 0  // the slot that is always 0
	keyShift = 16 // where a node has its key
	always   = 1 << (keyShift + 32)
)

// slotValue is what a slot holds for a value's integer.
func slotValue(k uint32) uint64 { return always - uint64(k)<<keyShift }

// packNode makes a node. Slots are lanes apart.
func packNode(key uint32, slot, distance int) uint64 {
	return uint64(distance)<<48 | uint64(key)<<keyShift | uint64(slot*lanes)
}

// Compile packs e. It returns an error of kind Invalid when a tree is not one.
func Compile(e *Ensemble) (*Compiled, error) {
	c := &Compiled{inputs: e.Features, outputs: e.Outputs, turns: max(e.Turns, 1), single: e.Single}
	if e.Outputs < 1 || (c.turns > 1 || c.single) && e.Outputs != 1 {
		return nil, errs.New(errs.Invalid, "trees with %d values a leaf cannot take %d turns, or add in float32", e.Outputs, c.turns)
	}
	b := builder{e: e, c: c, slotOf: map[slotID]int{}, sets: map[string]int{}, leaves: map[string]uint32{}}
	c.slots = append(c.slots, slot{column: -1})
	b.ranks()
	for k := range e.Trees {
		if err := b.add(k); err != nil {
			return nil, err
		}
	}
	if b.large || len(c.slots)*lanes > math.MaxUint16 {
		return c, c.keepDeep(e)
	}
	b.sort()
	c.scratch.New = func() any {
		return &workspace{
			slots:  make([]uint64, blockGroups*lanes*len(c.slots)),
			leaves: make([]uint32, blockGroups*lanes), chain: make([]uint32, len(c.starts)),
		}
	}
	return c, nil
}

// Answers returns how many sums a row has.
func (c *Compiled) Answers() int { return max(c.turns, c.outputs) }

type slotID struct {
	column int32
	left   bool
}

type builder struct {
	e      *Ensemble
	c      *Compiled
	slotOf map[slotID]int
	sets   map[string]int
	cuts   map[int32][]uint64
	leaves map[string]uint32
	name   []byte
	large  bool
}

// ranks collects each column's thresholds where values are compared as float64.
func (b *builder) ranks() {
	if b.e.Compare != LessEqual64 {
		return
	}
	b.cuts = map[int32][]uint64{}
	for k := range b.e.Trees {
		t := &b.e.Trees[k]
		for i, l := range t.Left {
			if l >= 0 && (t.Category == nil || t.Category[i] == nil) && i < len(t.Feature) && i < len(t.Threshold) {
				b.cuts[t.Feature[i]] = append(b.cuts[t.Feature[i]], orderKey(t.Threshold[i]+0))
			}
		}
	}
	for column, cuts := range b.cuts {
		slices.Sort(cuts)
		b.cuts[column] = slices.Compact(cuts)
	}
}

// add packs tree k in the order of its layout.
func (b *builder) add(k int) error {
	if _, err := b.e.preorder(k); err != nil {
		return err
	}
	t, c := &b.e.Trees[k], b.c
	for len(c.nodes)%lineNodes != 1 {
		c.nodes = append(c.nodes, 0)
	}
	c.roots = append(c.roots, uint32(len(c.nodes)))
	order, place := layout(t)
	level, deepest := make([]uint32, len(place)), uint32(0)
	for at, i := range order {
		deepest = max(deepest, level[i])
		if t.Left[i] < 0 {
			c.nodes = append(c.nodes, packNode(b.leaf(t.Value[int(i)*c.outputs:(int(i)+1)*c.outputs]), spare, 0))
			continue
		}
		distance := int(place[t.Right[i]]) - at
		slot, key := b.test(t, i)
		if distance >= math.MaxUint16 || slot*lanes > math.MaxUint16 {
			b.large = true
			return nil
		}
		c.nodes = append(c.nodes, packNode(key, slot, distance))
		level[t.Left[i]], level[t.Right[i]] = level[i]+1, level[i]+1
	}
	c.depth = append(c.depth, deepest)
	return nil
}

// leaf returns the number of a leaf's values; leaves with equal values share one,
// so that pure leaves stay in the cache.
func (b *builder) leaf(values []float64) uint32 {
	b.name = b.name[:0]
	for _, v := range values {
		b.name = binary.LittleEndian.AppendUint64(b.name, math.Float64bits(v))
	}
	k, ok := b.leaves[string(b.name)]
	if !ok {
		k = uint32(len(b.c.values) / b.c.outputs)
		b.leaves[string(b.name)] = k
		b.c.values = append(b.c.values, values...)
	}
	return k
}

// test returns the slot and key of an inner node.
func (b *builder) test(t *Tree, i int32) (slotNumber int, key uint32) {
	id := slotID{t.Feature[i], t.MissingLeft != nil && t.MissingLeft[i]}
	s := slot{column: id.column, missing: missHigh}
	if id.left {
		s.missing = missLow
	}
	if t.Category != nil && t.Category[i] != nil {
		s.kind, s.set = member, t.Category[i]
		return b.setSlot(s, id), 0
	}
	switch b.e.Compare {
	case LessEqual64:
		s.kind, s.cuts = rank, b.cuts[id.column]
		at, _ := slices.BinarySearch(s.cuts, orderKey(t.Threshold[i]+0))
		key = uint32(at)
	case Less32:
		key = keyBelow(float32(t.Threshold[i]))
	default:
		key = keyOf(floor32(t.Threshold[i]))
	}
	k, ok := b.slotOf[id]
	if !ok {
		k = len(b.c.slots)
		b.slotOf[id] = k
		b.c.slots = append(b.c.slots, s)
	}
	return k, key
}

// setSlot returns the slot of a set of categories; equal sets share one.
func (b *builder) setSlot(s slot, id slotID) int {
	name := binary.LittleEndian.AppendUint64(nil, uint64(id.column)<<1|uint64(s.missing&1))
	for _, w := range s.set {
		name = binary.LittleEndian.AppendUint64(name, w)
	}
	k, ok := b.sets[string(name)]
	if !ok {
		k = len(b.c.slots)
		b.sets[string(name)] = k
		b.c.slots = append(b.c.slots, s)
	}
	return k
}

// sort orders trees by depth for single rows and pads their number to a multiple
// of twelve with the last one once more.
func (b *builder) sort() {
	c := b.c
	order := make([]uint32, len(c.roots), len(c.roots)+chains)
	for i := range order {
		order[i] = uint32(i)
	}
	slices.SortStableFunc(order, func(x, y uint32) int { return int(c.depth[x]) - int(c.depth[y]) })
	c.places = make([]uint32, len(order))
	for i, t := range order {
		c.places[t] = uint32(i)
	}
	for len(order)%chains != 0 {
		order = append(order, order[len(order)-1])
	}
	for i, t := range order {
		c.starts = append(c.starts, c.roots[t])
		if i%chains == chains-1 {
			c.levels = append(c.levels, c.depth[t])
		}
	}
}

// keyOf maps a float32 to an unsigned integer of the same order; -0 counts as 0.
func keyOf(x float32) uint32 {
	u := math.Float32bits(x + 0)
	return u ^ (uint32(int32(u)>>31) | 1<<31)
}

// keyBelow returns the key of the largest float32 below t.
func keyBelow(t float32) uint32 {
	if math.IsInf(float64(t), -1) {
		return missLow
	}
	return keyOf(math.Nextafter32(t, float32(math.Inf(-1))))
}

// floor32 returns the largest float32 that is at most t, so that for a float32 x
// x <= t and x <= floor32(t) are the same.
func floor32(t float64) float32 {
	f := float32(t)
	if float64(f) > t {
		f = math.Nextafter32(f, float32(math.Inf(-1)))
	}
	return f
}
