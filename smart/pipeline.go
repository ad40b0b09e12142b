package smart

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// pipeline reads the units ahead, several at a time, and hands them over in
// order.
type pipeline struct {
	cancel context.CancelFunc
	queue  chan chan parsed // one a unit, in order
	done   atomic.Int64     // bytes taken from the disk
}

type parsed struct {
	p   *parser
	err error
}

func (s *Source) start(ctx context.Context) {
	ctx, cancel := context.WithCancel(ctx)
	workers := s.opt.Workers
	if workers <= 0 {
		workers = runtime.GOMAXPROCS(0)
	}
	s.pipe = &pipeline{cancel: cancel, queue: make(chan chan parsed, workers)}
	pipe := s.pipe
	count := func(n int64) { pipe.done.Add(n) }
	slots := make(chan struct{}, workers)
	units := s.units
	go func() {
		defer close(pipe.queue)
		for _, u := range units {
			result := make(chan parsed, 1)
			select {
			case pipe.queue <- result:
			case <-ctx.Done():
				return
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
				result <- parsed{err: ctx.Err()}
				return
			}
			go func() {
				p, err := s.parse(ctx, u, count)
				<-slots
				result <- parsed{p, err}
			}()
		}
	}()
}

func (s *Source) parse(ctx context.Context, u unit, count func(int64)) (*parser, error) {
	var p *parser
	select {
	case day := <-s.spent:
		p = newParser(s.has, u.date, 0, s.opt.Mapping)
		p.out, p.values, p.slab = day.Readings[:0], day.values, day.values
	default:
		p = newParser(s.has, u.date, int(s.expect.Load()), s.opt.Mapping)
	}
	for _, m := range u.files {
		if err := p.file(ctx, m, count); err != nil {
			return nil, err
		}
	}
	s.expect.Store(int64(len(p.out) + len(p.out)/64 + 1))
	files := len(p.out)
	for _, at := range u.spilled {
		if err := s.spool.get(p, at); err != nil {
			return nil, err
		}
	}
	for _, run := range u.from {
		p.runs = append(p.runs, FileRun{run.File, files + run.End})
	}
	p.out = append(p.out, u.loaded...)
	return p, nil
}

// Start begins to read days ahead, as the first Next does by itself.
func (s *Source) Start(ctx context.Context) {
	if s.pipe == nil && s.failed == nil {
		s.start(ctx)
	}
}

// Next returns the next day, or io.EOF after the last. When more rows than the
// stated share are bad, it ends with an error of kind Invalid that names the
// first of them: at the end, or on the way when it is plainly hopeless.
func (s *Source) Next(ctx context.Context) (*Day, error) {
	if s.failed != nil {
		return nil, s.failed
	}
	day, err := s.next(ctx)
	if err != nil {
		s.failed = err
		s.Close()
	}
	return day, err
}

func (s *Source) next(ctx context.Context) (*Day, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if s.pipe == nil {
		s.start(ctx)
	}
	if s.stats.Days == len(s.units) {
		if err := s.tooBad(s.opt.MaxBad); err != nil {
			return nil, err
		}
		return nil, io.EOF
	}
	var got parsed
	select {
	case result, ok := <-s.pipe.queue:
		if !ok {
			return nil, ctx.Err()
		}
		got = <-result
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if got.err != nil {
		return nil, got.err
	}
	u := &s.units[s.stats.Days]
	s.take(got.p)
	s.stats.Days++
	if s.opt.Progress != nil {
		s.opt.Progress(min(s.pipe.done.Load(), s.total), s.total)
	}
	u.loaded, u.from, u.spilled = nil, nil, nil
	if s.stats.Rows+s.stats.Bad > 10_000 {
		if err := s.tooBad(max(.5, s.opt.MaxBad)); err != nil {
			return nil, err
		}
	}
	return &Day{Date: u.date, Readings: got.p.out, Files: got.p.runs, values: got.p.slab}, nil
}

// Recycle takes back a day that Next gave, so that days to come need no new
// memory. Its readings must not be used any more; their texts may.
func (s *Source) Recycle(day *Day) {
	if len(day.values) < len(day.Readings)*len(s.has) {
		day.values = nil
	}
	select {
	case s.spent <- day:
	default:
	}
}

// take adds a parser's counts and hands over its bad rows.
func (s *Source) take(p *parser) {
	s.stats.Files += p.files
	s.stats.Rows += p.good
	s.stats.Bad += len(p.bad)
	for i := range p.bad {
		if s.stats.First == nil {
			s.stats.First = &p.bad[i]
		}
		if s.opt.Quarantine != nil {
			s.opt.Quarantine(p.bad[i])
		}
	}
}

func (s *Source) tooBad(share float64) error {
	if all := s.stats.Rows + s.stats.Bad; float64(s.stats.Bad) > share*float64(all) {
		return &errs.Input{File: s.stats.First.File, Row: s.stats.First.Line, Problem: fmt.Sprintf(
			"%s; %d of the %d rows read so far are bad, more than %.3g %%", s.stats.First.Reason, s.stats.Bad, all, 100*share),
			Mend: "mend the files, or allow a larger share of bad rows"}
	}
	return nil
}

// Close stops reading. It need not be called after an error or io.EOF.
func (s *Source) Close() {
	if s.pipe != nil {
		s.pipe.cancel()
	}
	if s.spool != nil {
		s.spool.close()
	}
}

// Filled reads the first, the middle and the last day of what Open found at
// path and returns those of the source's attributes that any drive reports.
func (s *Source) Filled(ctx context.Context) ([]Attribute, error) {
	seen := make([]bool, len(s.has))
	n := len(s.units)
	for _, i := range slices.Compact([]int{0, n / 2, n - 1}) {
		p, err := s.parse(ctx, s.units[i], nil)
		if err != nil {
			return nil, err
		}
		for _, r := range p.out {
			for k, v := range r.Values {
				seen[k] = seen[k] || v == v
			}
		}
	}
	var out []Attribute
	for k, a := range s.has {
		if seen[k] {
			out = append(out, a)
		}
	}
	return out, nil
}
