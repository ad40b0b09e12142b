package score

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// work is the memory of one request, kept for the next one.
type work struct {
	body, out []byte
	plan      *plan // of the model that was asked last
	head      int   // bytes of out that are JSON, when binary tensors follow; else 0
	req       request
	ans       answer
	h         *Handler
	claimed   int64 // bytes beyond the body's that count as scored
}

// spareSize is how much memory a finished request may leave for the next one.
const spareSize = 1 << 20

var busy = &fault{http.StatusServiceUnavailable, codeBusy, "The server is busy. Try again in a second.", ""}

// score answers one scoring request, within the limits of the configuration: a
// request takes a place among those scored once its body has come, so that slow
// senders cost memory and nothing else. refuse sends a fault in the words of the
// protocol.
func (h *Handler) score(w http.ResponseWriter, r *http.Request, s *served, t talk, refuse func(*fault, http.ResponseWriter)) {
	k := h.take()
	held, err := h.read(k, w, r)
	defer func() { h.buffered.Add(-held) }()
	var bad *fault
	switch {
	case errors.Is(err, errTooBusy):
		bad = busy
	case err != nil:
		status, code := statusOf(err)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			status = http.StatusRequestTimeout
		}
		bad = &fault{status, code, err.Error(), ""}
	default:
		if encoding := r.Header["Content-Encoding"]; encoding != nil && encoding[0] != "identity" {
			var more int64
			more, bad = h.inflate(k, encoding[0])
			held += more
		}
		if bad == nil {
			bad = h.dispatch(w, r, s, k, t)
		}
	}
	if bad != nil {
		switch bad.status {
		case http.StatusServiceUnavailable:
			w.Header().Set("Retry-After", "1")
		case http.StatusRequestEntityTooLarge, http.StatusRequestTimeout:
			w.Header().Set("Connection", "close")
		}
		refuse(bad, w)
	} else {
		head := w.Header()
		head["Content-Type"] = jsonType
		if k.head > 0 {
			head.Set("Content-Type", "application/octet-stream")
			head.Set(headerLength, strconv.Itoa(k.head))
		}
		head["Content-Length"] = []string{strconv.Itoa(len(k.out))}
		_, _ = w.Write(k.out)
	}
	h.keep(k)
}

var jsonType = []string{"application/json"}

// enter takes a place among the requests that are scored, for a body of size
// bytes, and reports whether there was one. Who entered leaves.
func (h *Handler) enter(size int64) bool {
	if h.running.Add(1) <= h.cfg.MaxConcurrent {
		if all := h.scored.Add(size); all <= h.cfg.MaxScored || all == size {
			return true
		}
		h.scored.Add(-size)
	}
	h.running.Add(-1)
	return false
}

func (h *Handler) leave(size int64) {
	h.scored.Add(-size)
	h.running.Add(-1)
}

// claim counts n more bytes as scored, or fails with errs.Exhausted when others hold
// too many.
func (k *work) claim(n int64) error {
	if k.h == nil {
		return nil
	}
	k.claimed += n
	if all := k.h.scored.Add(n); all > k.h.cfg.MaxScored && all != int64(len(k.body))+k.claimed {
		return errs.New(errs.Exhausted, "too many bytes are being scored")
	}
	return nil
}

// take returns memory for a request.
func (h *Handler) take() *work {
	if k, _ := h.spare.Get().(*work); k != nil {
		return k
	}
	return &work{}
}

// answer fills k.out with the answer to the body in k, when there is a place for
// it.
func (h *Handler) answer(s *served, k *work, t talk) (bad *fault) {
	size := int64(len(k.body))
	if !h.enter(size) {
		return busy
	}
	k.h, k.claimed = h, 0
	defer func() { h.leave(size + k.claimed) }()
	defer func() {
		if e := recover(); e != nil {
			h.cfg.Logger.Error("scoring panicked", "panic", fmt.Sprint(e), "stack", string(debug.Stack()))
			k.req = request{}
			bad = &fault{http.StatusInternalServerError, codeInternal, "The model failed on this input. This is a fault of the server.", ""}
		}
	}()
	p := s.plan.Load()
	k.prepare(p)
	return t.ask(p, k, t)
}

// keep gives the memory of a request to the next one, unless it grew large.
func (h *Handler) keep(k *work) {
	if cap(k.body)+cap(k.out)+8*cap(k.ans.x)+8*cap(k.ans.scores)+8*cap(k.ans.why)+k.req.frame.size() <= spareSize {
		h.spare.Put(k)
	}
}

// cells returns how many cells the table in a body of n bytes may have: gaps
// between the keys of objects make more than were sent.
func cells(n int) int { return n + 3*min(n, 8<<20) + 1<<16 }

var errTooBusy = errors.New("too many bytes in flight")

const (
	firstRead = 64 << 10 // bytes that are made room for before any of them has come
	progress  = 1 << 20  // bytes that must come within Config.Patience
)

// read reads the body into k and returns how many bytes it counted as held. Room
// is made as bytes come, whatever length is announced.
func (h *Handler) read(k *work, w http.ResponseWriter, r *http.Request) (held int64, err error) {
	tooLarge := errs.New(errs.TooLarge, "The request body is larger than %d bytes.", h.cfg.MaxBody)
	want := r.ContentLength
	if want > h.cfg.MaxBody {
		return 0, tooLarge
	}
	k.body = k.body[:0]
	limit := h.cfg.MaxBody + 1 // one more shows that it is too large
	if want >= 0 {
		limit = want
	}
	if held, err = h.grow(k, 0, min(limit, firstRead)); err != nil {
		return held, err
	}
	due := 0 // bytes that must have come before the deadline moves on
	for int64(len(k.body)) < limit {
		if len(k.body) == cap(k.body) {
			if held, err = h.grow(k, held, min(limit, 2*int64(cap(k.body)))); err != nil {
				return held, err
			}
		}
		n, err := r.Body.Read(k.body[len(k.body):min(int64(cap(k.body)), limit)])
		k.body = k.body[:len(k.body)+n]
		switch {
		case int64(len(k.body)) == want:
		case err == io.EOF && want < 0:
			limit = int64(len(k.body))
		case errors.Is(err, os.ErrDeadlineExceeded):
			return held, errs.New(errs.Invalid, "The request body came too slowly: %w", err)
		case err != nil:
			return held, errs.New(errs.Invalid, "The request body ended early.")
		case len(k.body) >= due:
			due = len(k.body) + progress
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(h.cfg.Patience)) // whoever has no deadlines waits
		}
	}
	if due > 0 {
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	if int64(len(k.body)) > h.cfg.MaxBody {
		return held, tooLarge
	}
	return held, nil
}

// grow makes room for n bytes and returns how many are held now.
func (h *Handler) grow(k *work, held, n int64) (int64, error) {
	if h.buffered.Add(n-held) > h.cfg.MaxBuffered {
		return n, errTooBusy
	}
	if int64(cap(k.body)) < n {
		k.body = append(make([]byte, 0, n), k.body...)
	}
	return n, nil
}
