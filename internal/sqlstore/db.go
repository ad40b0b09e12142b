// Package sqlstore keeps experiments, runs and registered models in an SQL
// database: SQLite in one file, without any server. Its methods are the
// tracking.Store and registry.Store of a DB.
//
// Other adapters may keep tables of their own here: add a numbered file to
// migrations and use Update and View.
package sqlstore

import (
	"context"
	"database/sql"
	"strings"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// DB is an open database. It is safe for concurrent use.
type DB struct {
	dialect     dialect
	write, read *pool
	path        string // of the SQLite file, "" when in memory
	keys        keyCache
	observe     func(ctx context.Context, kind string, begin time.Time, err error)
}

// Options changes how a database is opened.
type Options struct {
	Durable bool // sync every commit to disk: survives loss of power, not only of the process

	// Observe is told of every transaction when it ends: its kind, "read" or
	// "write", when it began and how it failed. nil is nobody.
	Observe func(ctx context.Context, kind string, begin time.Time, err error)
}

// Open opens the database that uri names and brings its tables up to date.
// sqlite:///FILE is a file relative to the working directory, sqlite:////FILE an
// absolute one, sqlite:// a database in memory.
func Open(ctx context.Context, uri string, o Options) (*DB, error) {
	rest, ok := strings.CutPrefix(uri, "sqlite://")
	if !ok {
		return nil, errs.New(errs.Usage, "backend store %q is not one that drivecast can open; write sqlite:///FILE", uri)
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	d, err := openSQLite(path, o)
	if err != nil {
		return nil, errs.Wrap(err, "open %s", uri)
	}
	if err := d.migrate(ctx); err != nil {
		d.Close()
		return nil, errs.Wrap(err, "open %s", uri)
	}
	d.observe = o.Observe
	return d, nil
}

// Close closes every connection. What was acknowledged is on disk already.
func (d *DB) Close() error {
	err := d.write.close()
	if d.read != d.write {
		if err2 := d.read.close(); err == nil {
			err = err2
		}
	}
	return err
}

// pool is a set of connections with the statements prepared on them.
type pool struct {
	db *sql.DB
	mu sync.RWMutex
	st map[string]*sql.Stmt
}

func newPool(db *sql.DB) *pool { return &pool{db: db, st: map[string]*sql.Stmt{}} }

func (p *pool) close() error {
	for _, s := range p.st {
		s.Close()
	}
	return p.db.Close()
}

// maxStatements bounds the statements that are kept; searches make new texts.
const maxStatements = 300

func (p *pool) stmt(ctx context.Context, tx *sql.Tx, query string) (*sql.Stmt, error) {
	p.mu.RLock()
	s := p.st[query]
	p.mu.RUnlock()
	if s != nil {
		return tx.StmtContext(ctx, s), nil
	}
	return nil, nil
}

// keep remembers a prepared statement of a query that will come again. Preparing
// waits for a connection, whose user may wait for the lock: they are never held
// together.
func (p *pool) keep(query string) {
	p.mu.RLock()
	done := p.st[query] != nil || len(p.st) >= maxStatements
	p.mu.RUnlock()
	if done {
		return
	}
	s, err := p.db.Prepare(query) // not under the lock: it may wait for a connection whose user waits for the lock
	if err != nil {
		return
	}
	p.mu.Lock()
	spare := p.st[query] != nil // another was quicker; theirs may be in use
	if !spare {
		p.st[query] = s
	}
	p.mu.Unlock()
	if spare {
		s.Close()
	}
}

// Tx is one transaction. Queries are written with ? for each argument.
type Tx struct {
	ctx   context.Context
	tx    *sql.Tx
	db    *DB
	pool  *pool
	after []func()
	fresh []string
}

// Update runs f in a transaction that may write; an error of f undoes it. It
// does not stop half-way when ctx ends.
func (d *DB) Update(ctx context.Context, f func(*Tx) error) error {
	return d.run(context.WithoutCancel(ctx), d.write, f)
}

// View runs f in a transaction that sees one state of the database.
func (d *DB) View(ctx context.Context, f func(*Tx) error) error {
	return d.run(ctx, d.read, f)
}

func (d *DB) run(ctx context.Context, p *pool, f func(*Tx) error) error {
	if d.observe == nil {
		return d.transact(ctx, p, f)
	}
	begin, kind := time.Now(), "write"
	if p == d.read {
		kind = "read"
	}
	err := d.transact(ctx, p, f)
	d.observe(ctx, kind, begin, err)
	return err
}

func (d *DB) transact(ctx context.Context, p *pool, f func(*Tx) error) error {
	tx, err := p.db.BeginTx(ctx, nil)
	if err != nil {
		return d.dialect.fault(err)
	}
	t := &Tx{ctx: ctx, tx: tx, db: d, pool: p}
	defer tx.Rollback()
	if err := f(t); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return d.dialect.fault(err)
	}
	for _, g := range t.after {
		g()
	}
	for _, q := range t.fresh {
		p.keep(q)
	}
	return nil
}

// Exec runs a statement and returns how many rows it changed.
func (t *Tx) Exec(query string, args ...any) (int64, error) {
	var res sql.Result
	s, err := t.prepared(query)
	if err != nil {
		return 0, err
	}
	if s != nil {
		res, err = s.ExecContext(t.ctx, args...)
	} else {
		res, err = t.tx.ExecContext(t.ctx, t.db.dialect.bind(query), args...)
	}
	if err != nil {
		return 0, t.db.dialect.fault(err)
	}
	return res.RowsAffected()
}

// Query runs a query. The caller closes the rows.
func (t *Tx) Query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	var rows *sql.Rows
	if s != nil {
		rows, err = s.QueryContext(t.ctx, args...)
	} else {
		rows, err = t.tx.QueryContext(t.ctx, t.db.dialect.bind(query), args...)
	}
	return rows, t.db.dialect.fault(err)
}

// Get reads the first row of a query into dest; ok is false when there is none.
func (t *Tx) Get(query string, args []any, dest ...any) (ok bool, err error) {
	rows, err := t.Query(query, args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	if !rows.Next() {
		return false, t.db.dialect.fault(rows.Err())
	}
	return true, rows.Scan(dest...)
}

func (t *Tx) prepared(query string) (*sql.Stmt, error) {
	q := t.db.dialect.bind(query)
	s, err := t.pool.stmt(t.ctx, t.tx, q)
	if s == nil && err == nil {
		t.fresh = append(t.fresh, q)
	}
	return s, err
}

// each runs a query and calls f for every row.
func (t *Tx) each(query string, args []any, f func(*sql.Rows) error) error {
	rows, err := t.Query(query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := f(rows); err != nil {
			return err
		}
	}
	return t.db.dialect.fault(rows.Err())
}
