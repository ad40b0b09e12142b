package score

import (
	"errors"
	"runtime"
	"sync"
)

// Rows that one goroutine takes at least: fewer cost less than waking another.
const (
	alone          = 1024
	aloneExplained = 8
)

// spans calls do for parts of rows, side by side when there are many, and returns
// their failures. Every row is in one part.
func spans(rows, least int, do func(lo, hi int) error) error {
	parts := min(runtime.GOMAXPROCS(0), rows/least)
	if parts < 2 {
		return do(0, rows)
	}
	fail := make([]error, parts)
	var wg sync.WaitGroup
	for k := range parts {
		wg.Go(func() { fail[k] = do(rows*k/parts, rows*(k+1)/parts) })
	}
	wg.Wait()
	return errors.Join(fail...)
}
