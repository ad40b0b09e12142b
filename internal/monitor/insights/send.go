package insights

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Limits of a delivery: what cannot be sent within them is lost and said to be.
const (
	tries       = 4
	firstPause  = time.Second
	longestWait = 20 * time.Second // that a Retry-After is waited for
	batchItems  = 1000
	hops        = 5 // redirects to the region that a resource lives in
)

// Sender delivers items. It is safe for concurrent use.
type Sender struct {
	to    Connection
	http  *http.Client
	pause func(context.Context, time.Duration) error
	mu    sync.Mutex
	track string // where the endpoint has sent us, or to.Track
}

// NewSender makes a sender. client follows no redirects of its own accord: nil
// stands for one with a time limit. pause waits, nil stands for the clock.
func NewSender(to Connection, client *http.Client, pause func(context.Context, time.Duration) error) *Sender {
	one := http.Client{Timeout: 30 * time.Second}
	if client != nil {
		one = *client
	}
	one.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if pause == nil {
		pause = sleep
	}
	return &Sender{to: to, http: &one, pause: pause, track: to.Track}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Send delivers items in order. Those that the endpoint is too busy for are sent
// again, a bounded number of times; an error of kind Unavailable or Invalid says how many were lost
// and why.
func (s *Sender) Send(ctx context.Context, items []Item) error {
	for len(items) > 0 {
		n := min(len(items), batchItems)
		if err := s.batch(ctx, items[:n]); err != nil {
			return errs.Wrap(err, "send %d items to Application Insights", len(items))
		}
		items = items[n:]
	}
	return nil
}

// batch sends items until all are taken, refused for good, or the tries are used up.
func (s *Sender) batch(ctx context.Context, items []Item) error {
	wait := firstPause
	var last error
	for try := range tries {
		if try > 0 {
			if err := s.pause(ctx, wait); err != nil {
				return errs.New(errs.Unavailable, "%v; before that: %v", err, last)
			}
			wait = min(2*wait, longestWait)
		}
		r, err := s.post(ctx, items)
		switch {
		case err == nil && len(r.again) == 0:
			return r.refused
		case err == nil:
			items, last = r.again, r.busy
		case errs.KindOf(err) != errs.Unavailable:
			return err
		default:
			last = err
		}
		if r.wait > 0 {
			wait = min(r.wait, longestWait)
		}
	}
	return last
}

// receipt is what became of a delivery.
type receipt struct {
	again   []Item        // to be sent again
	wait    time.Duration // that the endpoint asked for
	busy    error         // why again
	refused error         // what it will never take
}

// answer is the endpoint's.
type answer struct {
	Errors []struct {
		Index   int    `json:"index"`
		Status  int    `json:"statusCode"`
		Message string `json:"message"`
	} `json:"errors"`
}

func (s *Sender) post(ctx context.Context, items []Item) (receipt, error) {
	body, err := packed(items)
	if err != nil {
		return receipt{}, err
	}
	for range hops {
		at := s.address()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, bytes.NewReader(body))
		if err != nil {
			return receipt{}, err
		}
		req.Header.Set("Content-Type", "application/x-json-stream")
		req.Header.Set("Content-Encoding", "gzip")
		resp, err := s.http.Do(req)
		if err != nil {
			s.moved(at, s.to.Track) // a region that is gone is not asked again
			return receipt{}, errs.New(errs.Unavailable, "%v", err)
		}
		text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		resp.Body.Close()
		if resp.StatusCode == http.StatusTemporaryRedirect || resp.StatusCode == http.StatusPermanentRedirect {
			if s.moved(at, resp.Header.Get("Location")) {
				continue
			}
		}
		if err != nil {
			return receipt{}, errs.New(errs.Unavailable, "read the answer: %v", err)
		}
		return read(resp, text, items)
	}
	return receipt{}, errs.New(errs.Unavailable, "the ingestion endpoint redirects in a circle")
}

// read tells what the endpoint's answer means for items.
func read(resp *http.Response, text []byte, items []Item) (r receipt, err error) {
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		r.wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(resp.Header.Get("Retry-After")); err == nil {
		r.wait = max(time.Until(at), 0)
	}
	var a answer
	switch resp.StatusCode {
	case http.StatusOK:
		return r, nil
	case http.StatusPartialContent:
		if err := json.Unmarshal(text, &a); err != nil {
			return r, errs.New(errs.Invalid, "the ingestion endpoint took a part and does not say which")
		}
	default:
		kind := errs.Invalid
		if again(resp.StatusCode) {
			kind = errs.Unavailable
		}
		return r, errs.New(kind, "%s answers %s: %.200s", resp.Request.URL.Host, resp.Status, strings.TrimSpace(string(text)))
	}
	for _, e := range a.Errors {
		if e.Index < 0 || e.Index >= len(items) {
			continue
		}
		why := fmt.Errorf("%s answers %d: %.200s", resp.Request.URL.Host, e.Status, e.Message)
		if again(e.Status) {
			r.again, r.busy = append(r.again, items[e.Index]), errs.New(errs.Unavailable, "%v", why)
		} else {
			r.refused = errs.New(errs.Invalid, "%v", why)
		}
	}
	return r, nil
}

// again reports whether a status may pass. 439 is a daily quota by another name and
// does not.
func again(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

func (s *Sender) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.track
}

// moved takes the address of a redirect for this and later deliveries, unless it
// leaves https.
func (s *Sender) moved(from, to string) bool {
	base, err1 := url.Parse(from)
	u, err2 := url.Parse(to)
	if err1 != nil || err2 != nil || to == "" {
		return false
	}
	if u = base.ResolveReference(u); base.Scheme == "https" && u.Scheme != "https" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.track = u.String()
	return true
}

// packed is one JSON text a line, compressed.
func packed(items []Item) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	e := json.NewEncoder(z)
	for i := range items {
		if err := e.Encode(&items[i]); err != nil {
			return nil, err
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
