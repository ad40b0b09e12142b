package sqlstore

import "strings"

// dialect is what differs between database systems.
type dialect interface {
	// types replaces {{serial}}, {{text}}, {{float}} and {{clustered}} in
	// migrations.
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
