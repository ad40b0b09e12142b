package sqlstore

import (
	"context"
	"database/sql"
	"strconv"

	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

// Registry is the register of models in a DB. It is a registry.Store.
type Registry struct{ db *DB }

// Registry returns the register of models.
func (d *DB) Registry() *Registry { return &Registry{d} }

var _ registry.Store = (*Registry)(nil)

const registeredColumns = "m.id, m.name, m.description, m.created, m.updated"

type registeredRow struct {
	key int64
	*registry.Model
}

func scanRegistered(rows *sql.Rows, more ...any) (registeredRow, error) {
	m := registeredRow{Model: &registry.Model{}}
	err := rows.Scan(append([]any{&m.key, &m.Name, &m.Description, &m.Created, &m.Updated}, more...)...)
	return m, err
}

func trackingTags(tags []registry.Tag) []tracking.Tag {
	out := make([]tracking.Tag, len(tags))
	for i, t := range tags {
		out[i] = tracking.Tag(t)
	}
	return out
}

// registered returns the key of a model.
func (t *Tx) registered(name string) (key int64, err error) {
	ok, err := t.Get("SELECT id FROM registered_models WHERE name = ?"+t.lock(forChange), []any{name}, &key)
	if err == nil && !ok {
		err = registry.NoModel(name)
	}
	return key, err
}

// CreateModel adds a model.
func (s *Registry) CreateModel(ctx context.Context, m registry.Model) error {
	return s.db.Update(ctx, func(t *Tx) error {
		var key int64
		ok, err := t.Get("INSERT INTO registered_models (name, description, created, updated) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING id",
			[]any{m.Name, m.Description, m.Created, m.Updated}, &key)
		if err == nil && !ok {
			err = registry.ModelExists(m.Name)
		}
		if err == nil {
			err = t.moved(key, registry.Move{Model: m.Name, Time: m.Created, What: registry.MovedModel, To: m.Name})
		}
		if err != nil {
			return err
		}
		if err := t.grantMaker(auth.Thing{Kind: auth.Model, ID: m.Name}); err != nil {
			return err
		}
		return t.setTags("registered_model_tags", "model", key, trackingTags(m.Tags))
	})
}

// Model returns a model.
func (s *Registry) Model(ctx context.Context, name string) (m *registry.Model, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		var found []registeredRow
		err := t.each("SELECT "+registeredColumns+" FROM registered_models m WHERE m.name = ?", []any{name}, func(r *sql.Rows) error {
			row, err := scanRegistered(r)
			found = append(found, row)
			return err
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return registry.NoModel(name)
		}
		m = found[0].Model
		return t.fillRegistered(found)
	})
	return m, err
}

func (t *Tx) fillRegistered(rows []registeredRow) error {
	byKey := map[int64]*registry.Model{}
	ids := make([]any, len(rows))
	for i, r := range rows {
		byKey[r.key], ids[i] = r.Model, r.key
	}
	err := t.tagsOf("registered_model_tags", "model", ids, func(id int64, tag tracking.Tag) {
		byKey[id].Tags = append(byKey[id].Tags, registry.Tag(tag))
	})
	if err != nil {
		return err
	}
	return eachChunk(ids, func(m string, ids []any) error {
		err := t.each("SELECT model, alias, version FROM model_aliases WHERE model IN "+m+" ORDER BY model, alias", ids, func(r *sql.Rows) error {
			var id, version int64
			var a registry.Alias
			err := r.Scan(&id, &a.Alias, &version)
			a.Version = strconv.FormatInt(version, 10)
			byKey[id].Aliases = append(byKey[id].Aliases, a)
			return err
		})
		if err != nil {
			return err
		}
		var latest []versionRow
		err = t.each("SELECT "+versionColumns+" FROM model_versions v JOIN registered_models m ON m.id = v.model WHERE v.model IN "+m+
			" AND v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.model = v.model AND w.stage = v.stage)"+firstOfStage, ids, func(r *sql.Rows) error {
			v, err := scanVersion(r)
			latest = append(latest, v)
			return err
		})
		if err != nil {
			return err
		}
		if err := t.fillVersions(latest); err != nil {
			return err
		}
		for _, v := range latest {
			byKey[v.model].Latest = append(byKey[v.model].Latest, *v.Version)
		}
		return nil
	})
}

// firstOfStage orders versions by when their stage was first used, as clients
// are used to.
const firstOfStage = " ORDER BY v.model, (SELECT MIN(w.version) FROM model_versions w WHERE w.model = v.model AND w.stage = v.stage)"

// changeRegistered runs f with the key of a model and marks it updated.
// now 0 leaves its time as it is, as tags and aliases do.
func (s *Registry) changeRegistered(ctx context.Context, name string, now int64, f func(t *Tx, key int64) error) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.registered(name)
		if err != nil {
			return err
		}
		if err := f(t, key); err != nil || now == 0 {
			return err
		}
		_, err = t.Exec("UPDATE registered_models SET updated = ? WHERE id = ?", now, key)
		return err
	})
}

// RenameModel gives a model another name.
func (s *Registry) RenameModel(ctx context.Context, name, newName string, now int64) error {
	return s.changeRegistered(ctx, name, now, func(t *Tx, key int64) error {
		_, err := t.Exec("UPDATE registered_models SET name = ? WHERE id = ?", newName, key)
		if err != nil && s.db.dialect.constraint(err) {
			return registry.ModelExists(newName)
		}
		if err != nil {
			return err
		}
		if err := t.moveGrants(auth.Model, name, newName); err != nil {
			return err
		}
		if _, err = t.Exec("UPDATE model_versions SET updated = ? WHERE model = ?", now, key); err != nil || name == newName {
			return err
		}
		return t.moved(key, registry.Move{Model: newName, Time: now, What: registry.MovedModel, From: name, To: newName})
	})
}

// DescribeModel sets the description of a model.
func (s *Registry) DescribeModel(ctx context.Context, name, text string, now int64) error {
	return s.changeRegistered(ctx, name, now, func(t *Tx, key int64) error {
		_, err := t.Exec("UPDATE registered_models SET description = ? WHERE id = ?", text, key)
		return err
	})
}

// DeleteModel removes a model with everything under its name.
func (s *Registry) DeleteModel(ctx context.Context, name string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.registered(name)
		if err == nil {
			err = t.moved(key, registry.Move{Model: name, Time: now, What: registry.MovedModel, From: name})
		}
		if err != nil {
			return err
		}
		n, err := t.Exec("DELETE FROM registered_models WHERE name = ?", name)
		if err == nil && n == 0 {
			err = registry.NoModel(name)
		}
		if err != nil {
			return err
		}
		return t.moveGrants(auth.Model, name, "")
	})
}

// SetModelTag sets one tag of a model.
func (s *Registry) SetModelTag(ctx context.Context, name string, tag registry.Tag, now int64) error {
	return s.changeRegistered(ctx, name, 0, func(t *Tx, key int64) error {
		return t.setTags("registered_model_tags", "model", key, []tracking.Tag{tracking.Tag(tag)})
	})
}

// DeleteModelTag removes one tag of a model.
func (s *Registry) DeleteModelTag(ctx context.Context, name, tag string, now int64) error {
	return s.changeRegistered(ctx, name, 0, func(t *Tx, key int64) error {
		_, err := t.Exec("DELETE FROM registered_model_tags WHERE model = ? AND key = ?", key, tag)
		return err
	})
}

var registeredFields = map[string]string{"name": "m.name", "creation_timestamp": "m.created", "last_updated_timestamp": "m.updated"}

// SearchModels returns one page of models.
func (s *Registry) SearchModels(ctx context.Context, q registry.Query) (page []*registry.Model, next string, err error) {
	b := &search{columns: registeredColumns, from: "registered_models m", limit: q.Limit, token: q.Token, mark: markOf("registered", q.Clauses, q.Order), bad: registry.BadToken}
	for _, c := range q.Clauses {
		if c.Entity == "tag" {
			tagClause(s.db, b, c, "registered_model_tags", "model", "m.id")
			continue
		}
		cond, args := s.db.textCond(registeredFields[c.Key], c.Op, c.Value)
		b.and(cond, args...)
	}
	if !q.Prompts {
		b.and("NOT EXISTS (SELECT 1 FROM registered_model_tags p WHERE p.model = m.id AND p.key = ? AND LOWER(p.value) = 'true')", registry.PromptTag)
	}
	for _, o := range q.Order {
		b.terms = append(b.terms, term{expr: registeredFields[o.Key], desc: o.Desc})
	}
	if b.terms[len(b.terms)-1].expr != "m.name" {
		b.terms = append(b.terms, term{expr: "m.id"})
	}
	err = s.db.View(ctx, func(t *Tx) error {
		rows, token, err := collect(t, b, scanRegistered)
		if err != nil {
			return err
		}
		next = token
		for _, r := range rows {
			page = append(page, r.Model)
		}
		return t.fillRegistered(rows)
	})
	return page, next, err
}

// SetAlias makes alias name a version.
func (s *Registry) SetAlias(ctx context.Context, name, alias string, number, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		if _, err := t.versionKey(name, number); err != nil {
			return err
		}
		key, err := t.registered(name)
		if err != nil {
			return err
		}
		if err := t.movedAlias(key, alias, number, now); err != nil {
			return err
		}
		_, err = t.Exec("INSERT INTO model_aliases (model, alias, version) VALUES (?, ?, ?) ON CONFLICT (model, alias) DO UPDATE SET version = excluded.version", key, alias, number)
		return err
	})
}

// DeleteAlias removes an alias.
func (s *Registry) DeleteAlias(ctx context.Context, name, alias string, now int64) error {
	return s.changeRegistered(ctx, name, 0, func(t *Tx, key int64) error {
		if err := t.movedAlias(key, alias, 0, now); err != nil {
			return err
		}
		_, err := t.Exec("DELETE FROM model_aliases WHERE model = ? AND alias = ?", key, alias)
		return err
	})
}
