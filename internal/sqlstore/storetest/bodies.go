package storetest

import (
	"testing"

	"github.com/drivecast/drivecast/internal/tracking"
)

// keptBodies checks that a body is given only for the Rev and form that it was kept
// for, and that runs without one are found.
func keptBodies(t *testing.T, b *bench) {
	c := t.Context()
	store := b.store
	var ids []string
	for range 7 {
		ids = append(ids, b.run(t, "0", "r").ID)
	}
	unkept := func(form string, limit int) int {
		n := 0
		for from := int64(0); ; {
			runs, next, err := store.Unkept(c, form, from, limit)
			ok(t, err)
			if n += len(runs); next == 0 {
				return n
			}
			from = next
		}
	}
	search := func(form string) map[string]string {
		page, _, err := b.runs.SearchRuns(c, tracking.Search{ExperimentIDs: []string{"0"}, Form: form})
		ok(t, err)
		out := map[string]string{}
		for _, r := range page {
			if r.Body != nil && len(r.Tags) > 0 {
				t.Error("a run has both a body and tags")
			}
			out[r.ID] = string(r.Body)
		}
		return out
	}
	same(t, "unkept", []int{unkept("f", 100), unkept("f", 3)}, "[7 7]")
	runs, err := store.WholeRuns(c, append(ids[:3:3], "none"))
	ok(t, err)
	same(t, "whole", len(runs), "3")
	var bodies []tracking.Body
	for _, r := range runs {
		bodies = append(bodies, tracking.Body{RunID: r.ID, Rev: r.Rev, Body: []byte("body of " + r.ID)})
	}
	ok(t, store.KeepBodies(c, "f", append(bodies, tracking.Body{RunID: "none", Body: []byte("x")}, tracking.Body{RunID: ids[4], Rev: 99, Body: []byte("x")})))
	same(t, "unkept", []int{unkept("f", 100), unkept("f", 1), unkept("g", 2)}, "[4 4 7]")
	found := search("f")
	same(t, "bodies", []any{found[ids[0]] == "body of "+ids[0], found[ids[3]], found[ids[4]], len(found)}, "[true   7]")
	same(t, "another form, or none", []any{search("g")[ids[0]], search("")[ids[0]]}, "[ ]")
	ok(t, b.runs.Log(c, ids[0], tracking.Batch{Tags: []tracking.Tag{{Key: "k", Value: "v"}}}))
	same(t, "after a change", []any{search("f")[ids[0]], unkept("f", 100)}, "[ 5]")
	ok(t, store.KeepBodies(c, "f", bodies[:1])) // of the Rev before
	same(t, "a late body", search("f")[bodies[0].RunID] == "" || bodies[0].RunID != ids[0], "true")
}
