package feature

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"math"

	"github.com/drivecast/drivecast/smart"
)

// label is what is known of a row's future.
type label struct {
	positive bool
	lead     int32
}

// label decides on a row; false leaves it out.
func (b *builder) label(r *smart.Reading, day smart.Date) (label, bool) {
	e := b.ends.drives[r.Serial]
	st := &b.set.Stats
	h := smart.Date(b.opt.Horizon)
	l := label{lead: -1}
	if e.failed != smart.NoDate {
		if day > e.failed {
			st.After++
			return l, false
		}
		l.lead = int32(e.failed - day)
		l.positive = e.failed-day <= h
	}
	switch {
	case day+h > b.ends.last:
		st.Open++
		return l, false
	case l.positive:
		return l, true
	case e.failed == smart.NoDate && day+h > e.last:
		st.Censored++
		return l, false
	}
	if whole := b.opt.WholeFrom != 0 && day >= b.opt.WholeFrom; !whole && !b.sampled(r.Serial, day) {
		st.Sampled++
		return l, false
	}
	return l, true
}

// sampled reports whether a negative row is in the sample.
func (b *builder) sampled(serial string, day smart.Date) bool {
	if b.set.Beta >= 1 {
		return true
	}
	h := fnv.New64a()
	var n [12]byte
	binary.LittleEndian.PutUint64(n[:], b.opt.Seed)
	binary.LittleEndian.PutUint32(n[8:], uint32(day))
	h.Write(n[:])
	io.WriteString(h, serial)
	return float64(mix(h.Sum64())>>11)/(1<<53) < b.set.Beta
}

// mix spreads the bits of a hash (the finalizer of SplitMix64, Steele et al. 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// ends holds how the drives of a fleet ended.
type ends struct {
	first, last smart.Date
	failures    int
	drives      map[string]endOf
	readings    map[smart.Date]int
}

type endOf struct {
	failed smart.Date // the first day marked as failed, or NoDate
	last   smart.Date // the last day seen
}

// readEnds goes over a fleet for the days of failure and the last days.
func readEnds(ctx context.Context, open func([]smart.Attribute) (Stream, error)) (*ends, error) {
	src, err := open([]smart.Attribute{})
	if err != nil {
		return nil, err
	}
	defer src.Close()
	e := &ends{first: math.MaxInt32, last: smart.NoDate, drives: map[string]endOf{}, readings: map[smart.Date]int{}}
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return e, nil
		} else if err != nil {
			return nil, err
		}
		e.first, e.last = min(e.first, day.Date), max(e.last, day.Date)
		e.readings[day.Date] += len(day.Readings)
		for i := range day.Readings {
			e.add(&day.Readings[i], day.Date)
		}
		recycle(src, day)
	}
}

func (e *ends) add(r *smart.Reading, day smart.Date) {
	d, known := e.drives[r.Serial]
	if known && !r.Failed && d.last == day {
		return
	}
	if !known {
		d.failed = smart.NoDate
	}
	d.last = max(d.last, day)
	if r.Failed && d.failed == smart.NoDate {
		d.failed = day
		e.failures++
	}
	e.drives[r.Serial] = d
}

// rows counts the readings of the days whose rows Options may sample.
func (e *ends) rows(o Options) int {
	n := 0
	for d, k := range e.readings {
		if o.within(d) && d <= e.last-smart.Date(o.Horizon) && (o.WholeFrom == 0 || d < o.WholeFrom) {
			n += k
		}
	}
	return n
}
