package mlflow

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

// eventRoutes are our own: MLflow's pages poll.
var eventRoutes = []at{
	{"GET", "drivecast/events", inExperiment(auth.Read), "experiment_id!:string last_event_id:string", followRuns},
}

const (
	maxStreams = 500                    // that are open at a time
	gather     = 100 * time.Millisecond // changes within that time are told together
	heartbeat  = 15 * time.Second       // so that proxies keep an idle stream open
	streamLife = 10 * time.Minute       // then the client comes back and shows again who it is
	stalled    = 30 * time.Second       // a client that takes nothing for so long is gone
)

// followRuns streams what happens to the runs of an experiment, as server-sent
// events: "run" with {"run_id", "change"}, and "reset" when some were missed, so
// that everything should be read anew. Last-Event-ID resumes.
func followRuns(c *call) error {
	if n := c.h.streams.Add(1); n > maxStreams {
		c.h.streams.Add(-1)
		return errs.New(errs.Unavailable, "%d streams are open already; try again later", maxStreams)
	}
	defer c.h.streams.Add(-1)
	if _, err := c.h.Runs.Experiment(c.r.Context(), c.str("experiment_id")); err != nil {
		return err
	}
	s := &stream{call: c, out: http.NewResponseController(c.w), experiment: c.str("experiment_id")}
	header := c.w.Header()
	header.Set("Content-Type", "text/event-stream")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Accel-Buffering", "no")
	c.w.WriteHeader(http.StatusOK)
	s.run(s.resume())
	return nil
}

// stream is one follower.
type stream struct {
	*call
	out        *http.ResponseController
	experiment string
}

// resume returns where the client left off. An id of another run of this server
// means that changes were missed.
func (s *stream) resume() (seq uint64, missed bool) {
	id := s.r.Header.Get("Last-Event-ID")
	if id == "" {
		id = s.str("last_event_id")
	}
	last := s.h.Runs.Feed().Last()
	if id == "" {
		return last, false
	}
	boot, text, _ := strings.Cut(id, "-")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || boot != s.h.boot || n > last {
		return last, true
	}
	return n, false
}

func (s *stream) send(text string) bool {
	s.out.SetWriteDeadline(time.Now().Add(stalled)) // not every connection can; then the client's end must do
	if _, err := s.w.Write([]byte(text)); err != nil {
		return false
	}
	return s.out.Flush() == nil
}

func (s *stream) run(seq uint64, missed bool) {
	if !s.send(s.hello(seq, missed)) {
		return
	}
	end := time.NewTimer(streamLife)
	defer end.Stop()
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		list, last, whole, more := s.h.Runs.Feed().After(seq, s.experiment)
		if len(list) > 0 || !whole {
			if s.h.require(s.r.Context(), auth.Experiment, s.experiment, auth.Read) != nil || !s.tell(list, last, whole) {
				return
			}
		}
		seq = last
		select {
		case <-more: // nil while there may be more already
			if !s.pause(gather) {
				return
			}
		case <-beat.C:
			if s.h.require(s.r.Context(), auth.Experiment, s.experiment, auth.Read) != nil || !s.send(": alive\n\n") {
				return
			}
		case <-end.C:
			return
		case <-s.r.Context().Done():
			return
		case <-s.h.cfg.Stopping:
			return
		case <-after(more):
		}
	}
}

// after returns a channel that is ready at once when there is nothing to wait
// for.
func after(more <-chan struct{}) <-chan time.Time {
	if more != nil {
		return nil
	}
	return time.After(gather)
}

// pause waits, and reports whether to go on.
func (s *stream) pause(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-s.r.Context().Done():
	case <-s.h.cfg.Stopping:
	}
	return false
}

func (s *stream) hello(seq uint64, missed bool) string {
	text := fmt.Sprintf("retry: 2000\nid: %s-%d\n", s.h.boot, seq)
	if missed {
		return text + "event: reset\ndata: {}\n\n"
	}
	return text + "event: hello\ndata: {}\n\n"
}

// tell sends changes, or that there were too many.
func (s *stream) tell(list []tracking.Change, last uint64, whole bool) bool {
	if !whole {
		return s.send(fmt.Sprintf("id: %s-%d\nevent: reset\ndata: {}\n\n", s.h.boot, last))
	}
	var b strings.Builder
	for i, c := range list {
		seq := c.Seq
		if i == len(list)-1 {
			seq = last
		}
		fmt.Fprintf(&b, "id: %s-%d\nevent: run\ndata: {\"run_id\":%q,\"change\":%q}\n\n", s.h.boot, seq, c.RunID, c.What)
	}
	return s.send(b.String())
}
