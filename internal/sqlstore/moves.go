package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/internal/registry"
)

const moveColumns = "name, time, what, key, version, before, after, who, verified, why, digest"

// moved records what this transaction does to a model, whose row it has locked.
func (t *Tx) moved(model int64, m registry.Move) error {
	a := registry.ActorOf(t.ctx)
	m.Who, m.Verified, m.Why = a.Who, a.Verified, a.Why
	if m.Model == "" {
		if _, err := t.Get("SELECT name FROM registered_models WHERE id = ?", []any{model}, &m.Model); err != nil {
			return err
		}
	}
	previous := ""
	if _, err := t.Get("SELECT digest FROM model_moves WHERE model = ? ORDER BY id DESC LIMIT 1", []any{model}, &previous); err != nil {
		return err
	}
	digest, err := registry.Chain(previous, m)
	if err != nil {
		return err
	}
	verified := 0
	if m.Verified {
		verified = 1
	}
	_, err = t.Exec("INSERT INTO model_moves (model, "+moveColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		model, m.Model, m.Time, m.What, m.Key, m.Version, m.From, m.To, m.Who, verified, m.Why, digest)
	return err
}

// Moves returns the record of every model that has or had the name, oldest first.
func (s *Registry) Moves(ctx context.Context, name string) (chains [][]registry.Move, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		chains = nil
		last := int64(-1)
		return t.each("SELECT model, "+moveColumns+" FROM model_moves WHERE model IN (SELECT model FROM model_moves WHERE name = ?) ORDER BY model, id", []any{name}, func(r *sql.Rows) error {
			var m registry.Move
			var model, verified int64
			if err := r.Scan(&model, &m.Model, &m.Time, &m.What, &m.Key, &m.Version, &m.From, &m.To, &m.Who, &verified, &m.Why, &m.Digest); err != nil {
				return err
			}
			m.Verified = verified != 0
			if model != last {
				chains, last = append(chains, nil), model
			}
			end := len(chains) - 1
			chains[end] = append(chains[end], m)
			return nil
		})
	})
	return chains, err
}

// movedAlias records that an alias names another version, 0 for none, unless it
// names that already.
func (t *Tx) movedAlias(model int64, alias string, to, now int64) error {
	var from int64
	there, err := t.Get("SELECT version FROM model_aliases WHERE model = ? AND alias = ?", []any{model, alias}, &from)
	if err != nil || !there && to == 0 {
		return err
	}
	return t.moved(model, registry.Move{Time: now, What: registry.MovedAlias, Key: alias, Version: to, From: numberText(from), To: numberText(to)})
}

// numberText is a version's number, "" for none.
func numberText(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// movedStages records that versions of a model go to a stage: those that a
// condition chooses.
func (t *Tx) movedStages(to string, now int64, where string, args ...any) error {
	type move struct {
		model, version int64
		from           string
	}
	var moves []move
	err := t.each("SELECT model, version, stage FROM model_versions WHERE "+where+" ORDER BY version", args, func(r *sql.Rows) error {
		var m move
		err := r.Scan(&m.model, &m.version, &m.from)
		moves = append(moves, m)
		return err
	})
	for _, m := range moves {
		if err == nil && m.from != to {
			err = t.moved(m.model, registry.Move{Time: now, What: registry.MovedStage, Version: m.version, From: m.from, To: to})
		}
	}
	return err
}

// movedTag records that a version's tag gets another value, "" for none.
func (t *Tx) movedTag(version int64, tag, to string, now int64) error {
	var model, number int64
	if _, err := t.Get("SELECT model, version FROM model_versions WHERE id = ?", []any{version}, &model, &number); err != nil {
		return err
	}
	var from string
	if _, err := t.Get("SELECT value FROM model_version_tags WHERE version = ? AND key = ?", []any{version, tag}, &from); err != nil {
		return err
	}
	if from == to {
		return nil
	}
	return t.moved(model, registry.Move{Time: now, What: registry.MovedTag, Key: tag, Version: number, From: from, To: to})
}

// movedVersionAway records that a version is deleted, with the aliases that name
// it.
func (t *Tx) movedVersionAway(name string, key, number, now int64) error {
	model, err := t.registered(name)
	if err != nil {
		return err
	}
	var aliases []string
	err = t.each("SELECT alias FROM model_aliases WHERE model = ? AND version = ? ORDER BY alias", []any{model, number}, func(r *sql.Rows) error {
		var a string
		err := r.Scan(&a)
		aliases = append(aliases, a)
		return err
	})
	for _, a := range aliases {
		if err == nil {
			err = t.movedAlias(model, a, 0, now)
		}
	}
	if err != nil {
		return err
	}
	var storage string
	if _, err := t.Get("SELECT storage FROM model_versions WHERE id = ?", []any{key}, &storage); err != nil {
		return err
	}
	return t.moved(model, registry.Move{Model: name, Time: now, What: registry.MovedVersion, Version: number, From: storage})
}
