package auth

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"
)

// Event is one line of the audit log: who did what, when, from where, and how it
// ended.
type Event struct {
	Time   int64  `json:"time"` // milliseconds since 1970
	User   string `json:"user"` // "" when nobody was recognised
	Via    string `json:"via"`  // how they showed who they are
	Token  string `json:"token,omitempty"`
	From   string `json:"from"`   // address of the client
	Action string `json:"action"` // method and path, or what a command did
	Target string `json:"target,omitempty"`
	Status int    `json:"status"` // HTTP status of the answer
}

// EventQuery chooses events; zero fields choose all.
type EventQuery struct {
	User, Action, Target string // Action and Target: what they contain
	Since, Until         int64  // milliseconds since 1970; Until is excluded
	Refused              bool   // only those with a status of 400 and above
	Limit                int    // 0 means 100; the newest come first
}

// Log writes events to a Store, some together, and to a stream of JSON lines,
// each at once. It is safe for concurrent use. What the store has not yet got
// when the process is killed (up to flushEvery) is in the stream.
type Log struct {
	store  Store
	logger *slog.Logger
	events chan Event
	done   chan struct{}
	mu     sync.Mutex // guards lines
	lines  io.Writer
}

const (
	flushEvery = 200 * time.Millisecond
	flushSize  = 200
)

// NewLog starts a log. lines may be nil. Close ends it.
func NewLog(store Store, lines io.Writer, logger *slog.Logger) *Log {
	l := &Log{store: store, lines: lines, logger: logger, events: make(chan Event, 4*flushSize), done: make(chan struct{})}
	go l.run()
	return l
}

// Add writes an event. It waits when the store is far behind rather than lose
// one.
func (l *Log) Add(e Event) {
	if l.lines != nil {
		if text, err := json.Marshal(e); err == nil {
			l.mu.Lock()
			_, err = l.lines.Write(append(text, '\n'))
			l.mu.Unlock()
			if err != nil {
				l.logger.Error("the audit file cannot be written", "error", err)
			}
		}
	}
	l.events <- e
}

// Close writes what is left. Add must not be called any more.
func (l *Log) Close() {
	close(l.events)
	<-l.done
}

func (l *Log) run() {
	defer close(l.done)
	var batch []Event
	var due <-chan time.Time // when the batch is written; nil while it is empty
	flush := func() {
		if len(batch) == 0 {
			return
		}
		if err := l.store.Record(context.Background(), batch); err != nil {
			l.logger.Error("events are missing from the audit log", "events", len(batch), "error", err)
		}
		batch, due = batch[:0], nil
	}
	for {
		select {
		case e, ok := <-l.events:
			if !ok {
				flush()
				return
			}
			if batch = append(batch, e); len(batch) >= flushSize {
				flush()
			} else if len(batch) == 1 {
				due = time.After(flushEvery)
			}
		case <-due:
			flush()
		}
	}
}
