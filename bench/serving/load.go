package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// request is a POST as it goes over the wire.
func request(path, contentType, body string) []byte {
	return []byte("POST " + path + " HTTP/1.1\r\nHost: bench\r\nContent-Type: " + contentType + "\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body)
}

// caller is one connection, kept while the server keeps it: gunicorn's plain workers
// end it after each answer.
type caller struct {
	addr string
	conn net.Conn // nil: dial first
	in   *bufio.Reader
}

func (c *caller) dial() (err error) {
	if c.conn == nil {
		c.conn, err = net.Dial("tcp", c.addr)
		c.in = bufio.NewReaderSize(c.conn, 64<<10)
	}
	return err
}

func (c *caller) hangUp() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// ask sends a request and reads the whole answer, which must be 200 and hold want.
func (c *caller) ask(req []byte, want string) error {
	if err := c.dial(); err != nil {
		return err
	}
	c.conn.SetDeadline(time.Now().Add(2 * time.Minute))
	if _, err := c.conn.Write(req); err != nil {
		return err
	}
	resp, err := http.ReadResponse(c.in, nil)
	if err != nil {
		return err
	}
	body, err := io.ReadAll(resp.Body)
	if resp.Close {
		c.hangUp()
	}
	switch {
	case err != nil:
		return err
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%s: %.300s", resp.Status, body)
	case !strings.Contains(string(body), want):
		return fmt.Errorf("an answer lacks %q: %.300s", want, body)
	}
	return nil
}

// loaded is what a load showed.
type loaded struct {
	took []time.Duration // ascending
	wall time.Duration
}

func (l loaded) rate() float64 { return float64(len(l.took)) / l.wall.Seconds() }

func (l loaded) quantile(q float64) time.Duration {
	return l.took[min(len(l.took)-1, int(q*float64(len(l.took))))]
}

// closed asks over n connections, each as fast as it is answered.
func closed(ctx context.Context, addr string, n int, d time.Duration, req []byte, want string) (loaded, error) {
	return load(addr, n, func(c *caller, _ int, note func(time.Duration)) error {
		for end := time.Now().Add(d); ctx.Err() == nil; {
			begin := time.Now()
			if begin.After(end) {
				return nil
			}
			if err := c.ask(req, want); err != nil {
				return err
			}
			note(time.Since(begin))
		}
		return ctx.Err()
	})
}

// steady asks rate times a second over n connections. A time counts from the moment
// at which a request was due, so that what waits behind a slow answer counts too; a
// connection that was idle counts from its sending, since timers wake late.
func steady(ctx context.Context, addr string, n, rate int, d time.Duration, req []byte, want string) (loaded, error) {
	start := time.Now().Add(10 * time.Millisecond)
	gap := time.Duration(n) * time.Second / time.Duration(rate)
	return load(addr, n, func(c *caller, k int, note func(time.Duration)) error {
		due := start.Add(gap * time.Duration(k) / time.Duration(n))
		for ; ctx.Err() == nil && due.Sub(start) < d; due = due.Add(gap) {
			begin := due
			if wait := time.Until(due); wait > 0 {
				time.Sleep(wait)
				begin = time.Now()
			}
			if err := c.ask(req, want); err != nil {
				return err
			}
			note(time.Since(begin))
		}
		return ctx.Err()
	})
}

func load(addr string, n int, ask func(c *caller, k int, note func(time.Duration)) error) (loaded, error) {
	all, faults := make([][]time.Duration, n), make([]error, n)
	begin := time.Now()
	var group sync.WaitGroup
	for k := range n {
		group.Go(func() {
			c := &caller{addr: addr}
			defer c.hangUp()
			faults[k] = ask(c, k, func(d time.Duration) { all[k] = append(all[k], d) })
		})
	}
	group.Wait()
	l := loaded{wall: time.Since(begin)}
	for _, took := range all {
		l.took = append(l.took, took...)
	}
	if err := errors.Join(faults...); err != nil {
		return l, err
	}
	if len(l.took) == 0 {
		return l, fmt.Errorf("nothing was answered")
	}
	slices.Sort(l.took)
	return l, nil
}
