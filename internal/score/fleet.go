package score

import (
	"context"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/forecast"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// Fleet scores the days of a fleet. Its memory grows with the drives of a day and
// of the history, not with the days.
type Fleet struct {
	fold   *feature.Fold
	answer func(dst []forecast.Answer, x []float64, drives []forecast.Drive)

	answers []forecast.Answer
	drives  []forecast.Drive
	order   []int
	Rows    int // written so far

	// Reasons is of how many drives a day, the riskiest first, it is told what sets
	// them apart from a typical drive: in First, and with Why in a last column.
	Reasons int
	Why     bool
	First   []Ranked // of the last day that was written, as many as Reasons
	why     *reasons
	told    map[int]string // by row, of the day in hand
}

// NewFleet makes ready to score with m, whose features are those of spec, and the
// history in fold. A forecast answers with intervals and may abstain; the bounds
// of another classifier are missing. Errors are of kind Invalid when model and
// history do not fit, Unsupported when m is no classifier of two classes.
func NewFleet(m *model.Model, fold *feature.Fold) (f *Fleet, err error) {
	f = &Fleet{fold: fold}
	if c, ok := m.Estimator.(*forecast.Model); ok {
		if !sameSpec(c.Spec, fold.Spec()) {
			return nil, errs.New(errs.Invalid, "the history was kept for other features than the model's; name another file with --state, or remove it")
		}
		fast := fastForecast(c)
		f.answer = fast.Answers
		f.why, err = newReasons(c.Spec, fast.LogOdds)
		return f, err
	}
	if m.Outputs() != 2 {
		return nil, errs.New(errs.Unsupported, "a model that ranks drives is a classifier of two classes; this one has %d", m.Outputs())
	}
	if !slices.Equal(m.Columns(), fold.Names()) {
		return nil, errs.New(errs.Invalid, "the model's columns are not the features that its folder names")
	}
	fast := compiled(m.Estimator)
	f.answer = func(dst []forecast.Answer, x []float64, _ []forecast.Drive) {
		p := make([]float64, 2*len(dst))
		fast.Scores(p, x)
		for i := range dst {
			v := p[2*i+1]
			dst[i] = forecast.Answer{Probability: v, Low: math.NaN(), High: math.NaN(), Risk: strings.ToLower(m.Risk.Level(v))}
		}
	}
	f.why, err = newReasons(fold.Spec(), logOddsOf(fast.Scores))
	return f, err
}

func sameSpec(a, b feature.Spec) bool {
	return a.Version == b.Version && a.Memory == b.Memory && slices.Equal(a.Attributes, b.Attributes)
}

// fastForecast returns the same forecast with members in their fastest form.
func fastForecast(m *forecast.Model) *forecast.Model {
	out := *m
	out.Members = slices.Clone(m.Members)
	for i := range out.Members {
		if e, ok := out.Members[i].Scorer.(model.Estimator); ok {
			out.Members[i].Scorer = compiled(e)
		}
	}
	return &out
}

// Follow takes all days of src into the history and writes, as CSV, one row for
// each drive and day between from and to (0: no bound), riskiest first within a
// day. It returns an error of kind Invalid when there is no such day.
func (f *Fleet) Follow(ctx context.Context, src feature.Stream, from, to smart.Date, w io.Writer) error {
	if _, err := io.WriteString(w, strings.Join(f.columns(), ",")+"\n"); err != nil {
		return errs.Wrap(err, "write scores")
	}
	return f.follow(ctx, src, from, to, func(day *smart.Day, rows *feature.Rows) error { return f.write(day, rows, w) })
}

// FollowParquet is Follow with the same columns as Parquet; a missing number and
// an empty reason are null.
func (f *Fleet) FollowParquet(ctx context.Context, src feature.Stream, from, to smart.Date, w io.Writer) error {
	sheet := newSheet(f.columns())
	out, err := table.NewParquetWriter(w, sheet.Table)
	if err != nil {
		return err
	}
	err = f.follow(ctx, src, from, to, func(day *smart.Day, rows *feature.Rows) error {
		for at := 0; at < len(f.order); at += chunkRows {
			f.fill(sheet, day, rows, f.order[at:min(at+chunkRows, len(f.order))])
			if err := out.Append(sheet.Table); err != nil {
				return errs.Wrap(err, "write scores")
			}
		}
		f.Rows += len(f.order)
		return nil
	})
	if err != nil {
		return err
	}
	return errs.Wrap(out.Close(), "write scores")
}

func (f *Fleet) follow(ctx context.Context, src feature.Stream, from, to smart.Date, write func(*smart.Day, *feature.Rows) error) error {
	days := 0
	err := f.fold.Follow(ctx, src, from, to, func(day *smart.Day, rows *feature.Rows) error {
		days++
		f.rank(day, rows)
		f.told = f.because(day, rows)
		f.First = f.first(day, rows)
		return write(day, rows)
	})
	if err == nil && days == 0 {
		err = errs.New(errs.Invalid, "the data has no day from %s to %s; its last one is %s", orNone(from), orNone(to), f.fold.Today())
	}
	return err
}

func orNone(d smart.Date) string {
	if d == 0 {
		return "its end"
	}
	return d.String()
}

// chunkRows is how many vectors are scored at a time.
const chunkRows = 2048

// rank scores the drives of a day and puts them in order.
func (f *Fleet) rank(day *smart.Day, rows *feature.Rows) {
	n := len(rows.Reading)
	f.answers, f.drives, f.order = resized(f.answers, n), resized(f.drives, n), resized(f.order, n)
	for i, at := range rows.Reading {
		r := &day.Readings[at]
		f.drives[i], f.order[i] = forecast.Drive{Model: r.Model, Known: forecast.Known(r)}, i
	}
	width := len(f.fold.Names())
	var next sync.WaitGroup
	work := make(chan int)
	for range min(runtime.GOMAXPROCS(0), n/chunkRows+1) {
		next.Go(func() {
			for lo := range work {
				hi := min(lo+chunkRows, n)
				f.answer(f.answers[lo:hi], rows.X[lo*width:hi*width], f.drives[lo:hi])
			}
		})
	}
	for lo := 0; lo < n; lo += chunkRows {
		work <- lo
	}
	close(work)
	next.Wait()
	slices.SortFunc(f.order, func(a, b int) int {
		switch p, q := f.answers[a].Probability, f.answers[b].Probability; {
		case p > q:
			return -1
		case p < q:
			return 1
		}
		return strings.Compare(day.Readings[rows.Reading[a]].Serial, day.Readings[rows.Reading[b]].Serial)
	})
}

func resized[T any](v []T, n int) []T { return slices.Grow(v[:0], n)[:n] }
