package table

import (
	"context"
	"io"
)

// readAhead reads a stream in a goroutine of its own, so that unpacking and
// parsing run side by side, and ends with ctx.
type readAhead struct {
	ctx    context.Context
	full   chan piece
	empty  chan []byte
	stop   chan struct{}
	exited chan struct{}
	now    piece
	rest   []byte
}

type piece struct {
	data []byte
	err  error
}

func newReadAhead(ctx context.Context, r io.Reader) *readAhead {
	a := &readAhead{ctx: ctx, full: make(chan piece, 4), empty: make(chan []byte, 4),
		stop: make(chan struct{}), exited: make(chan struct{})}
	for range cap(a.empty) {
		a.empty <- make([]byte, 256<<10)
	}
	go a.run(r)
	return a
}

func (a *readAhead) run(r io.Reader) {
	defer close(a.exited)
	for {
		var buf []byte
		select {
		case buf = <-a.empty:
		case <-a.stop:
			return
		}
		n, err := 0, error(nil)
		for n < len(buf) && err == nil {
			var more int
			more, err = r.Read(buf[n:])
			n += more
		}
		select {
		case a.full <- piece{buf[:n], err}:
		case <-a.stop:
			return
		}
		if err != nil {
			return
		}
	}
}

// Read returns the next bytes.
func (a *readAhead) Read(p []byte) (int, error) {
	for len(a.rest) == 0 {
		if a.now.err != nil {
			return 0, a.now.err
		}
		if a.now.data != nil {
			a.empty <- a.now.data[:cap(a.now.data)]
		}
		select {
		case a.now = <-a.full:
			a.rest = a.now.data
		case <-a.ctx.Done():
			return 0, a.ctx.Err()
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// Close ends the goroutine; the stream may be closed after it.
func (a *readAhead) Close() error {
	close(a.stop)
	<-a.exited
	return nil
}
