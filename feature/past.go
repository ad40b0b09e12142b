package feature

import (
	"encoding/binary"
	"math"

	"github.com/drivecast/drivecast/smart"
)

// past holds the values that a trace had before the one it has now, each as
// little as it differs from the one after it: a counter that grows by a few a day
// takes two bytes a day. It is read from its end, the newest first.
//
// The last byte of an entry is its tag. The lower three bits say how the value is
// kept: as a difference from the value after it in 1, 2, 4 or 8 bytes, or by
// itself as a float64. The upper five are the days between the two, 0 when the
// days stand in 4 bytes before the value.
type past []byte

const (
	tagByte = iota
	tagShort
	tagLong
	tagDifference
	tagFloat
)

// push appends the value known since day, which gives way to next on a later day.
func (p past) push(day smart.Date, v float64, nextDay smart.Date, next float64) past {
	days := uint32(nextDay - day)
	if days > 31 {
		p = binary.LittleEndian.AppendUint32(p, days)
		days = 0
	}
	tag := byte(days << 3)
	if !whole(v) || !whole(next) {
		return append(binary.LittleEndian.AppendUint64(p, math.Float64bits(v)), tag|tagFloat)
	}
	switch d := int64(next) - int64(v); {
	case d == int64(int8(d)):
		return append(p, byte(d), tag|tagByte)
	case d == int64(int16(d)):
		return append(binary.LittleEndian.AppendUint16(p, uint16(d)), tag|tagShort)
	case d == int64(int32(d)):
		return append(binary.LittleEndian.AppendUint32(p, uint32(d)), tag|tagLong)
	default:
		return append(binary.LittleEndian.AppendUint64(p, uint64(d)), tag|tagDifference)
	}
}

// whole reports whether v is a whole number whose sums and differences with
// others are exact; -0 is none.
func whole(v float64) bool {
	const most = 1 << 52
	return v > -most && v < most && float64(int64(v)) == v && (v != 0 || !math.Signbit(v))
}

// cursor goes back through a trace: v is known since day.
type cursor struct {
	before past
	day    smart.Date
	v      float64
}

// widths holds the bytes of a value by the kind in its tag, 0 for no kind.
var widths = [8]int{tagByte: 1, tagShort: 2, tagLong: 4, tagDifference: 8, tagFloat: 8}

// back goes to the value before, and reports false when there is none or what
// stands there is no entry.
func (c *cursor) back() bool {
	b := c.before
	if len(b) < 2 {
		return false
	}
	tag := b[len(b)-1]
	days, at := smart.Date(tag>>3), len(b)-1-widths[tag&7]
	if days == 0 {
		if at < 4 {
			return false
		}
		days = smart.Date(binary.LittleEndian.Uint32(b[at-4:]))
	}
	if at < 0 {
		return false
	}
	switch v := b[at:]; tag & 7 {
	case tagByte:
		c.v -= float64(int8(v[0]))
	case tagShort:
		c.v -= float64(int16(binary.LittleEndian.Uint16(v)))
	case tagLong:
		c.v -= float64(int32(binary.LittleEndian.Uint32(v)))
	case tagDifference:
		c.v -= float64(int64(binary.LittleEndian.Uint64(v)))
	case tagFloat:
		c.v = math.Float64frombits(binary.LittleEndian.Uint64(v))
	default:
		return false
	}
	if tag>>3 == 0 {
		at -= 4
	}
	c.day -= days
	c.before = b[:at]
	return true
}

// kept returns the part of a trace's past that gave way after day edge.
func (t *trace) kept(edge smart.Date) past {
	day, at := t.since, len(t.past)
	for day > edge && at >= 2 {
		tag := t.past[at-1]
		days, size := smart.Date(tag>>3), 1+widths[tag&7]
		if days == 0 || at < size {
			break
		}
		day -= days
		at -= size
	}
	c := cursor{t.past[:at], day, 0}
	for c.day > edge && c.back() {
	}
	return t.past[len(c.before):]
}

// remember makes the value in hand a past one, which gives way to v today.
func (t *trace) remember(today smart.Date, v float64, reach int) {
	if cap(t.past)-len(t.past) < 13 && len(t.past) > 0 {
		// An entry may find no room: forget what no window reaches, and make
		// room when that did not help much.
		t.past = t.past[:copy(t.past, t.kept(today-smart.Date(reach)))]
		if free := cap(t.past) - len(t.past); free < 13 || free < cap(t.past)/4 {
			t.past = append(make(past, 0, len(t.past)+max(16, len(t.past)/2)), t.past...)
		}
	}
	t.past = t.past.push(t.since, t.value, today, v)
}
