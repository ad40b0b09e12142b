package sqlstore

import (
	"database/sql"
	"strings"
)

// dialect is what differs between database systems.
type dialect interface {
	// name is the scheme of its URIs.
	name() string
	// types replaces {{serial}}, {{text}}, {{float}}, {{blob}} and {{clustered}}
	// in migrations.
	types() *strings.Replacer
	// bind rewrites the ? of a query.
	bind(query string) string
	// fault gives a driver's error its kind; nil stays nil.
	fault(err error) error
	// like returns the operators that match with and without regard to case, each
	// with %s for the column and one argument.
	like(caseless bool) string
	// constraint reports whether err says that a unique value is taken.
	constraint(err error) bool
	// retry reports whether a transaction that failed so may be run again.
	retry(err error) bool
	// lock ends a SELECT whose rows are locked until the transaction ends; "" where
	// transactions that write run one after another anyway. how is one of the
	// constants below.
	lock(how string) string
	// reading are the options of a transaction that sees one state.
	reading() *sql.TxOptions
	// alone waits until no other process migrates, and keeps others from it until
	// the transaction ends.
	alone(t *Tx) error
	// catalog is a query for every table and, one row each, the tables that it
	// refers to, or ''.
	catalog() string
	// serials is a query for the tables and columns that advance is for, or "".
	serials() string
	// advance makes the numbers that the database gives go on behind those that
	// were given by hand.
	advance(t *Tx, table, column string) error
}

// How rows are locked.
const (
	forChange   = "UPDATE"             // by one transaction
	forStaying  = "SHARE"              // against changes only
	whereIsFree = "UPDATE SKIP LOCKED" // rows that another holds are left out
	forModel    = "UPDATE OF m"        // only the row of the table m
)

// lock ends a SELECT in a transaction that may write; see dialect.
func (t *Tx) lock(how string) string {
	if t.reading {
		return ""
	}
	return t.db.dialect.lock(how)
}

// marks returns n question marks, separated by commas.
func marks(n int) string {
	if n == 0 {
		return "NULL"
	}
	return strings.Repeat("?,", n-1) + "?"
}

// bulk runs one INSERT for many rows: head + "(?,…),(?,…)" + tail, with width
// values for each row.
func (t *Tx) bulk(head, tail string, width int, values []any) error {
	row := "(" + marks(width) + ")"
	for len(values) > 0 {
		n := len(values) / width
		for _, size := range []int{64, 8, 1} {
			if n >= size {
				n = size
				break
			}
		}
		query := head + strings.Repeat(row+",", n-1) + row + tail
		if _, err := t.Exec(query, values[:n*width]...); err != nil {
			return err
		}
		values = values[n*width:]
	}
	return nil
}
