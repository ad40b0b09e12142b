//go:build !amd64

package hist

func add8(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	add8Go(hist, bins, stride, rows, entries)
}

func add4(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	add4Go(hist, bins, stride, rows, entries)
}

func add1(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	add1Go(hist, bins, stride, rows, entries)
}

func add8Narrow(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	add8NarrowGo(hist, bins, stride, rows, entries)
}

func add4Narrow(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	add4NarrowGo(hist, bins, stride, rows, entries)
}

func empty(hist []int64, part []int32) { emptyGo(hist, part) }
