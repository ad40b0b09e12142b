package importer

import (
	"context"
	"database/sql"
	_ "embed"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver of MLflow's files

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

//go:embed mlflow_2_4.sql
var tablesOf24 string

// Exported counts what an export wrote; rows that were there already count in no
// field but Known.
type Exported struct {
	Tables map[string]int `json:"tables"` // rows written
	Known  int            `json:"known"`
	Left   map[string]int `json:"left_out,omitempty"` // rows that have no place there
	Files  int            `json:"files,omitempty"`    // artifacts that were copied
}

// Export writes every record to the SQLite file of an MLflow server. A file that is
// not there is made with the tables of MLflow 2.4, which every later one brings up
// to date; an empty database that any MLflow made is filled as it is, logged models
// included. It can be run again: what arrived already is left alone.
func Export(ctx context.Context, from *sqlstore.DB, file string, rewrite func(uri string) string) (Exported, error) {
	out := Exported{Tables: map[string]int{}, Left: map[string]int{}}
	target, fresh := file, false
	if info, err := os.Stat(file); err != nil || info.Size() == 0 {
		target, fresh = file+".writing", true
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return out, err
		}
		os.Remove(target)
		defer os.Remove(target)
	}
	err := writeTo(ctx, from, target, fresh, rewrite, &out)
	if err == nil && fresh {
		err = os.Rename(target, file)
	}
	return out, errs.Wrap(err, "export to %s", file)
}

func writeTo(ctx context.Context, from *sqlstore.DB, file string, fresh bool, rewrite func(string) string, out *Exported) error {
	abs, err := filepath.Abs(file)
	if err != nil {
		return err
	}
	u := url.URL{Scheme: "file", Path: filepath.ToSlash(abs), RawQuery: "_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)"}
	db, err := sql.Open("sqlite", u.String())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return errs.New(errs.Invalid, "it cannot be written as a SQLite database: %w", err)
	}
	defer tx.Rollback()
	if fresh {
		if _, err := tx.ExecContext(ctx, tablesOf24); err != nil {
			return err
		}
	}
	w := &exportTo{ctx: ctx, tx: tx, rewrite: rewrite, out: out, columns: map[string]map[string]bool{}, inserts: map[string]*sql.Stmt{}}
	if err := w.readColumns(); err != nil {
		return err
	}
	if w.columns["alembic_version"] == nil || w.columns["runs"] == nil {
		return errs.New(errs.Invalid, "it is a SQLite database, and not one of MLflow's; name a new file, or one that `mlflow db upgrade` made")
	}
	if err := from.Export(ctx, w.row); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	return db.Close()
}

// exportTo writes rows to a database of MLflow's.
type exportTo struct {
	ctx     context.Context
	tx      *sql.Tx
	rewrite func(string) string
	out     *Exported
	columns map[string]map[string]bool // that tables have
	inserts map[string]*sql.Stmt       // by table and columns
}

func (w *exportTo) readColumns() error {
	rows, err := w.tx.QueryContext(w.ctx, "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'")
	if err != nil {
		return errs.New(errs.Invalid, "it is no SQLite database: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			return err
		}
		if w.columns[table] == nil {
			w.columns[table] = map[string]bool{}
		}
		w.columns[table][column] = true
	}
	return rows.Err()
}

// uriColumns hold artifact URIs.
var uriColumns = map[string]bool{"artifact_location": true, "artifact_uri": true, "source": true, "storage_location": true}

func (w *exportTo) row(table string, columns []string, values []any) error {
	have := w.columns[table]
	if have == nil || table == "inputs" && values[1] != "DATASET" && w.columns["logged_models"] == nil {
		w.out.Left[table]++
		return nil
	}
	names, args := make([]string, 0, len(columns)), make([]any, 0, len(columns))
	for i, c := range columns {
		if !have[c] {
			continue
		}
		v := values[i]
		if text, ok := v.(string); ok && uriColumns[c] && w.rewrite != nil {
			v = w.rewrite(text)
		}
		names, args = append(names, `"`+c+`"`), append(args, v)
	}
	if table == "experiments" {
		if err := w.sameExperiment(values[0], values[1]); err != nil {
			return err
		}
	}
	query := "INSERT OR IGNORE INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	insert := w.inserts[query]
	if insert == nil {
		var err error
		if insert, err = w.tx.PrepareContext(w.ctx, query); err != nil {
			return err
		}
		w.inserts[query] = insert
	}
	result, err := insert.ExecContext(w.ctx, args...)
	if err != nil {
		return err
	}
	n, err := result.RowsAffected()
	w.out.Tables[table] += int(n)
	w.out.Known += 1 - int(n)
	return err
}

// sameExperiment refuses a file that has another experiment under the same id or
// name: rows of both would mix.
func (w *exportTo) sameExperiment(id, name any) error {
	var n int
	err := w.tx.QueryRowContext(w.ctx, "SELECT COUNT(*) FROM experiments WHERE (experiment_id = ?1) <> (name = ?2)", id, name).Scan(&n)
	if err == nil && n > 0 {
		err = errs.New(errs.Exists, "the file has another experiment with the id %v or the name %q; name a new file", id, name)
	}
	return err
}
