package hist

import "golang.org/x/sys/cpu"

// useAVX2 is what the processor offers; the scalar kernels need nothing.
var useAVX2 = cpu.X86.HasAVX2

//go:noescape
func add8Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)

//go:noescape
func add4Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)

//go:noescape
func add1Asm(hist *int64, bins *uint8, stride int, rows *uint32, n int, entries *int64)

//go:noescape
func add8NarrowAsm(hist *int32, bins *uint8, stride int, rows *uint32, n int, entries *int32)

//go:noescape
func add4NarrowAsm(hist *int32, bins *uint8, stride int, rows *uint32, n int, entries *int32)

//go:noescape
func emptyAsm(hist *int64, part *int32, n int)

func add8(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	_, _ = hist[group*width-1], entries[len(rows)-1]
	add8Asm(&hist[0], &bins[0], stride, &rows[0], len(rows), &entries[0])
}

func add4(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	_, _ = hist[4*width-1], entries[len(rows)-1]
	add4Asm(&hist[0], &bins[0], stride, &rows[0], len(rows), &entries[0])
}

func add1(hist []int64, bins []uint8, stride int, rows []uint32, entries []int64) {
	_, _ = hist[width-1], entries[len(rows)-1]
	add1Asm(&hist[0], &bins[0], stride, &rows[0], len(rows), &entries[0])
}

func add8Narrow(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	_, _ = hist[group*width-1], entries[len(rows)-1]
	add8NarrowAsm(&hist[0], &bins[0], stride, &rows[0], len(rows), &entries[0])
}

func add4Narrow(hist []int32, bins []uint8, stride int, rows []uint32, entries []int32) {
	_, _ = hist[4*width-1], entries[len(rows)-1]
	add4NarrowAsm(&hist[0], &bins[0], stride, &rows[0], len(rows), &entries[0])
}

func empty(hist []int64, part []int32) {
	if !useAVX2 {
		emptyGo(hist, part)
		return
	}
	_ = hist[len(part)-1]
	emptyAsm(&hist[0], &part[0], len(part))
}
