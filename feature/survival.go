package feature

import (
	"context"
	"errors"
	"io"
	"math"
	"slices"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Survival holds labels in the form for times to an event: one row for each
// stretch of a drive's life. A drive is at risk in (Entry, Time]: Entry above zero
// is left truncation, since it was not watched before; without Failed it is
// censored at Time, which says nothing of what came after. eval/survival takes
// Entry, Time and Failed as they are.
type Survival struct {
	Serial, Model []string
	Entry, Time   []float64 // on one clock for all, see Lifetimes and ReadSurvival
	Failed        []bool
	X             *table.Matrix // attributes as known at Entry, NaN where missing; no columns when none were asked for

	Drives, Failures int
	NoClock          int // readings without the clock's attribute, or with one that went back
	After            int // readings of drives that had failed before
}

// ReadSurvival reads a file in start-stop form as smart.ReadIntervals does. Its
// clock is that of the file. A stretch that begins at or after a failure of its
// drive is left out and counted in After.
func ReadSurvival(ctx context.Context, path string, in smart.Options) (*Survival, error) {
	g := &stretches{failed: map[string]bool{}}
	attributes, err := smart.ReadIntervals(ctx, path, in, func(iv *smart.Interval) error {
		g.add(iv)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return g.finish(attributes)
}

// Lifetimes makes survival labels of a fleet's days. The clock is the power-on
// time in hours (smart.Raw(9)), so that drives of one age are compared. A stretch
// ends when one of the attributes changes, when the drive fails, or when it is
// last seen; with none, each drive is one stretch. The day of the first reading
// counts as watched: a drive seen on one day only was watched for its 24 hours.
//
// open begins to read the days, asked for the attributes and the clock.
func Lifetimes(ctx context.Context, open func([]smart.Attribute) (Stream, error), attributes []smart.Attribute) (*Survival, error) {
	clock := smart.Raw(9)
	src, err := open(append(slices.Clone(attributes), clock))
	if err != nil {
		return nil, err
	}
	defer src.Close()
	l := &lifetimes{stretches: stretches{failed: map[string]bool{}}, open: map[string]*smart.Interval{}, width: len(attributes)}
	for {
		day, err := src.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		if l.at == nil {
			for _, a := range append(slices.Clone(attributes), clock) {
				l.at = append(l.at, slices.Index(src.Attributes(), a))
			}
			if l.at[l.width] < 0 {
				return nil, errs.New(errs.Invalid, "the data has no %s, which is the clock of lifetimes", clock)
			}
		}
		for i := range day.Readings {
			l.reading(&day.Readings[i])
		}
	}
	return l.close(attributes)
}

const hoursADay = 24

// lifetimes follows drives through their days.
type lifetimes struct {
	stretches
	open  map[string]*smart.Interval // the stretch at hand; Stop is where the drive was last seen
	order []string
	at    []int // positions of the attributes and the clock in a reading
	width int
	now   []float64
}

func (l *lifetimes) reading(r *smart.Reading) {
	if l.failed[r.Serial] {
		l.out.After++
		return
	}
	hours := r.Values[l.at[l.width]]
	iv := l.open[r.Serial]
	if iv == nil && !math.IsNaN(hours) {
		iv = &smart.Interval{Serial: r.Serial, Model: r.Model, Start: hours, Stop: hours + hoursADay}
		iv.Values = slices.Clone(l.values(r))
		l.open[r.Serial] = iv
		l.order = append(l.order, r.Serial)
	} else if iv == nil || math.IsNaN(hours) || hours < iv.Start {
		l.out.NoClock++
		if iv == nil {
			return
		}
	} else if values := l.values(r); hours > iv.Start {
		iv.Stop = max(iv.Stop, hours)
		if !slices.EqualFunc(values, iv.Values, same) {
			done := *iv
			done.Stop = hours
			l.add(&done)
			iv.Start, iv.Stop, iv.Values = hours, hours+hoursADay, slices.Clone(values)
		}
	}
	if r.Failed {
		iv.Event = true
		l.add(iv)
		delete(l.open, r.Serial)
	}
}

func (l *lifetimes) values(r *smart.Reading) []float64 {
	l.now = l.now[:0]
	for _, k := range l.at[:l.width] {
		v := math.NaN()
		if k >= 0 {
			v = r.Values[k]
		}
		l.now = append(l.now, v)
	}
	return l.now
}

func same(a, b float64) bool { return a == b || a != a && b != b }

func (l *lifetimes) close(attributes []smart.Attribute) (*Survival, error) {
	for _, serial := range l.order {
		if iv := l.open[serial]; iv != nil {
			l.add(iv)
			delete(l.open, serial)
		}
	}
	return l.finish(attributes)
}

// stretches gathers the rows.
type stretches struct {
	out    Survival
	values [][]float64
	failed map[string]bool // of each drive seen, whether it failed
}

func (g *stretches) add(iv *smart.Interval) {
	before, known := g.failed[iv.Serial]
	if before {
		g.out.After++
		return
	}
	if !known {
		g.out.Drives++
	}
	if g.failed[iv.Serial] = iv.Event; iv.Event {
		g.out.Failures++
	}
	g.out.Serial, g.out.Model = append(g.out.Serial, iv.Serial), append(g.out.Model, iv.Model)
	g.out.Entry, g.out.Time = append(g.out.Entry, iv.Start), append(g.out.Time, iv.Stop)
	g.out.Failed = append(g.out.Failed, iv.Event)
	g.values = append(g.values, iv.Values)
}

func (g *stretches) finish(attributes []smart.Attribute) (*Survival, error) {
	if len(g.out.Time) == 0 {
		return nil, errs.New(errs.Invalid, "there is no stretch of any drive's life in the data")
	}
	g.out.X = table.NewMatrix(len(g.values), len(attributes))
	for c, a := range attributes {
		g.out.X.Names = append(g.out.X.Names, a.String())
		for r, v := range g.values {
			g.out.X.Col(c)[r] = v[c]
		}
	}
	return &g.out, nil
}
