package mlflow

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"sync"
	"time"

	"github.com/klauspost/compress/s2"

	"github.com/drivecast/drivecast/internal/tracking"
)

// settler keeps, in the store, the runs that nothing is logged to any more as
// searches answer them: a page of runs is then as many short reads as it has runs,
// rather than one for each metric, parameter and tag. What it keeps belongs to a
// Rev of a run, so that it is never taken for the run after a change.
type settler struct {
	h       *Handler
	cancel  context.CancelFunc
	stopped sync.WaitGroup
	seq     uint64               // of the feed, up to which changes were seen
	last    map[string]time.Time // runs that changed, and when
	asked   chan []string        // runs that a search had to make: others may have written them
}

// BodyForm tells apart what releases make of a run to keep it ready.
const BodyForm = "mlflow-runs-1"

const (
	settleBatch = 100                    // runs in one transaction
	settleTick  = 250 * time.Millisecond // between looks at what changed, at most

	// DefaultSettleAfter is how long a run must be unchanged to be kept ready.
	DefaultSettleAfter = 2 * time.Second
)

func (s *settler) start(h *Handler) {
	ctx, cancel := context.WithCancel(context.Background())
	s.h, s.cancel, s.last, s.seq = h, cancel, map[string]time.Time{}, h.Runs.Feed().Last()
	s.asked = make(chan []string, 4)
	s.stopped.Go(func() {
		s.sweep(ctx)
		s.follow(ctx)
	})
}

func (s *settler) stop() {
	s.cancel()
	s.stopped.Wait()
}

// sweep settles the runs of earlier processes.
func (s *settler) sweep(ctx context.Context) {
	for from := int64(0); ; {
		begin := time.Now()
		runs, next, err := s.h.cfg.Tracking.Unkept(ctx, BodyForm, from, settleBatch)
		if err == nil {
			err = s.keep(ctx, runs)
		}
		if err != nil {
			s.failed(ctx, err)
			return
		}
		if from = next; from == 0 || !s.rest(ctx, time.Since(begin)) {
			return
		}
	}
}

// follow settles runs some time after their last change, until the end.
func (s *settler) follow(ctx context.Context) {
	for {
		list, last, whole, more := s.h.Runs.Feed().After(s.seq, "")
		s.seq = last
		now := time.Now()
		for _, c := range list {
			s.last[c.RunID] = now
		}
		if !whole {
			s.sweep(ctx) // those that it does not reach are answered from what was logged
		}
		if len(s.last) == 0 && more != nil {
			select {
			case <-ctx.Done():
				return
			case <-s.h.cfg.Stopping:
				return
			case <-more:
			case ids := <-s.asked:
				s.note(ids)
			}
			continue
		}
		select {
		case ids := <-s.asked:
			s.note(ids)
		default:
		}
		if !s.rest(ctx, min(settleTick, s.h.cfg.SettleAfter)) {
			return
		}
		s.quiet(ctx, now)
	}
}

// made tells of the runs of a page that nothing was kept of. When there is much to
// do already, it is told when they are searched again.
func (s *settler) made(page []*tracking.Run) {
	var ids []string
	for _, r := range page {
		if r.Body == nil && !r.Bare {
			ids = append(ids, r.ID)
		}
	}
	select {
	case s.asked <- ids:
	default:
	}
}

func (s *settler) note(ids []string) {
	for _, id := range ids {
		if _, ok := s.last[id]; !ok {
			s.last[id] = time.Now()
		}
	}
}

// quiet settles the runs whose last change is long enough ago.
func (s *settler) quiet(ctx context.Context, now time.Time) {
	var ids []string
	flush := func() {
		begin := time.Now()
		runs, err := s.h.cfg.Tracking.WholeRuns(ctx, ids)
		if err == nil {
			err = s.keep(ctx, runs)
		}
		if err != nil {
			s.failed(ctx, err)
		}
		ids = ids[:0]
		s.rest(ctx, time.Since(begin))
	}
	for id, at := range s.last {
		if now.Sub(at) < s.h.cfg.SettleAfter {
			continue
		}
		delete(s.last, id)
		if ids = append(ids, id); len(ids) == settleBatch {
			flush()
		}
	}
	if len(ids) > 0 {
		flush()
	}
}

func (s *settler) keep(ctx context.Context, runs []*tracking.Run) error {
	if len(runs) == 0 {
		return nil
	}
	bodies := make([]tracking.Body, len(runs))
	var e encoder
	for i, r := range runs {
		e.b = e.b[:0]
		e.raw(`{"info":`)
		e.runInfo(&r.RunInfo)
		start := len(e.b)
		e.runBody(r)
		bodies[i] = tracking.Body{RunID: r.ID, Rev: r.Rev, Body: pack(e.b[start:])}
	}
	return s.h.cfg.Tracking.KeepBodies(ctx, BodyForm, bodies)
}

// failed says that runs were not settled: searches are slower then, not wrong.
func (s *settler) failed(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.h.cfg.Logger.Warn("runs are not kept ready for searches", "error", err)
	}
}

// rest waits; it reports whether to go on.
func (s *settler) rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-s.h.cfg.Stopping:
		return false
	case <-time.After(d):
		return true
	}
}

// pack makes what the store keeps of an encoded run: a checksum and the text,
// compressed.
func pack(text []byte) []byte {
	out := make([]byte, 4, 4+s2.MaxEncodedLen(len(text)))
	packed := s2.Encode(out[4:cap(out)], text)
	binary.LittleEndian.PutUint32(out, crc32.Checksum(packed, castagnoli))
	return slices.Clone(out[:4+len(packed)])
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// intact reports whether a body is as pack made it.
func intact(body []byte) bool {
	return len(body) > 4 && binary.LittleEndian.Uint32(body) == crc32.Checksum(body[4:], castagnoli)
}

// unpack appends what pack was given.
func (e *encoder) unpack(body []byte) {
	n, err := s2.DecodedLen(body[4:])
	if err == nil {
		e.b = slices.Grow(e.b, n)
		_, err = s2.Decode(e.b[len(e.b):cap(e.b)], body[4:])
		e.b = e.b[:len(e.b)+n]
	}
	if err != nil {
		panic("mlflow: a body with a good checksum does not unpack: " + err.Error())
	}
}

// mend reads the runs of a page anew whose kept bodies are damaged.
func (h *Handler) mend(ctx context.Context, page []*tracking.Run) (err error) {
	for i, r := range page {
		if r.Body == nil || intact(r.Body) {
			continue
		}
		h.cfg.Logger.Warn("a kept run is damaged and is read anew", "run", r.ID)
		if page[i], err = h.cfg.Tracking.Run(ctx, r.ID); err != nil {
			return err
		}
	}
	return nil
}
