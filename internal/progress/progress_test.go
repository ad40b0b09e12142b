package progress

import (
	"strings"
	"testing"
	"time"
)

type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func TestQuietWriterGetsOneLineAStep(t *testing.T) {
	var out strings.Builder
	c := &clock{time.Unix(0, 0)}
	r := New(&out, false, 0, c.now)
	b := r.Start("read", "rows", 10)
	for range 10 {
		b.Add(123456)
	}
	c.t = c.t.Add(1500 * time.Millisecond)
	b.Done()
	b.Done()
	if got, want := out.String(), "read: 1,234,560 rows in 1.5s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminalGetsBarWithRateAndTimeLeft(t *testing.T) {
	var out strings.Builder
	c := &clock{time.Unix(1, 0)}
	r := New(&out, true, 80, c.now)
	b := r.Start("grow", "trees", 100)
	c.t = c.t.Add(2 * time.Second)
	b.Set(25, 100)
	got := out.String()
	for _, want := range []string{"grow  25% [#######", "12 trees/s", "6s left"} {
		if !strings.Contains(got, want) {
			t.Errorf("bar %q lacks %q", got, want)
		}
	}
	r.Line("note")
	if !strings.HasSuffix(out.String(), "\r\x1b[Knote\n") {
		t.Errorf("a line must first erase the bar: %q", out.String())
	}
}

func TestBarNeverExceedsTheWidth(t *testing.T) {
	c := &clock{time.Unix(0, 0)}
	for width := 1; width < 120; width++ {
		r := New(&strings.Builder{}, true, width, c.now)
		b := r.Start("a rather long label", "bytes", 1e9)
		b.done = 5e8
		if got := b.text(c.t.Add(time.Second), width); len(got) > width {
			t.Errorf("width %d: %q has %d columns", width, got, len(got))
		}
	}
}

func TestAmount(t *testing.T) {
	for _, tt := range []struct {
		n    int64
		unit string
		want string
	}{
		{0, "rows", "0 rows"}, {999, "rows", "999 rows"}, {1000, "rows", "1,000 rows"}, {-1234567, "rows", "-1,234,567 rows"},
		{999, "bytes", "999 B"}, {1234567, "bytes", "1.23 MB"},
	} {
		if got := amount(tt.n, tt.unit); got != tt.want {
			t.Errorf("amount(%d, %s) = %q, want %q", tt.n, tt.unit, got, tt.want)
		}
	}
}
