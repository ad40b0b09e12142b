package importer

import (
	"context"
	"database/sql"
	"net/url"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver of the file that is read

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

// database is an MLflow database of any era: tables and columns that came later
// may be missing.
type database struct {
	*sql.DB
	columns map[string]map[string]bool // table: its columns
}

func (w *work) sqlite(ctx context.Context, path string) error {
	abs, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	file := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)"}}.Encode()}
	pool, err := sql.Open("sqlite", file.String())
	if err != nil {
		return err
	}
	defer pool.Close()
	d := &database{DB: pool, columns: map[string]map[string]bool{}}
	if err := d.readSchema(ctx); err != nil {
		return errs.New(errs.Invalid, "it is no SQLite database: %w", err)
	}
	if d.columns["experiments"] == nil || d.columns["runs"] == nil || d.columns["alembic_version"] == nil {
		return errs.New(errs.Invalid, "it is a SQLite database, and not one of MLflow's: the tables experiments, runs and alembic_version are not all there")
	}
	for _, step := range []func(context.Context, *database) error{w.sqliteExperiments, w.sqliteRuns, w.sqliteModels, w.sqliteRegistry} {
		if err := step(ctx, d); err != nil {
			return err
		}
	}
	return nil
}

func (d *database) readSchema(ctx context.Context) error {
	return d.each(ctx, "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'", nil, func(scan scanner) error {
		var table, column string
		if err := scan(&table, &column); err != nil {
			return err
		}
		if d.columns[table] == nil {
			d.columns[table] = map[string]bool{}
		}
		d.columns[table][column] = true
		return nil
	})
}

type scanner func(dest ...any) error

func (d *database) each(ctx context.Context, query string, args []any, f func(scanner) error) error {
	rows, err := d.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// pick makes a SELECT of columns of a table. A column is written name:kind; kind
// t is text, i an integer and f a number. What is missing or NULL is "" or 0.
func (d *database) pick(table, columns, rest string) string {
	var b strings.Builder
	b.WriteString("SELECT ")
	for i, c := range strings.Fields(columns) {
		if i > 0 {
			b.WriteString(", ")
		}
		name, kind, _ := strings.Cut(c, ":")
		zero := "''"
		if kind != "t" {
			zero = "0"
		}
		if d.columns[table][name] {
			b.WriteString("COALESCE(" + name + ", " + zero + ")")
		} else {
			b.WriteString(zero)
		}
	}
	return b.String() + " FROM " + table + " " + rest
}

// pairs reads keys and values.
func (d *database) pairs(ctx context.Context, table, key, value, rest string, args ...any) ([]tracking.Tag, error) {
	if d.columns[table] == nil {
		return nil, nil
	}
	var out []tracking.Tag
	err := d.each(ctx, d.pick(table, key+":t "+value+":t", rest), args, func(scan scanner) error {
		var t tracking.Tag
		err := scan(&t.Key, &t.Value)
		out = append(out, t)
		return err
	})
	return out, err
}

func (w *work) sqliteExperiments(ctx context.Context, d *database) error {
	var list []tracking.Experiment
	query := d.pick("experiments", "experiment_id:t name:t artifact_location:t lifecycle_stage:t creation_time:i last_update_time:i", "ORDER BY experiment_id")
	err := d.each(ctx, query, nil, func(scan scanner) error {
		var e tracking.Experiment
		err := scan(&e.ID, &e.Name, &e.ArtifactLocation, &e.Stage, &e.Created, &e.Updated)
		list = append(list, e)
		return err
	})
	if err != nil {
		return err
	}
	for _, e := range list {
		if e.Tags, err = d.pairs(ctx, "experiment_tags", "key", "value", "WHERE experiment_id = ?", e.ID); err != nil {
			return err
		}
		if err := w.experiment(ctx, e); err != nil {
			return err
		}
	}
	return nil
}
