package sqlstore

import (
	"database/sql"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/internal/filter"
	"github.com/drivecast/drivecast/internal/tracking"
)

// textCond returns the condition that column compares as op says with value, and
// its arguments.
func (d *DB) textCond(column string, op filter.Op, v filter.Value) (string, []any) {
	switch op {
	case filter.Like, filter.ILike:
		return fmt.Sprintf(d.dialect.like(op == filter.ILike), column), []any{v.Text}
	case filter.In, filter.NotIn:
		args := make([]any, len(v.List))
		for i, item := range v.List {
			args[i] = item.Text
		}
		return column + " " + string(op) + " (" + marks(len(args)) + ")", args
	case filter.Ne:
		return column + " <> ?", []any{v.Text}
	}
	return column + " " + string(op) + " ?", []any{v.Text}
}

func numberCond(column string, op filter.Op, v float64) (string, []any) {
	return column + " " + sqlOp(op) + " ?", []any{v}
}

func sqlOp(op filter.Op) string {
	if op == filter.Ne {
		return "<>"
	}
	return string(op)
}

// wholeCond compares a column of whole numbers, exactly: a number between two
// whole ones is replaced by the one that divides the column in the same way.
func wholeCond(column string, op filter.Op, v filter.Value) (string, []any) {
	if n, err := strconv.ParseInt(v.Text, 10, 64); err == nil {
		return column + " " + sqlOp(op) + " ?", []any{n}
	}
	low := math.Floor(v.Number)
	above := v.Number >= 1<<63 // beyond every whole number that can be stored
	beyond := above || v.Number < -1<<63
	switch {
	case math.IsNaN(v.Number) || (beyond || low != v.Number) && op == filter.Eq:
		return "1 = 0", nil
	case (beyond || low != v.Number) && op == filter.Ne:
		return "1 = 1", nil
	case beyond && above == (op == filter.Lt || op == filter.Le):
		return "1 = 1", nil
	case beyond:
		return "1 = 0", nil
	case low != v.Number && (op == filter.Lt || op == filter.Le):
		op = filter.Le
	case low != v.Number:
		op = filter.Gt
	}
	return column + " " + sqlOp(op) + " ?", []any{int64(low)}
}

// columnClause adds a condition on a column of the searched table.
func (s *Tracking) columnClause(b *search, c filter.Clause, column string) {
	if c.Value.Kind == filter.Number {
		cond, args := wholeCond(column, c.Op, c.Value)
		b.and(cond, args...)
		return
	}
	cond, args := s.db.textCond(column, c.Op, c.Value)
	b.and(cond, args...)
}

// tagClause adds a condition on a key of a table of tags. Rows without the key
// fulfil only IS NULL.
func (s *Tracking) tagClause(b *search, c filter.Clause, table, owner, id string) {
	tagClause(s.db, b, c, table, owner, id)
}

func tagClause(d *DB, b *search, c filter.Clause, table, owner, id string) {
	a := b.alias()
	sub := "EXISTS (SELECT 1 FROM " + table + " " + a + " WHERE " + a + "." + owner + " = " + id + " AND " + a + ".key = ?"
	switch c.Op {
	case filter.IsNull:
		b.and("NOT "+sub+")", c.Key)
	case filter.NotNull:
		b.and(sub+")", c.Key)
	default:
		cond, args := d.textCond(a+".value", c.Op, c.Value)
		b.and(sub+" AND "+cond+")", append([]any{c.Key}, args...)...)
	}
}

// collect runs the page's query. scan reads the columns and then the ordering
// values.
func collect[T any](t *Tx, b *search, scan func(*sql.Rows, ...any) (T, error)) (page []T, next string, err error) {
	text, args, err := b.query()
	if err != nil {
		return nil, "", err
	}
	values, dest := make([]any, len(b.terms)), make([]any, len(b.terms))
	for i := range values {
		dest[i] = &values[i]
	}
	last := make([]any, len(b.terms))
	err = t.each(text, args, func(r *sql.Rows) error {
		item, err := scan(r, dest...)
		if err != nil {
			return err
		}
		if len(page) == b.limit {
			if next = b.next(last); len(page) == 0 {
				next = b.next(nil)
			}
			return nil
		}
		copy(last, values)
		page = append(page, item)
		return nil
	})
	return page, next, err
}

// chunk is how many ids one query names.
const chunk = 100

// eachChunk calls f with the ids in groups, and their question marks.
func eachChunk(ids []any, f func(marks string, ids []any) error) error {
	for len(ids) > 0 {
		n := min(len(ids), chunk)
		if err := f("("+strings.TrimSuffix(marks(n), ",")+")", ids[:n]); err != nil {
			return err
		}
		ids = ids[n:]
	}
	return nil
}

// tagsOf calls f for every tag of the owners, by owner and key.
func (t *Tx) tagsOf(table, owner string, ids []any, f func(int64, tracking.Tag)) error {
	return eachChunk(ids, func(m string, ids []any) error {
		return t.each("SELECT "+owner+", key, value FROM "+table+" WHERE "+owner+" IN "+m+" ORDER BY "+owner+", key", ids, func(r *sql.Rows) error {
			var id int64
			var tag tracking.Tag
			err := r.Scan(&id, &tag.Key, &tag.Value)
			f(id, tag)
			return err
		})
	})
}
