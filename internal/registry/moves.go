package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Actor is who changes the register, and why.
type Actor struct {
	Who      string // "" when nobody said
	Verified bool   // somebody checked that it is them
	Why      string // in the actor's words
}

type actorKey struct{}

// WithActor returns a context whose changes are recorded as the actor's.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorOf returns the actor of a context.
func ActorOf(ctx context.Context) Actor {
	a, _ := ctx.Value(actorKey{}).(Actor)
	return a
}

// What a Move is about.
const (
	MovedModel   = "model"   // From and To are names; "" is no model
	MovedVersion = "version" // To is where its files are; "" when it is deleted
	MovedAlias   = "alias"   // Key is the alias, From and To are versions; "" is none
	MovedStage   = "stage"   // of Version; From and To are stages
	MovedTag     = "tag"     // of Version; Key is the tag, From and To its values
)

// Move is one recorded change of a model.
type Move struct {
	Model    string `json:"model"` // its name at that time
	Time     int64  `json:"time"`  // milliseconds since 1970
	What     string `json:"what"`
	Key      string `json:"key,omitempty"`
	Version  int64  `json:"version,omitempty"`
	From     string `json:"from"`
	To       string `json:"to"`
	Who      string `json:"who"`
	Verified bool   `json:"verified"`
	Why      string `json:"why"`
	Digest   string `json:"digest"` // see Chain
}

// Chain returns the digest of a move that follows another of the same model, ""
// when it is the first: SHA-256 of both, so that a record that was changed,
// removed or put in between shows.
func Chain(previous string, m Move) (string, error) {
	m.Digest = previous
	text, err := json.Marshal(m)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

// Trail is the record of one model, oldest first.
type Trail struct {
	Moves  []Move `json:"moves"`
	Intact bool   `json:"intact"` // every digest follows from the one before
}

// History returns what happened to the model that has this name, or had it last.
func (s *Service) History(ctx context.Context, name string) (*Trail, error) {
	chains, err := s.store.Moves(ctx, name)
	if err != nil {
		return nil, err
	}
	if len(chains) == 0 {
		if _, err := s.store.Model(ctx, name); err != nil {
			return nil, err
		}
	}
	t := &Trail{Intact: true, Moves: []Move{}}
	for _, moves := range chains {
		previous := ""
		for _, m := range moves {
			digest, err := Chain(previous, m)
			if err != nil {
				return nil, err
			}
			t.Intact = t.Intact && digest == m.Digest
			previous = m.Digest
			t.Moves = append(t.Moves, m)
		}
	}
	return t, nil
}

// AliasAt returns the version that an alias named at a time (milliseconds since
// 1970), and the move that made it so, nil when that was before the record
// begins.
func (s *Service) AliasAt(ctx context.Context, name, alias string, at int64) (version string, m *Move, err error) {
	t, err := s.History(ctx, name)
	if err != nil {
		return "", nil, err
	}
	later := (*Move)(nil)
	for i := range t.Moves {
		move := &t.Moves[i]
		switch {
		case move.What != MovedAlias || move.Key != alias:
		case move.Time <= at:
			m = move
		case later == nil:
			later = move
		}
	}
	switch {
	case m != nil:
		version = m.To
	case later != nil:
		version = later.From
	default:
		v, err := s.store.VersionByAlias(ctx, name, alias)
		if err != nil {
			return "", nil, err
		}
		version = strconv.FormatInt(v.Number, 10)
	}
	if version == "" {
		return "", nil, errs.New(errs.NotFound, "no version of %s was %s at %s", name, alias, time.UnixMilli(at).UTC().Format(time.RFC3339))
	}
	return version, m, nil
}
