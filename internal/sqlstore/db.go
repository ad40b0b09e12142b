// Package sqlstore keeps experiments, runs and registered models in an SQL
// database: SQLite in one file, without any server, or PostgreSQL. Its methods
// are the tracking.Store and registry.Store of a DB. Both databases give the same
// answers: texts compare byte by byte, and NaN is kept beside the number.
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
	key         string // file of the key that seals secrets, "" for none
	keys        keyCache
	observe     func(ctx context.Context, kind string, begin time.Time, err error)
}

// Options changes how a database is opened.
type Options struct {
	Durable bool // sync every commit to disk: survives loss of power, not only of the process (PostgreSQL always does)

	// KeyFile holds the key that seals secrets such as those of webhooks; "" is
	// beside the SQLite file, and nowhere for PostgreSQL: secrets are then lost
	// when the database is closed.
	KeyFile string

	// BeforeMigration makes a backup of a database whose tables, which are at
	// version, are about to be changed; nil copies an SQLite file beside itself, and
	// makes none of PostgreSQL.
	BeforeMigration func(ctx context.Context, d *DB, version int) error

	// Observe is told of every transaction when it ends: its kind, "read" or
	// "write", when it began and how it failed. nil is nobody.
	Observe func(ctx context.Context, kind string, begin time.Time, err error)
}

// Open opens the database that uri names and brings its tables up to date.
// sqlite:///FILE is a file relative to the working directory, sqlite:////FILE an
// absolute one, sqlite:// a database in memory;
// postgresql://USER:PASSWORD@HOST/DATABASE is a database of a PostgreSQL server.
func Open(ctx context.Context, uri string, o Options) (*DB, error) {
	d, err := connect(ctx, uri, o)
	if err != nil {
		return nil, errs.Wrap(err, "open %s", Redact(uri))
	}
	if err := d.migrate(ctx, o); err != nil {
		d.Close()
		return nil, errs.Wrap(err, "open %s", Redact(uri))
	}
	d.observe = o.Observe
	return d, nil
}

func connect(ctx context.Context, uri string, o Options) (*DB, error) {
	if pg, ok := postgresURI(uri); ok {
		return openPostgres(ctx, pg, o)
	}
	rest, ok := strings.CutPrefix(uri, "sqlite://")
	if !ok {
		return nil, errs.New(errs.Usage, "backend store %q is not one that drivecast can open; write sqlite:///FILE or postgresql://USER@HOST/DATABASE", uri)
	}
	path, _, _ := strings.Cut(strings.TrimPrefix(rest, "/"), "?")
	return openSQLite(path, o)
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
	db    *sql.DB
	plain bool // statements are not kept here
	mu    sync.RWMutex
	st    map[string]*sql.Stmt
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
	if p.plain {
		return
	}
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
	ctx     context.Context
	tx      *sql.Tx
	db      *DB
	pool    *pool
	after   []func()
	reading bool // it may not write
	fresh   []string
}

// maxTries bounds how often a transaction that lost against others is run again.
const maxTries = 10

// Update runs f in a transaction that may write; an error of f undoes it. It
// does not stop half-way when ctx ends. f may run more than once: it begins anew
// when the database undid it in favour of another transaction.
func (d *DB) Update(ctx context.Context, f func(*Tx) error) (err error) {
	ctx = context.WithoutCancel(ctx)
	for try := range maxTries {
		if err = d.run(ctx, d.write, nil, f); err == nil || !d.dialect.retry(err) {
			return err
		}
		time.Sleep(time.Duration(try*try) * time.Millisecond)
	}
	return err
}

// View runs f in a transaction that sees one state of the database.
func (d *DB) View(ctx context.Context, f func(*Tx) error) error {
	return d.run(ctx, d.read, d.dialect.reading(), func(t *Tx) error {
		t.reading = true
		return f(t)
	})
}

func (d *DB) run(ctx context.Context, p *pool, o *sql.TxOptions, f func(*Tx) error) error {
	if d.observe == nil {
		return d.transact(ctx, p, o, f)
	}
	begin, kind := time.Now(), "write"
	if p == d.read {
		kind = "read"
	}
	err := d.transact(ctx, p, o, f)
	d.observe(ctx, kind, begin, err)
	return err
}

func (d *DB) transact(ctx context.Context, p *pool, o *sql.TxOptions, f func(*Tx) error) error {
	tx, err := p.db.BeginTx(ctx, o)
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
