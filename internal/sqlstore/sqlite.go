package sqlstore

import (
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/drivecast/drivecast/errs"
)

const readers = 4

func openSQLite(path string, o Options) (*DB, error) {
	d := &DB{dialect: sqliteDialect{}, path: path, key: o.KeyFile}
	sync := "synchronous(NORMAL)"
	if o.Durable {
		sync = "synchronous(FULL)"
	}
	base := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", sync, "foreign_keys(1)", "case_sensitive_like(1)", "cache_size(-12000)", "temp_store(2)"}}
	if path == "" || path == ":memory:" {
		d.path = ""
		db, err := sql.Open("sqlite", "file::memory:?"+base.Encode())
		if err != nil {
			return nil, err
		}
		db.SetMaxOpenConns(1)
		d.write = newPool(db)
		d.read = d.write
		return d, nil
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	d.path = abs
	if d.key == "" {
		d.key = abs + ".key"
	}
	if err := os.MkdirAll(filepath.Dir(abs), 0o755); err != nil {
		return nil, err
	}
	file := (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()
	writing := url.Values{"_txlock": {"immediate"}, "_pragma": base["_pragma"]}
	w, err := sql.Open("sqlite", file+"?"+writing.Encode())
	if err != nil {
		return nil, err
	}
	w.SetMaxOpenConns(1)
	w.SetMaxIdleConns(1)
	reading := url.Values{"_pragma": append(base["_pragma"], "query_only(1)")}
	r, err := sql.Open("sqlite", file+"?"+reading.Encode())
	if err != nil {
		w.Close()
		return nil, err
	}
	r.SetMaxOpenConns(readers)
	r.SetMaxIdleConns(readers)
	d.write, d.read = newPool(w), newPool(r)
	return d, nil
}

type sqliteDialect struct{}

func (sqliteDialect) name() string                      { return "sqlite" }
func (sqliteDialect) retry(error) bool                  { return false }
func (sqliteDialect) lock(string) string                { return "" }
func (sqliteDialect) serials() string                   { return "" }
func (sqliteDialect) reading() *sql.TxOptions           { return nil }
func (sqliteDialect) alone(*Tx) error                   { return nil }
func (sqliteDialect) advance(*Tx, string, string) error { return nil }

func (sqliteDialect) types() *strings.Replacer {
	return strings.NewReplacer("{{serial}}", "INTEGER PRIMARY KEY AUTOINCREMENT", "{{text}}", "TEXT", "{{float}}", "REAL", "{{blob}}", "BLOB", "{{clustered}}", "WITHOUT ROWID")
}

func (sqliteDialect) catalog() string {
	return `SELECT m.name, COALESCE(f."table", '') FROM sqlite_master m LEFT JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY 1, 2`
}

func (sqliteDialect) bind(query string) string { return query }

func (sqliteDialect) like(caseless bool) string {
	if caseless {
		return "LOWER(%s) LIKE LOWER(?)"
	}
	return "%s LIKE ?"
}

func (sqliteDialect) constraint(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	return e.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
}

func (sqliteDialect) fault(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return errs.New(errs.Unavailable, "the database is busy: %w", err)
	case sqlite3.SQLITE_FULL:
		return errs.New(errs.Full, "the disk of the database is full: %w", err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM:
		return errs.New(errs.Denied, "the database cannot be written: %w", err)
	case sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_CORRUPT:
		return errs.New(errs.Invalid, "the file is no sound SQLite database: %w", err)
	case sqlite3.SQLITE_CANTOPEN:
		return errs.New(errs.Denied, "the database file cannot be opened: %w", err)
	}
	return err
}
