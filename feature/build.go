package feature

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/fnv"
	"io"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Stream gives the days of a fleet in order, as smart.Source does.
type Stream interface {
	Attributes() []smart.Attribute
	Next(ctx context.Context) (*smart.Day, error)
	Close()
}

// Options says which training set is made.
type Options struct {
	Spec    Spec // the features; see NewSpec
	Horizon int  // days ahead: a drive is positive on a day when it fails on it or on one of the Horizon days after it

	From, Until smart.Date // the days that get rows, both counting; the zero Date stands for no bound. All days make history and labels.

	// Negatives is the share of the rows without failure that is kept, 0 and 1
	// keep all. Which ones are kept depends on Seed, drive and day alone. Rows
	// from WholeFrom on are kept all: a test set is never sampled. The zero Date
	// samples all days.
	Negatives float64
	WholeFrom smart.Date
	Seed      uint64
}

// Set is a training set: one row for each drive and day.
type Set struct {
	X      *table.Matrix // features, named
	Y      []float64     // 1 when the drive fails within the horizon, else 0
	Day    []smart.Date
	Serial []string
	Model  []string
	Lead   []int32 // days until the drive fails, -1 when it was not seen to

	Spec    Spec
	Horizon int
	Beta    float64 // share of the negative rows that was kept before WholeFrom; see Correct
	Stats   Stats
}

// Stats counts what became of the readings.
type Stats struct {
	FoldStats
	FirstDay, LastDay smart.Date // of the data
	LastClosed        smart.Date // the last day whose label window lies within the data
	Rows, Positives   int        // in the set; Positives counts rows
	Failures          int        // drives that failed, on any day of the data
	FailedInSet       int        // of these, drives with a positive row in the set
	Open              int        // rows left out: their window ends after the last day
	Censored          int        // rows left out: the drive vanished without failing before its window ended
	After             int        // rows left out: the drive had failed before
	Sampled           int        // rows left out by Negatives
}

// Correct turns a probability learned from a set with the share beta of its
// negatives into one at the natural rate: βp / (βp − p + 1).
func Correct(p, beta float64) float64 { return beta * p / (beta*p - p + 1) }

// Build reads a fleet twice, once for the ends of its drives and once for its
// features, and makes a training set. open begins a reading; the first is asked
// for no attributes. A day gets rows when the windows of its labels lie within
// the data. Drives that vanish are neither failed nor healthy: their days whose
// window ends after they were last seen are left out. Errors are of kind Invalid
// when no row is left, and those of the stream.
func Build(ctx context.Context, open func(attributes []smart.Attribute) (Stream, error), opt Options) (*Set, error) {
	if opt.Horizon < 1 || opt.Negatives < 0 || opt.Negatives > 1 {
		return nil, errs.New(errs.Invalid, "a horizon of %d days and a share of %g negatives are not possible", opt.Horizon, opt.Negatives)
	}
	fold, err := NewFold(opt.Spec)
	if err != nil {
		return nil, err
	}
	ends, err := readEnds(ctx, open)
	if err != nil {
		return nil, err
	}
	b := newBuilder(opt, fold, ends)
	attributes := make([]smart.Attribute, len(fold.plan.columns))
	for i, c := range fold.plan.columns {
		attributes[i] = c.Attribute
	}
	src, err := open(attributes)
	if err != nil {
		return nil, err
	}
	defer src.Close()
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return b.finish()
		} else if err != nil {
			return nil, err
		}
		b.day(day, src.Attributes())
	}
}

// builder gathers the rows of a set.
type builder struct {
	opt    Options
	fold   *Fold
	ends   *ends
	set    *Set
	rows   Rows
	x      [][]float64 // one slice a feature
	labels []label     // of the rows wanted on the day in hand
	failed map[string]bool
}

func newBuilder(opt Options, fold *Fold, e *ends) *builder {
	set := &Set{Spec: opt.Spec, Horizon: opt.Horizon, Beta: 1}
	if opt.Negatives > 0 {
		set.Beta = opt.Negatives
	}
	set.Stats.FirstDay, set.Stats.LastDay = e.first, e.last
	set.Stats.LastClosed = e.last - smart.Date(opt.Horizon)
	set.Stats.Failures = e.failures
	return &builder{opt: opt, fold: fold, ends: e, set: set, x: make([][]float64, len(fold.plan.names)), failed: map[string]bool{}}
}

func (b *builder) day(day *smart.Day, attributes []smart.Attribute) {
	b.labels = b.labels[:0]
	wanted := (b.opt.From == 0 || day.Date >= b.opt.From) && (b.opt.Until == 0 || day.Date <= b.opt.Until)
	b.fold.Day(day, attributes, &b.rows, func(r *smart.Reading) bool {
		if !wanted {
			return false
		}
		l, ok := b.label(r, day.Date)
		if ok {
			b.labels = append(b.labels, l)
		}
		return ok
	})
	width := len(b.x)
	for i, at := range b.rows.Reading {
		for c := range width {
			b.x[c] = append(b.x[c], b.rows.X[i*width+c])
		}
		d := &b.fold.drives[b.rows.Drive[i]]
		l := b.labels[i]
		if l.positive {
			b.set.Stats.Positives++
			b.failed[d.serial] = true
			b.set.Y = append(b.set.Y, 1)
		} else {
			b.set.Y = append(b.set.Y, 0)
		}
		b.set.Lead = append(b.set.Lead, l.lead)
		b.set.Day = append(b.set.Day, day.Readings[at].Day)
		b.set.Serial = append(b.set.Serial, d.serial)
		b.set.Model = append(b.set.Model, d.model.name)
	}
}

func (b *builder) finish() (*Set, error) {
	s := b.set
	s.Stats.FoldStats = b.fold.stats
	s.Stats.Rows = len(s.Y)
	s.Stats.FailedInSet = len(b.failed)
	if s.Stats.Rows == 0 {
		return nil, errs.New(errs.Invalid, "no row has a label: the data runs from %s to %s, and a label needs the %d days after its row",
			s.Stats.FirstDay, s.Stats.LastDay, b.opt.Horizon)
	}
	s.X = &table.Matrix{Rows: len(s.Y), Cols: len(b.x), Names: b.fold.plan.names, Data: make([]float64, 0, len(s.Y)*len(b.x))}
	for c := range b.x {
		s.X.Data = append(s.X.Data, b.x[c]...)
		b.x[c] = nil
	}
	return s, nil
}

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
	e := &ends{first: math.MaxInt32, last: smart.NoDate, drives: map[string]endOf{}}
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			return e, nil
		} else if err != nil {
			return nil, err
		}
		e.first, e.last = min(e.first, day.Date), max(e.last, day.Date)
		for i := range day.Readings {
			e.add(&day.Readings[i], day.Date)
		}
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
