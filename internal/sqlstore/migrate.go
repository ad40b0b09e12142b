package sqlstore

import (
	"context"
	"embed"
	"io/fs"
	"path"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate brings the tables up to date: every file of migrations that was not
// run yet, in the order of their numbers, each in a transaction of its own.
func (d *DB) migrate(ctx context.Context) error {
	err := d.Update(ctx, func(t *Tx) error {
		if err := d.dialect.alone(t); err != nil {
			return err
		}
		_, err := t.tx.ExecContext(t.ctx, "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)")
		return err
	})
	if err != nil {
		return err
	}
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return err
	}
	newest := 0
	for _, f := range files { // embedded names are sorted
		if newest, err = d.migrateFile(ctx, f); err != nil {
			return errs.Wrap(err, "migrate to %s", path.Base(f))
		}
	}
	return d.checkVersion(ctx, newest)
}

func (d *DB) migrateFile(ctx context.Context, file string) (version int, err error) {
	name := path.Base(file)
	digits, _, _ := strings.Cut(name, "_")
	if version, err = strconv.Atoi(digits); err != nil {
		return 0, err
	}
	return version, d.Update(ctx, func(t *Tx) error {
		if err := d.dialect.alone(t); err != nil {
			return err
		}
		var n int
		if _, err := t.Get("SELECT COUNT(*) FROM schema_migrations WHERE version = ?", []any{version}, &n); err != nil || n > 0 {
			return err
		}
		text, err := migrations.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := t.tx.ExecContext(t.ctx, d.dialect.types().Replace(string(text))); err != nil {
			return d.dialect.fault(err)
		}
		if version == 1 {
			if err := t.seed(); err != nil {
				return err
			}
		}
		_, err = t.Exec("INSERT INTO schema_migrations (version, name, applied) VALUES (?, ?, ?)", version, name, time.Now().UnixMilli())
		return err
	})
}

// seed makes the experiment that always exists. Its location is filled in by
// EnsureDefault, which knows where artifacts go.
func (t *Tx) seed() error {
	now := time.Now().UnixMilli()
	_, err := t.Exec("INSERT INTO experiments (id, name, artifact_location, stage, created, updated) VALUES (0, 'Default', '', ?, ?, ?)", tracking.Active, now, now)
	return err
}

// checkVersion refuses a database that a newer drivecast has changed.
func (d *DB) checkVersion(ctx context.Context, newest int) error {
	return d.View(ctx, func(t *Tx) error {
		var have int
		if _, err := t.Get("SELECT MAX(version) FROM schema_migrations", nil, &have); err != nil {
			return err
		}
		if have > newest {
			return errs.New(errs.State, "the database is of a newer drivecast (its tables are at version %d, this one knows %d); use that drivecast, or restore a backup", have, newest)
		}
		return nil
	})
}
