package feature

import (
	"context"
	"errors"
	"io"

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

// recycle gives a day back to a stream that has use for its memory, as
// smart.Source has.
func recycle(src Stream, day *smart.Day) {
	if s, ok := src.(interface{ Recycle(*smart.Day) }); ok {
		s.Recycle(day)
	}
}

// BuildPath makes a training set of the drive statistics at path. in says how
// they are read; its Attributes are those of the spec. A spec without attributes
// is replaced by one of those that any drive reports, of in.Attributes when given.
func BuildPath(ctx context.Context, path string, in smart.Options, opt Options) (*Set, error) {
	if len(opt.Spec.Attributes) == 0 {
		probe := in
		probe.Quarantine, probe.Progress = nil, nil
		src, err := smart.Open(ctx, path, probe)
		if err != nil {
			return nil, err
		}
		filled, err := src.Filled(ctx)
		if err != nil {
			return nil, err
		}
		opt.Spec = NewSpec(filled)
	}
	pass, progress := int64(0), in.Progress
	return Build(ctx, func(attributes []smart.Attribute) (Stream, error) {
		now := in
		now.Attributes = attributes
		if len(attributes) == 0 {
			now.Quarantine = nil // the second pass sees these rows again
		}
		from := pass
		if pass++; progress != nil {
			now.Progress = func(done, total int64) { progress(from*total+done, 2*total) }
		}
		return smart.Open(ctx, path, now)
	}, opt)
}

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
		recycle(src, day)
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
	switch {
	case opt.Negatives > 0:
		set.Beta = opt.Negatives
	case opt.MaxRows > 0:
		set.Beta = min(1, float64(opt.MaxRows)/float64(max(1, e.rows(opt))))
	}
	set.Stats.FirstDay, set.Stats.LastDay = e.first, e.last
	set.Stats.LastClosed = e.last - smart.Date(opt.Horizon)
	set.Stats.Failures = e.failures
	return &builder{opt: opt, fold: fold, ends: e, set: set, x: make([][]float64, len(fold.plan.names)), failed: map[string]bool{}}
}

// day takes a day into the history and its rows into the set.
func (b *builder) day(day *smart.Day, attributes []smart.Attribute) {
	b.labels = b.labels[:0]
	wanted := b.opt.within(day.Date)
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
