package tracking

import (
	"context"
	"sync"
)

// Change says that something about a run is not as it was.
type Change struct {
	Seq          uint64 // grows by one with each change
	ExperimentID string
	RunID        string
	What         string // "created", "updated", "logged", "deleted" or "restored"
}

// Feed keeps the latest changes for whoever wants to follow them. It holds a
// fixed number of them and nothing for each follower: one that is too slow
// misses some and is told so. It is safe for concurrent use.
type Feed struct {
	mu    sync.Mutex
	ring  []Change
	last  uint64        // Seq of the newest change
	moved chan struct{} // closed at the next change; nil when nobody waits
}

// feedSize is how many changes are kept.
const feedSize = 4096

func (f *Feed) add(c Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.ring == nil {
		f.ring = make([]Change, feedSize)
	}
	f.last++
	c.Seq = f.last
	f.ring[c.Seq%feedSize] = c
	if f.moved != nil {
		close(f.moved)
		f.moved = nil
	}
}

// Last returns the Seq of the newest change.
func (f *Feed) Last() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// After returns the changes of an experiment, "" for all, behind seq, one for each run and the newest last;
// whole is false when some are not kept any more. When there is none, more is
// closed as soon as there is.
func (f *Feed) After(seq uint64, experimentID string) (list []Change, last uint64, whole bool, more <-chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if seq > f.last {
		return nil, f.last, false, nil
	}
	whole = f.last-seq <= feedSize
	seen := map[string]int{}
	for i := max(seq+1, f.last-min(f.last, feedSize)+1); i <= f.last; i++ {
		c := f.ring[i%feedSize]
		if experimentID != "" && c.ExperimentID != experimentID {
			continue
		}
		if at, ok := seen[c.RunID]; ok {
			c.What = merged(list[at].What, c.What)
			list[at].RunID = ""
		}
		seen[c.RunID] = len(list)
		list = append(list, c)
	}
	kept := list[:0]
	for _, c := range list {
		if c.RunID != "" {
			kept = append(kept, c)
		}
	}
	if len(kept) == 0 && whole {
		if f.moved == nil {
			f.moved = make(chan struct{})
		}
		more = f.moved
	}
	return kept, f.last, whole, more
}

// merged is what two changes of one run are together.
func merged(a, b string) string {
	if a == "created" && b != "deleted" {
		return a
	}
	return b
}

// Feed returns the changes of runs made through this service.
func (s *Service) Feed() *Feed { return &s.feed }

// changed tells the feed about a run, when err is nil. It returns err.
func (s *Service) changed(ctx context.Context, runID, what string, err error) error {
	if err != nil {
		return err
	}
	if id, err := s.ExperimentOf(ctx, runID); err == nil {
		s.feed.add(Change{ExperimentID: id, RunID: runID, What: what})
	}
	return nil
}
