// Package progress shows people how far long work has come: a bar with rate and
// time left on a terminal, one quiet line a step elsewhere.
package progress

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// Reporter makes bars. Its methods are safe for concurrent use; bars of one
// reporter share the terminal's last line, the newest being drawn.
type Reporter struct {
	w     io.Writer
	live  bool // a terminal that can redraw its last line
	width int  // columns of the terminal
	now   func() time.Time

	mu    sync.Mutex
	drawn bool // a bar stands on the last line
	last  time.Time
}

// New returns a reporter that writes to w. When live is true, w is a terminal of
// the given width and bars are redrawn in place. now tells the time.
func New(w io.Writer, live bool, width int, now func() time.Time) *Reporter {
	if width < 40 {
		width = 80
	}
	return &Reporter{w: w, live: live, width: width, now: now}
}

// Silent returns a reporter that shows nothing.
func Silent() *Reporter { return New(io.Discard, false, 0, time.Now) }

// Line writes one line of text, above a bar that is being drawn.
func (r *Reporter) Line(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.erase()
	fmt.Fprintf(r.w, format+"\n", args...)
}

func (r *Reporter) erase() {
	if r.drawn {
		fmt.Fprint(r.w, "\r\x1b[K")
		r.drawn = false
	}
}

// Bar is one piece of work with a known or unknown total.
type Bar struct {
	r     *Reporter
	label string
	unit  string
	begin time.Time

	mu          sync.Mutex
	done, total int64
	over        bool
}

// Start begins a piece of work. total is in unit ("rows", "trees", "bytes"); 0
// means it is not known yet.
func (r *Reporter) Start(label, unit string, total int64) *Bar {
	return &Bar{r: r, label: label, unit: unit, total: total, begin: r.now()}
}

// Set says that done of total units are finished; it is cheap enough to be
// called often. A nil bar shows nothing.
func (b *Bar) Set(done, total int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.done, b.total = done, total
	b.mu.Unlock()
	b.draw()
}

// Add says that n more units are finished.
func (b *Bar) Add(n int64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	b.done += n
	b.mu.Unlock()
	b.draw()
}

// Done ends the work and leaves one line that says what was done in what time.
func (b *Bar) Done() {
	if b == nil {
		return
	}
	b.mu.Lock()
	over, done := b.over, b.done
	b.over = true
	b.mu.Unlock()
	if over {
		return
	}
	took := b.r.now().Sub(b.begin)
	if done == 0 {
		b.r.Line("%s in %s", b.label, short(took))
		return
	}
	b.r.Line("%s: %s in %s", b.label, amount(done, b.unit), short(took))
}

const redraw = 100 * time.Millisecond

func (b *Bar) draw() {
	r := b.r
	if !r.live {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if now.Sub(r.last) < redraw {
		return
	}
	r.last = now
	fmt.Fprint(r.w, "\r", b.text(now, r.width-1), "\x1b[K")
	r.drawn = true
}

// text is the bar as it stands at now, at most width columns wide.
func (b *Bar) text(now time.Time, width int) string {
	b.mu.Lock()
	done, total := b.done, b.total
	b.mu.Unlock()
	seconds := now.Sub(b.begin).Seconds()
	rate := 0.0
	if seconds > 0 {
		rate = float64(done) / seconds
	}
	tail := fmt.Sprintf(" %s/s", amount(int64(rate), b.unit))
	if total <= 0 {
		return clip(fmt.Sprintf("%s %s%s", b.label, amount(done, b.unit), tail), width)
	}
	share := min(float64(done)/float64(total), 1)
	if rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		tail += ", " + short(max(left, 0)) + " left"
	}
	head := fmt.Sprintf("%s %3.0f%% ", b.label, share*100)
	cells := min(30, width-len(head)-len(tail)-2)
	if cells < 5 {
		return clip(head+tail, width)
	}
	full := int(share * float64(cells))
	return head + "[" + strings.Repeat("#", full) + strings.Repeat(" ", cells-full) + "]" + tail
}

func clip(s string, width int) string { return s[:min(len(s), max(width, 0))] }

// amount writes n with thousands marks, or bytes in a fitting size.
func amount(n int64, unit string) string {
	if unit == "bytes" {
		v, i := float64(n), 0
		for v >= 1000 && i < 4 {
			v, i = v/1000, i+1
		}
		return fmt.Sprintf("%.3g %s", v, [...]string{"B", "kB", "MB", "GB", "TB"}[i])
	}
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s + " " + unit
}

func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}
