package score

import (
	"bytes"
	"context"
	"encoding/hex"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/drivecast/drivecast/internal/score/route"
)

// Headers of requests and answers of a server with routes or an inference log.
const (
	headerRoute = "X-Drivecast-Route" // asks for a route; says which one answered
	headerKey   = "X-Drivecast-Key"   // the drive's id, for bodies that do not hold it
	headerID    = "X-Correlation-Id"
)

// talk is how a protocol has a model answer the body of a request, and how it finds a
// drive's id there: the value of a column in the first row, or "".
type talk struct {
	*protocol
	kind    string // of the body: its Content-Type, or the length of its JSON
	version string // that is asked for, or ""
}

// protocol is what differs between the ways to ask.
type protocol struct {
	ask func(p *plan, k *work, t talk) *fault
	key func(p *plan, k *work, t talk, column string) string
}

// shadowed is a request that a route is asked beside the one that answered.
type shadowed struct {
	route *route.Route
	body  []byte
	talk  talk
	told  told
	rec   *route.Record // nil: not sampled
}

// told is what was answered, for comparison.
type told struct {
	decisions []string
	scores    []float64
}

const (
	shadowQueue = 256      // requests that wait for the shadows
	shadowBytes = 64 << 20 // of bodies
)

// dispatch has a request answered: by the model that it is for, or by the route that
// it belongs to.
func (h *Handler) dispatch(w http.ResponseWriter, r *http.Request, s *served, k *work, t talk) *fault {
	split := h.cfg.Router != nil && s == h.models.Load().order[0]
	if h.cfg.Log == nil && !split {
		bad := h.answer(s, k, t)
		tell(r, k, "", "", bad)
		return bad
	}
	id := correlation(r.Header)
	w.Header()[headerID] = []string{id}
	if !split {
		begin := time.Now()
		bad := h.answer(s, k, t)
		tell(r, k, "", id, bad)
		if bad == nil && h.cfg.Log.Wants(id) {
			h.cfg.Log.Put(k.record(id, "", h.cfg.Log.Key(), begin, time.Since(begin)))
		}
		return bad
	}
	return h.routed(w, r, s, k, t, id)
}

// routed has a request answered by its route. A challenger that fails leaves the
// answer to the champion, unless a header asked for the challenger.
func (h *Handler) routed(w http.ResponseWriter, r *http.Request, champion *served, k *work, t talk, id string) *fault {
	router := h.cfg.Router
	key := r.Header.Get(headerKey)
	if key == "" {
		size := int64(len(k.body)) // reading takes a place as scoring does
		if !h.enter(size) {
			return busy
		}
		key = h.keyOf(champion, k, t)
		h.leave(size)
	}
	sticky := key
	if sticky == "" {
		sticky = string(k.body) // the same question has the same answer
	}
	rt := router.Pick(sticky)
	name := r.Header.Get(headerRoute)
	if name != "" {
		forced, err := router.Named(name)
		if err != nil {
			return badRequest(err.Error())
		}
		rt = forced
	}
	begin := time.Now()
	bad, took := h.on(h.target(rt, champion), k, t)
	switch {
	case rt.Name == route.Champion || name != "":
		router.Observe(rt, false, took, bad != nil && bad.status >= 500 && bad != busy)
	case bad != nil && bad != busy:
		failed, why := rt, bad
		rt = router.Routes()[0]
		var more time.Duration
		bad, more = h.on(champion, k, t)
		router.Observe(failed, false, took, bad == nil && why.status != http.StatusNotFound)
		router.Observe(rt, false, more, bad != nil && bad.status >= 500 && bad != busy)
		took = more
	case bad == nil:
		router.Observe(rt, false, took, false)
	}
	w.Header()[headerRoute] = []string{rt.Name}
	tell(r, k, rt.Name, id, bad)
	if bad != nil {
		return bad
	}
	var rec *route.Record
	if h.cfg.Log != nil && h.cfg.Log.Wants(id) {
		rec = k.record(id, rt.Name, router.Key(), begin, took)
		if rec.Key = key; key == "" {
			rec.Key = id
		}
		h.cfg.Log.Put(rec)
	}
	var buf [4]*route.Route
	for _, beside := range router.Shadows(buf[:0], sticky, rt) {
		h.shadow(beside, k, t, rec)
	}
	return nil
}

// target returns the model of a route; the champion's while the challenger has none.
func (h *Handler) target(rt *route.Route, champion *served) *served {
	if s := h.models.Load().byName[rt.Name]; s != nil && rt.Name != route.Champion {
		return s
	}
	return champion
}

// on asks a model and measures how long it took.
func (h *Handler) on(s *served, k *work, t talk) (*fault, time.Duration) {
	begin := time.Now()
	bad := h.answer(s, k, t)
	return bad, time.Since(begin)
}

// keyOf finds the drive's id in the body.
func (h *Handler) keyOf(s *served, k *work, t talk) (key string) {
	defer func() {
		if recover() != nil { // the same body fails again where failures are answered
			key = ""
		}
	}()
	p := s.plan.Load()
	k.prepare(p)
	return t.key(p, k, t, h.cfg.Router.Key())
}

// shadow queues a question for a route that does not answer. What does not fit is
// dropped: an answer never waits for a shadow.
func (h *Handler) shadow(rt *route.Route, k *work, t talk, rec *route.Record) {
	if h.waiting.Add(int64(len(k.body))) > shadowBytes {
		h.waiting.Add(-int64(len(k.body)))
		rt.Drop()
		return
	}
	job := shadowed{route: rt, body: bytes.Clone(k.body), talk: t, told: told{k.decisions(), k.lastScores()}, rec: rec}
	select {
	case h.shadows <- job:
	default:
		h.waiting.Add(-int64(len(k.body)))
		rt.Drop()
	}
}

// RunShadows asks shadows what the routes were asked, one question at a time, until
// ctx ends. Without it they are asked nothing.
func (h *Handler) RunShadows(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case job := <-h.shadows:
			h.compare(job)
			h.waiting.Add(-int64(len(job.body)))
		}
	}
}

// compare asks a shadow and compares its answer with the one that was given.
func (h *Handler) compare(job shadowed) {
	s := h.models.Load().byName[job.route.Name]
	if s == nil {
		return
	}
	k := &work{body: job.body}
	p, begin := s.plan.Load(), time.Now()
	bad := h.quietly(p, k, job.talk)
	took := time.Since(begin)
	if bad != nil && bad.status == http.StatusNotFound {
		return // asked for a version that only the champion has
	}
	h.cfg.Router.Observe(job.route, true, took, bad != nil)
	if bad != nil {
		return
	}
	mine := told{k.decisions(), k.lastScores()}
	agreed, apart := 0, 0.0
	for i := range min(len(mine.decisions), len(job.told.decisions)) {
		if mine.decisions[i] == job.told.decisions[i] {
			agreed++
		}
		apart += abs(mine.scores[i] - job.told.scores[i])
	}
	job.route.Compare(len(mine.decisions), agreed, apart)
	if job.rec != nil {
		rec := k.record(job.rec.ID, job.route.Name, h.cfg.Router.Key(), job.rec.Time, took)
		rec.Shadow, rec.Key = true, job.rec.Key
		h.cfg.Log.Put(rec)
	}
}

// quietly asks a plan outside the places that requests have.
func (h *Handler) quietly(p *plan, k *work, t talk) (bad *fault) {
	defer func() {
		if r := recover(); r != nil {
			h.cfg.Logger.Error("a shadow failed on its input", "model", p.m.Source, "panic", r, "stack", string(debug.Stack()))
			bad = &fault{http.StatusInternalServerError, codeInternal, "The model failed on this input.", ""}
		}
	}()
	k.prepare(p)
	return t.ask(p, k, t)
}

func abs(v float64) float64 { return max(v, -v) }

// prepare clears what the last request left.
func (k *work) prepare(p *plan) {
	k.head, k.plan = 0, p
	k.req.reset()
	k.req.frame.names = p.known
	k.req.frame.limit = cells(len(k.body))
}

// decisions returns what the model said of each row, as JSON.
func (k *work) decisions() []string {
	p := k.plan
	out := make([]string, k.req.frame.rows)
	for r := range out {
		if p.m.Classifier() {
			out[r] = string(p.labels[k.ans.classes[r]])
		} else {
			out[r] = string(appendFloat(nil, k.ans.scores[r]))
		}
	}
	return out
}

// lastScores returns the probability of the last class of each row, or the value of a
// regressor.
func (k *work) lastScores() []float64 {
	n := k.plan.m.Outputs()
	out := make([]float64, k.req.frame.rows)
	for r := range out {
		out[r] = k.ans.scores[r*n+n-1]
	}
	return out
}

// record copies what was asked and answered for the log.
func (k *work) record(id, name, key string, at time.Time, took time.Duration) *route.Record {
	p, f := k.plan, &k.req.frame
	rec := &route.Record{
		Time: at, ID: id, Model: p.name, Version: p.version, Route: name, Took: took, Rows: f.rows,
		Decisions: k.decisions(), Scores: k.lastScores(), Chance: p.m.Classifier(),
	}
	for j := range f.cols {
		c := &f.cols[j]
		if len(c.nums) < f.rows {
			continue
		}
		in := route.Input{Name: c.name, Nums: slices.Clone(c.nums[:f.rows])}
		if in.Name == "" {
			in.Name = "x" + strconv.Itoa(j)
			if j < p.n {
				in.Name = p.nameOf(j)
			}
		}
		if c.texts != nil {
			in.Texts = make([]string, f.rows)
			for i := range f.rows {
				if in.Texts[i] = strings.Clone(c.texts[i]); in.Texts[i] == "" && c.nums[i] == c.nums[i] {
					in.Texts[i] = strconv.FormatFloat(c.nums[i], 'g', -1, 64)
				}
			}
		}
		rec.Inputs = append(rec.Inputs, in)
	}
	if rec.Keys = rec.Column(key); rec.Keys != nil {
		rec.Key = rec.Keys[0]
	}
	return rec
}

// first returns the value of the column in its first row as text, "" for none.
func (f *frame) first(name string) string {
	c := f.find(name, 0)
	switch {
	case c == nil || f.rows == 0 || len(c.nums) == 0:
		return ""
	case c.texts != nil && c.texts[0] != "":
		return c.texts[0]
	case c.nums[0] == c.nums[0]:
		return strconv.FormatFloat(c.nums[0], 'g', -1, 64)
	}
	return ""
}

// correlation returns the id that a request came with, or makes one.
func correlation(head http.Header) string {
	for _, name := range [...]string{"X-Ms-Request-Id", headerID, "X-Request-Id"} {
		if v := head.Get(name); v != "" && len(v) <= 128 && !strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) {
			return v
		}
	}
	if parts := strings.Split(head.Get("Traceparent"), "-"); len(parts) >= 4 && len(parts[1]) == 32 {
		if b, err := hex.DecodeString(parts[1]); err == nil && !bytes.Equal(b, make([]byte, 16)) {
			return parts[1]
		}
	}
	return route.NewID()
}

// tell adds to the span of a request what is known once it was answered.
func tell(r *http.Request, k *work, name, id string, bad *fault) {
	span, p := trace.SpanFromContext(r.Context()), k.plan
	if p == nil || !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("drivecast.model", p.name), attribute.String("drivecast.model.version", p.version), attribute.Int("drivecast.rows", k.req.frame.rows))
	if name != "" {
		span.SetAttributes(attribute.String("drivecast.route", name))
	}
	if id != "" {
		span.SetAttributes(attribute.String("drivecast.correlation_id", id))
	}
	if bad != nil {
		span.SetAttributes(attribute.String("error.type", bad.code))
	}
}
