package kernel

// lineNodes is how many nodes share a cache line of 64 bytes.
const lineNodes = 8

// layout returns the nodes of t in the order they are stored, and the place of
// each. Children lie side by side, right before left, and behind their parent. A cache line holds a
// node's descendants of two levels or three, rather than cousins of one level:
// a walk then fetches a line every second step. The root has the second place of
// its line, so that no pair of children spans two.
func layout(t *Tree) (order, place []int32) {
	order, place = make([]int32, 1, len(t.Left)), make([]int32, len(t.Left))
	room := lineNodes - 2
	var line []int32 // inner nodes on the current line whose children are not placed
	later := []int32{0}
	for len(later) > 0 {
		parent := later[0]
		later = later[1:]
		line = append(line[:0], parent)
		for len(line) > 0 {
			i := line[0]
			if room < 2 && i != parent {
				break
			}
			if room < 2 {
				room += lineNodes
			}
			line = line[1:]
			if t.Left[i] < 0 {
				continue
			}
			place[t.Right[i]], place[t.Left[i]] = int32(len(order)), int32(len(order)+1)
			order = append(order, t.Right[i], t.Left[i])
			room -= 2
			line = append(line, t.Left[i], t.Right[i])
		}
		later = append(later, line...)
	}
	return order, place
}
