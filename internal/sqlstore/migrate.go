package sqlstore

import (
	"context"
	"embed"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one numbered change of the tables.
type migration struct {
	version    int
	name, text string
}

// migrationFiles returns the migrations in the order of their numbers.
func migrationFiles() ([]migration, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql") // sorted by name
	if err != nil {
		return nil, err
	}
	out := make([]migration, len(files))
	for i, file := range files {
		text, err := migrations.ReadFile(file)
		if err != nil {
			return nil, err
		}
		name := path.Base(file)
		digits, _, _ := strings.Cut(name, "_")
		version, err := strconv.Atoi(digits)
		if err != nil {
			return nil, err
		}
		out[i] = migration{version, name, string(text)}
	}
	return out, nil
}

// migrate brings the tables up to date: every migration that was not run yet, in
// the order of their numbers, each in a transaction of its own. A database that
// has tables already is copied first.
func (d *DB) migrate(ctx context.Context, o Options) error {
	err := d.Update(ctx, func(t *Tx) error {
		if err := d.dialect.alone(t); err != nil {
			return err
		}
		return t.createMigrations()
	})
	if err != nil {
		return err
	}
	known, err := migrationFiles()
	if err != nil {
		return err
	}
	var applied []int
	err = d.View(ctx, func(t *Tx) (err error) {
		applied, err = t.versionsApplied()
		return err
	})
	if err != nil {
		return err
	}
	if err := checkVersion(applied, known); err != nil {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(known), func(m migration) bool { return slices.Contains(applied, m.version) })
	if len(missing) == 0 {
		return nil
	}
	if len(applied) > 0 {
		if err := d.keep(ctx, o, slices.Max(applied)); err != nil {
			return errs.Wrap(err, "back the database up before its tables are changed")
		}
	}
	for _, m := range missing {
		if err := d.migrateTo(ctx, m); err != nil {
			return errs.Wrap(err, "migrate to %s", m.name)
		}
	}
	return nil
}

// keep makes the backup that precedes a migration.
func (d *DB) keep(ctx context.Context, o Options, version int) error {
	if o.BeforeMigration != nil {
		return o.BeforeMigration(ctx, d, version)
	}
	if d.path == "" {
		return nil
	}
	file := d.path + ".before-" + strconv.Itoa(version) + "-" + time.Now().UTC().Format("20060102T150405.000Z")
	if _, err := d.write.db.ExecContext(ctx, "VACUUM INTO ?", file); err != nil {
		return d.dialect.fault(err)
	}
	return syncFile(file)
}

func (t *Tx) createMigrations() error {
	_, err := t.tx.ExecContext(t.ctx, "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)")
	return t.db.dialect.fault(err)
}

func (d *DB) migrateTo(ctx context.Context, m migration) error {
	return d.Update(ctx, func(t *Tx) error {
		if err := d.dialect.alone(t); err != nil {
			return err
		}
		var n int
		if _, err := t.Get("SELECT COUNT(*) FROM schema_migrations WHERE version = ?", []any{m.version}, &n); err != nil || n > 0 {
			return err
		}
		return t.apply(m)
	})
}

// apply runs a migration and notes that it did.
func (t *Tx) apply(m migration) error {
	if _, err := t.tx.ExecContext(t.ctx, t.db.dialect.types().Replace(m.text)); err != nil {
		return t.db.dialect.fault(err)
	}
	if m.version == 1 {
		if err := t.seed(); err != nil {
			return err
		}
	}
	_, err := t.tx.ExecContext(t.ctx, t.db.dialect.bind("INSERT INTO schema_migrations (version, name, applied) VALUES (?, ?, ?)"), m.version, m.name, time.Now().UnixMilli())
	return t.db.dialect.fault(err)
}

// seed makes the experiment that always exists. Its location is filled in by
// Prepare, which knows where artifacts go.
func (t *Tx) seed() error {
	now := time.Now().UnixMilli()
	_, err := t.tx.ExecContext(t.ctx, t.db.dialect.bind("INSERT INTO experiments (id, name, artifact_location, stage, created, updated) VALUES (0, 'Default', '', ?, ?, ?)"), tracking.Active, now, now)
	return t.db.dialect.fault(err)
}

// checkVersion refuses a database that a newer drivecast has changed.
func checkVersion(applied []int, known []migration) error {
	newest := known[len(known)-1].version
	for _, v := range applied {
		if !slices.ContainsFunc(known, func(m migration) bool { return m.version == v }) {
			return errs.New(errs.State, "the database is of a newer drivecast (its tables are at version %d, this one knows %d); use that drivecast, or restore a backup", v, newest)
		}
	}
	return nil
}
