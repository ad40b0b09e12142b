package storetest

import (
	"fmt"
	"sync"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/registry"
)

// moves wants a record of everything that happened to a model.
func moves(t *testing.T, b *bench) {
	c := registry.WithActor(t.Context(), registry.Actor{Who: "ann", Verified: true, Why: "better recall"})
	must(b.models.CreateModel(c, "m", "", nil))(t)
	for range 2 {
		b.version(t, "m", "")
	}
	before := b.clock.UnixMilli()
	ok(t, b.models.SetAlias(c, "m", "champion", "1"))
	first := b.clock.UnixMilli()
	ok(t, b.models.SetAlias(c, "m", "champion", "2"))
	must(b.models.StageVersion(c, "m", "1", "Staging", false))(t)
	must(b.models.StageVersion(c, "m", "2", "Staging", true))(t)
	ok(t, b.models.SetVersionTag(c, "m", "2", registry.Tag{Key: "gate", Value: "passed"}))
	must(b.models.RenameModel(c, "m", "n"))(t)
	ok(t, b.models.DeleteVersion(c, "n", "2"))
	same(t, "champion then", aliasAt(t, b, "n", first), "1 ann")
	if _, _, err := b.models.AliasAt(t.Context(), "n", "champion", before); !errs.Is(err, errs.NotFound) {
		t.Errorf("before the first champion: %v", err)
	}
	ok(t, b.models.DeleteModel(t.Context(), "n"))
	trail := must(b.models.History(t.Context(), "m"))(t)
	var got []string
	for _, m := range trail.Moves {
		got = append(got, fmt.Sprintf("%s:%s %d %s>%s %s", m.What, m.Key, m.Version, m.From, m.To, m.Who))
	}
	want := []string{
		"model: 0 >m ann", "version: 1 >s3://b/x ", "version: 2 >s3://b/x ", "alias:champion 1 >1 ann", "alias:champion 2 1>2 ann",
		"stage: 1 None>Staging ann", "stage: 1 Staging>Archived ann", "stage: 2 None>Staging ann", "tag:gate 2 >passed ann", "model: 0 m>n ann",
		"alias:champion 0 2> ann", "version: 2 s3://b/x> ann", "model: 0 n> ",
	}
	same(t, "moves", fmt.Sprintf("%q", got), fmt.Sprintf("%q", want))
	same(t, "intact", trail.Intact, true)
	same(t, "why", trail.Moves[3].Why, "better recall")
	_, err := b.models.History(t.Context(), "nobody")
	refused(t, err, errs.NotFound)
	movesTogether(t, b)
}

func aliasAt(t *testing.T, b *bench, name string, at int64) string {
	t.Helper()
	version, m, err := b.models.AliasAt(t.Context(), name, "champion", at)
	if err != nil || m == nil {
		t.Errorf("no champion: %v", err)
		return ""
	}
	return version + " " + m.Who
}

// movesTogether lets many move one alias: the chain of the record holds.
func movesTogether(t *testing.T, b *bench) {
	must(b.models.CreateModel(t.Context(), "busy", "", nil))(t)
	for range 3 {
		b.version(t, "busy", "")
	}
	var done sync.WaitGroup
	for i := range 6 {
		done.Go(func() {
			for j := range 5 {
				ok(t, b.models.SetAlias(t.Context(), "busy", "a", fmt.Sprint((i+j)%3+1)))
			}
		})
	}
	done.Wait()
	trail := must(b.models.History(t.Context(), "busy"))(t)
	same(t, "intact", []any{trail.Intact, len(trail.Moves)}, []any{true, 4 + 30})
	last := trail.Moves[len(trail.Moves)-1]
	same(t, "the alias", fmt.Sprint(must(b.models.VersionByAlias(t.Context(), "busy", "a"))(t).Number), last.To)
	for i := 5; i < len(trail.Moves); i++ {
		if trail.Moves[i].From != trail.Moves[i-1].To {
			t.Errorf("move %d begins at %s, and the one before ended at %s", i, trail.Moves[i].From, trail.Moves[i-1].To)
		}
	}
}
