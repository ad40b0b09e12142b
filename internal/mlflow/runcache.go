package mlflow

import (
	"container/list"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/drivecast/drivecast/internal/tracking"
)

// runCache keeps runs as they were last encoded, so that pages of runs that did
// not change are copied together. It is bounded in bytes; what was not used for
// longest goes first.
type runCache struct {
	mu    sync.Mutex
	byID  map[string]*list.Element
	used  list.List // of *encodedRun, the latest first
	bytes int
}

type encodedRun struct {
	id   string
	rev  int64
	body []byte // what follows the run's info
}

// maxRunCache bounds the bytes of the encoded runs that are kept.
const maxRunCache = 64 << 20

// get returns the encoded run when it is of that revision.
func (c *runCache) get(id string, rev int64) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byID[id]
	if e == nil {
		return nil
	}
	r := e.Value.(*encodedRun)
	if r.rev != rev {
		return nil
	}
	c.used.MoveToFront(e)
	return r.body
}

func (c *runCache) put(id string, rev int64, body []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byID == nil {
		c.byID = map[string]*list.Element{}
	}
	if e := c.byID[id]; e != nil {
		c.drop(e)
	}
	c.byID[id] = c.used.PushFront(&encodedRun{id, rev, body})
	for c.bytes += len(body); c.bytes > maxRunCache; {
		c.drop(c.used.Back())
	}
}

func (c *runCache) drop(e *list.Element) {
	r := e.Value.(*encodedRun)
	c.used.Remove(e)
	delete(c.byID, r.id)
	c.bytes -= len(r.body)
}

// page collects what a search needs of the cache: which runs are had, and their
// bodies even when the cache drops them meanwhile.
type page struct {
	cache  *runCache
	bodies map[string][]byte
}

func (p *page) have(id string, rev int64) bool {
	body := p.cache.get(id, rev)
	if body == nil {
		return false
	}
	p.bodies[id] = body
	return true
}

// room is about how many bytes the runs take, so that their buffer is made once.
func (p *page) room(runs []*tracking.Run) (n int) {
	const info = 700 // ids, names and places
	for _, r := range runs {
		n += info + len(p.bodies[r.ID])
		if r.Body != nil {
			if size, err := s2.DecodedLen(r.Body[4:]); err == nil {
				n += size
			}
		}
	}
	return n
}

// run writes a run, from the cache when the store returned it bare.
func (p *page) run(e *encoder, r *tracking.Run) {
	e.raw(`{"info":`)
	e.runInfo(&r.RunInfo)
	if r.Bare {
		e.b = append(e.b, p.bodies[r.ID]...)
		return
	}
	if r.Body != nil {
		e.unpack(r.Body)
		return
	}
	start := len(e.b)
	e.runBody(r)
	p.cache.put(r.ID, r.Rev, append([]byte(nil), e.b[start:]...))
}
