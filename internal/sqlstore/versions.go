package sqlstore

import (
	"context"
	"database/sql"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/internal/filter"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/tracking"
)

const versionColumns = `v.id, v.model, m.name, v.version, v.created, v.updated, v.user_id, v.stage, v.description, v.source, v.storage,
	v.run_id, v.run_link, v.model_id, v.status, v.status_message`

type versionRow struct {
	key, model int64
	*registry.Version
}

func scanVersion(rows *sql.Rows, more ...any) (versionRow, error) {
	v := versionRow{Version: &registry.Version{}}
	err := rows.Scan(append([]any{
		&v.key, &v.model, &v.Name, &v.Number, &v.Created, &v.Updated, &v.UserID, &v.Stage, &v.Description, &v.Source, &v.Storage,
		&v.RunID, &v.RunLink, &v.ModelID, &v.Status, &v.Message,
	}, more...)...)
	return v, err
}

// versionKey returns the key of a version.
func (t *Tx) versionKey(name string, number int64) (key int64, err error) {
	ok, err := t.Get("SELECT v.id FROM model_versions v JOIN registered_models m ON m.id = v.model WHERE m.name = ? AND v.version = ?"+t.lock(forModel), []any{name, number}, &key)
	if err == nil && !ok {
		err = registry.NoVersion(name, strconv.FormatInt(number, 10))
	}
	return key, err
}

func (t *Tx) fillVersions(rows []versionRow) error {
	byKey := map[int64]*registry.Version{}
	byNumber := map[[2]int64]*registry.Version{}
	ids := make([]any, len(rows))
	var models []any
	seen := map[int64]bool{}
	for i, r := range rows {
		byKey[r.key], ids[i] = r.Version, r.key
		byNumber[[2]int64{r.model, r.Number}] = r.Version
		if !seen[r.model] {
			seen[r.model] = true
			models = append(models, r.model)
		}
	}
	err := t.tagsOf("model_version_tags", "version", ids, func(id int64, tag tracking.Tag) {
		byKey[id].Tags = append(byKey[id].Tags, registry.Tag(tag))
	})
	if err != nil {
		return err
	}
	return eachChunk(models, func(m string, ids []any) error {
		return t.each("SELECT model, alias, version FROM model_aliases WHERE model IN "+m+" ORDER BY model, alias", ids, func(r *sql.Rows) error {
			var model, number int64
			var alias string
			err := r.Scan(&model, &alias, &number)
			if v := byNumber[[2]int64{model, number}]; v != nil {
				v.Aliases = append(v.Aliases, alias)
			}
			return err
		})
	})
}

// CreateVersion adds a version under the next number.
func (s *Registry) CreateVersion(ctx context.Context, v registry.Version) (number int64, err error) {
	err = s.changeRegistered(ctx, v.Name, v.Updated, func(t *Tx, model int64) error {
		if _, err := t.Get("UPDATE registered_models SET last_version = last_version + 1 WHERE id = ? RETURNING last_version", []any{model}, &number); err != nil {
			return err
		}
		var key int64
		_, err := t.Get(`INSERT INTO model_versions (model, version, created, updated, user_id, stage, description, source, storage, run_id, run_link, model_id, status, status_message)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			[]any{model, number, v.Created, v.Updated, v.UserID, v.Stage, v.Description, v.Source, v.Storage, v.RunID, v.RunLink, v.ModelID, v.Status, v.Message}, &key)
		if err != nil {
			return err
		}
		if err := t.moved(model, registry.Move{Model: v.Name, Time: v.Created, What: registry.MovedVersion, Version: number, To: v.Storage}); err != nil {
			return err
		}
		return t.setTags("model_version_tags", "version", key, trackingTags(v.Tags))
	})
	return number, err
}

// versions runs a query for versions that have a condition.
func (t *Tx) versions(where string, args ...any) ([]versionRow, error) {
	var found []versionRow
	err := t.each("SELECT "+versionColumns+" FROM model_versions v JOIN registered_models m ON m.id = v.model WHERE "+where, args, func(r *sql.Rows) error {
		v, err := scanVersion(r)
		found = append(found, v)
		return err
	})
	if err != nil {
		return nil, err
	}
	return found, t.fillVersions(found)
}

// Version returns one version.
func (s *Registry) Version(ctx context.Context, name string, number int64) (v *registry.Version, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		found, err := t.versions("m.name = ? AND v.version = ?", name, number)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return registry.NoVersion(name, strconv.FormatInt(number, 10))
		}
		v = found[0].Version
		return nil
	})
	return v, err
}

// changeVersion runs f with the key of a version and marks it and its model
// updated; now 0 leaves their times as they are.
func (s *Registry) changeVersion(ctx context.Context, name string, number, now int64, f func(t *Tx, key int64) error) error {
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.versionKey(name, number)
		if err != nil {
			return err
		}
		if err := f(t, key); err != nil || now == 0 {
			return err
		}
		if _, err := t.Exec("UPDATE registered_models SET updated = ? WHERE name = ?", now, name); err != nil {
			return err
		}
		_, err = t.Exec("UPDATE model_versions SET updated = ? WHERE id = ?", now, key)
		return err
	})
}

// DescribeVersion sets the description of a version.
func (s *Registry) DescribeVersion(ctx context.Context, name string, number int64, text string, now int64) error {
	return s.changeVersion(ctx, name, number, now, func(t *Tx, key int64) error {
		_, err := t.Exec("UPDATE model_versions SET description = ? WHERE id = ?", text, key)
		return err
	})
}

// StageVersion moves a version to a stage.
func (s *Registry) StageVersion(ctx context.Context, name string, number int64, stage string, archive bool, now int64) error {
	return s.changeVersion(ctx, name, number, now, func(t *Tx, key int64) error {
		const others = "stage = ? AND id <> ? AND model = (SELECT model FROM model_versions WHERE id = ?)"
		if archive {
			if err := t.movedStages(registry.Archived, now, others, stage, key, key); err != nil {
				return err
			}
			_, err := t.Exec("UPDATE model_versions SET stage = ?, updated = ? WHERE "+others,
				registry.Archived, now, stage, key, key)
			if err != nil {
				return err
			}
		}
		if err := t.movedStages(stage, now, "id = ?", key); err != nil {
			return err
		}
		_, err := t.Exec("UPDATE model_versions SET stage = ? WHERE id = ?", stage, key)
		return err
	})
}

// DeleteVersion removes a version and its aliases.
func (s *Registry) DeleteVersion(ctx context.Context, name string, number, now int64) error {
	return s.changeVersion(ctx, name, number, now, func(t *Tx, key int64) error {
		if err := t.movedVersionAway(name, key, number, now); err != nil {
			return err
		}
		_, err := t.Exec("DELETE FROM model_aliases WHERE version = ? AND model = (SELECT model FROM model_versions WHERE id = ?)", number, key)
		if err != nil {
			return err
		}
		_, err = t.Exec("DELETE FROM model_versions WHERE id = ?", key)
		return err
	})
}

// SetVersionTag sets one tag of a version.
func (s *Registry) SetVersionTag(ctx context.Context, name string, number int64, tag registry.Tag, now int64) error {
	return s.changeVersion(ctx, name, number, 0, func(t *Tx, key int64) error {
		if err := t.movedTag(key, tag.Key, tag.Value, now); err != nil {
			return err
		}
		return t.setTags("model_version_tags", "version", key, []tracking.Tag{tracking.Tag(tag)})
	})
}

// DeleteVersionTag removes one tag of a version.
func (s *Registry) DeleteVersionTag(ctx context.Context, name string, number int64, tag string, now int64) error {
	return s.changeVersion(ctx, name, number, 0, func(t *Tx, key int64) error {
		if err := t.movedTag(key, tag, "", now); err != nil {
			return err
		}
		_, err := t.Exec("DELETE FROM model_version_tags WHERE version = ? AND key = ?", key, tag)
		return err
	})
}

var versionFields = map[string]string{
	"name": "m.name", "source_path": "v.source", "run_id": "v.run_id", "version_number": "v.version",
	"creation_timestamp": "v.created", "last_updated_timestamp": "v.updated",
}

// SearchVersions returns one page of versions.
func (s *Registry) SearchVersions(ctx context.Context, q registry.Query) (page []*registry.Version, next string, err error) {
	b := &search{columns: versionColumns, from: "model_versions v JOIN registered_models m ON m.id = v.model", limit: q.Limit, token: q.Token, mark: markOf("versions", q.Clauses, q.Order), bad: registry.BadToken}
	for _, c := range q.Clauses {
		switch {
		case c.Entity == "tag":
			tagClause(s.db, b, c, "model_version_tags", "version", "v.id")
		case c.Value.Kind == filter.Number:
			cond, args := wholeCond(versionFields[c.Key], c.Op, c.Value)
			b.and(cond, args...)
		default:
			cond, args := s.db.textCond(versionFields[c.Key], c.Op, c.Value)
			b.and(cond, args...)
		}
	}
	if !q.Prompts {
		b.and("NOT EXISTS (SELECT 1 FROM model_version_tags p WHERE p.version = v.id AND p.key = ? AND LOWER(p.value) = 'true')", registry.PromptTag)
	}
	for _, o := range q.Order {
		b.terms = append(b.terms, term{expr: versionFields[o.Key], desc: o.Desc})
	}
	err = s.db.View(ctx, func(t *Tx) error {
		rows, token, err := collect(t, b, scanVersion)
		if err != nil {
			return err
		}
		next = token
		for _, r := range rows {
			page = append(page, r.Version)
		}
		return t.fillVersions(rows)
	})
	return page, next, err
}

// LatestVersions returns the newest version of each of the stages.
func (s *Registry) LatestVersions(ctx context.Context, name string, stages []string) (out []registry.Version, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		model, err := t.registered(name)
		if err != nil {
			return err
		}
		args := []any{model}
		for _, st := range stages {
			args = append(args, st)
		}
		found, err := t.versions("v.model = ? AND v.stage IN ("+marks(len(stages))+`) AND
			v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.model = v.model AND w.stage = v.stage)`+firstOfStage, args...)
		for _, v := range found {
			out = append(out, *v.Version)
		}
		return err
	})
	return out, err
}

// VersionByAlias returns the version that alias names.
func (s *Registry) VersionByAlias(ctx context.Context, name, alias string) (v *registry.Version, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		model, err := t.registered(name)
		if err != nil {
			return err
		}
		where, args := "v.model = ? AND v.version = (SELECT a.version FROM model_aliases a WHERE a.model = v.model AND a.alias = ?)", []any{model, alias}
		if strings.EqualFold(alias, "latest") {
			where, args = "v.model = ? AND v.version = (SELECT MAX(w.version) FROM model_versions w WHERE w.model = v.model)", args[:1]
		}
		found, err := t.versions(where, args...)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return registry.NoAlias(name, alias)
		}
		v = found[0].Version
		return nil
	})
	return v, err
}
