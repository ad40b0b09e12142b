package reduce

import (
	"crypto/subtle"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// maxBody bounds a vector: 32,768 columns of 256 bins.
const maxBody = 64 << 20

// Coordinator combines the vectors of a fixed number of processes. It is an
// http.Handler and safe for concurrent use.
type Coordinator struct {
	parties  int
	token    string
	patience time.Duration

	mu    sync.Mutex
	turns map[int]*turn // the one under way and the one before it
	dead  chan struct{} // closed when the fit has failed
	fault string
}

// turn is one exchange.
type turn struct {
	op     string
	words  int
	seen   []bool
	left   int
	sums   []int64
	tops   []float64
	answer []byte
	done   chan struct{}
}

// NewCoordinator returns the coordinator of so many processes. Requests must carry
// the token as a bearer token unless it is empty. A turn fails when a process is
// not heard of for patience after the first one was; 0 stands for ten minutes.
func NewCoordinator(parties int, token string, patience time.Duration) (*Coordinator, error) {
	if parties < 1 || parties > 1<<16 {
		return nil, errs.New(errs.Invalid, "%d processes cannot be coordinated", parties)
	}
	if patience <= 0 {
		patience = 10 * time.Minute
	}
	return &Coordinator{parties: parties, token: token, patience: patience, turns: map[int]*turn{}, dead: make(chan struct{})}, nil
}

// ServeHTTP takes part in a turn, or ends the fit.
func (c *Coordinator) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	given, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	if c.token != "" && subtle.ConstantTimeCompare([]byte(given), []byte(c.token)) != 1 {
		http.Error(w, "the token of this fit is missing or wrong", http.StatusUnauthorized)
		return
	}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	rank, err := strconv.Atoi(r.URL.Query().Get("rank"))
	if err != nil || rank < 0 || rank >= c.parties {
		http.Error(w, "rank must be from 0 to "+strconv.Itoa(c.parties-1), http.StatusBadRequest)
		return
	}
	switch {
	case r.Method != http.MethodPost:
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
	case len(parts) == 1 && parts[0] == "abort":
		why, _ := io.ReadAll(io.LimitReader(r.Body, 1000))
		c.abort("process " + strconv.Itoa(rank) + " gave up: " + string(why))
	case len(parts) == 3 && parts[0] == "turns" && (parts[2] == "sum" || parts[2] == "max"):
		n, err := strconv.Atoi(parts[1])
		if err != nil || n < 0 {
			http.Error(w, "the turn is no number", http.StatusBadRequest)
			return
		}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil || len(body)%8 != 0 {
			http.Error(w, "the vector is too long, cut off or not of whole words", http.StatusBadRequest)
			return
		}
		c.take(w, r, n, rank, parts[2], body)
	default:
		http.NotFound(w, r)
	}
}

// abort fails this and every later turn.
func (c *Coordinator) abort(why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault == "" {
		c.fault = why
		close(c.dead)
	}
}

// take adds the vector to the turn and answers when all have come.
func (c *Coordinator) take(w http.ResponseWriter, r *http.Request, n, rank int, op string, body []byte) {
	t, wrong := c.join(n, rank, op, body)
	if wrong != "" {
		c.abort(wrong)
	} else {
		wait := time.NewTimer(c.patience)
		defer wait.Stop()
		select {
		case <-t.done:
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Write(t.answer)
			return
		case <-r.Context().Done():
			return
		case <-c.dead:
		case <-wait.C:
			c.abort("turn " + strconv.Itoa(n) + ": no word of " + c.absent(t) + " for " + c.patience.String())
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	http.Error(w, c.fault, http.StatusConflict)
}

// join adds a vector to turn n and returns the turn, or what is wrong.
func (c *Coordinator) join(n, rank int, op string, body []byte) (t *turn, wrong string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.fault != "" {
		return nil, c.fault
	}
	t = c.turns[n]
	if t == nil {
		if before := c.turns[n-1]; n > 0 && (before == nil || before.left > 0) || c.turns[n+1] != nil || n == 0 && len(c.turns) > 0 {
			return nil, "process " + strconv.Itoa(rank) + " is out of step at turn " + strconv.Itoa(n)
		}
		t = &turn{op: op, words: len(body) / 8, seen: make([]bool, c.parties), left: c.parties, done: make(chan struct{})}
		c.turns[n] = t
		delete(c.turns, n-2)
	}
	if t.op != op || t.words != len(body)/8 {
		return nil, "turn " + strconv.Itoa(n) + ": process " + strconv.Itoa(rank) + " sends " + strconv.Itoa(len(body)/8) + " words to " + op +
			", others " + strconv.Itoa(t.words) + " to " + t.op + "; do all have the same columns and parameters?"
	}
	if t.seen[rank] {
		return t, ""
	}
	t.seen[rank] = true
	t.left--
	t.add(body)
	if t.left == 0 {
		t.answer = t.encode()
		t.sums, t.tops = nil, nil
		close(t.done)
	}
	return t, ""
}

func (c *Coordinator) absent(t *turn) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out []string
	for rank, seen := range t.seen {
		if !seen {
			out = append(out, strconv.Itoa(rank))
		}
	}
	return "process " + strings.Join(out, ", ")
}

func (t *turn) add(body []byte) {
	first := t.sums == nil && t.tops == nil
	switch {
	case first && t.op == "sum":
		t.sums = make([]int64, t.words)
	case first:
		t.tops = make([]float64, t.words)
	}
	for i := range t.words {
		word := binary.LittleEndian.Uint64(body[8*i:])
		switch {
		case t.op == "sum":
			t.sums[i] += int64(word)
		case first:
			t.tops[i] = math.Float64frombits(word)
		default:
			t.tops[i] = max(t.tops[i], math.Float64frombits(word))
		}
	}
}

func (t *turn) encode() []byte {
	out := make([]byte, 0, 8*t.words)
	for _, v := range t.sums {
		out = binary.LittleEndian.AppendUint64(out, uint64(v))
	}
	for _, v := range t.tops {
		out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
	}
	return out
}
