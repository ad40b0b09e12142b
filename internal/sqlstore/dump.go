package sqlstore

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Dump is the form of a database that every system reads: chunks of rows of its
// tables, parents before children.
type Dump struct {
	Versions []int   `json:"versions"` // of the migrations that made the tables
	Tables   []Table `json:"tables"`
}

// Table is a table of a Dump.
type Table struct {
	Name    string   `json:"name"`
	Columns []string `json:"columns"`
	Rows    int64    `json:"rows"`
}

// Chunk is some rows of a table: JSON arrays, one a line. A value is null, a text,
// a whole number, a number with a point or an exponent, or {"base64": …}.
type Chunk struct {
	Table string
	Rows  []byte
}

const chunkSize = 4 << 20 // bytes of rows, about

// Dump calls emit for every chunk of one state of the database, and returns what
// it holds.
func (d *DB) Dump(ctx context.Context, emit func(Chunk) error) (out Dump, err error) {
	err = d.View(ctx, func(t *Tx) error {
		if out.Versions, err = t.versionsApplied(); err != nil {
			return err
		}
		tables, err := t.tables()
		if err != nil {
			return err
		}
		for _, name := range tables {
			if name == bodiesTable {
				continue // made anew from the other tables
			}
			table, err := t.dumpTable(name, emit)
			if err != nil {
				return errs.Wrap(err, "dump the table %s", name)
			}
			out.Tables = append(out.Tables, table)
		}
		return nil
	})
	return out, err
}

func (t *Tx) versionsApplied() (out []int, err error) {
	err = t.each("SELECT version FROM schema_migrations ORDER BY version", nil, func(r *sql.Rows) error {
		var n int
		err := r.Scan(&n)
		out = append(out, n)
		return err
	})
	return out, err
}

var createTable = regexp.MustCompile(`(?m)^CREATE TABLE (\w+)`)

// tablesOfMigrations returns the names of the tables that migrations make; others
// in the same database are not ours.
func tablesOfMigrations() (map[string]bool, error) {
	known, err := migrationFiles()
	out := map[string]bool{}
	for _, m := range known {
		for _, found := range createTable.FindAllStringSubmatch(m.text, -1) {
			out[found[1]] = true
		}
	}
	return out, err
}

// tables lists the tables of records, those first that others refer to.
func (t *Tx) tables() (out []string, err error) {
	ours, err := tablesOfMigrations()
	if err != nil {
		return nil, err
	}
	parents := map[string][]string{}
	var names []string
	err = t.each(t.db.dialect.catalog(), nil, func(r *sql.Rows) error {
		var name, parent string
		err := r.Scan(&name, &parent)
		if ours[name] && !slices.Contains(names, name) {
			names = append(names, name)
		}
		if parent != "" && parent != name {
			parents[name] = append(parents[name], parent)
		}
		return err
	})
	var visit func(string)
	visit = func(name string) {
		if slices.Contains(out, name) {
			return
		}
		for _, p := range parents[name] {
			visit(p)
		}
		out = append(out, name)
	}
	for _, n := range names {
		visit(n)
	}
	return out, err
}

func (t *Tx) dumpTable(name string, emit func(Chunk) error) (out Table, err error) {
	rows, err := t.tx.QueryContext(t.ctx, "SELECT * FROM "+name)
	if err != nil {
		return out, t.db.dialect.fault(err)
	}
	defer rows.Close()
	out.Name = name
	if out.Columns, err = rows.Columns(); err != nil {
		return out, err
	}
	values, dest := make([]any, len(out.Columns)), make([]any, len(out.Columns))
	for i := range values {
		dest[i] = &values[i]
	}
	var b bytes.Buffer
	for rows.Next() {
		if err := rows.Scan(dest...); err != nil {
			return out, err
		}
		if err := writeRow(&b, values); err != nil {
			return out, err
		}
		if out.Rows++; b.Len() >= chunkSize {
			if err := emit(Chunk{name, b.Bytes()}); err != nil {
				return out, err
			}
			b.Reset()
		}
	}
	if err := rows.Err(); err != nil {
		return out, t.db.dialect.fault(err)
	}
	if b.Len() > 0 {
		err = emit(Chunk{name, b.Bytes()})
	}
	return out, err
}

func writeRow(b *bytes.Buffer, values []any) error {
	for i, v := range values {
		sep := byte(',')
		if i == 0 {
			sep = '['
		}
		b.WriteByte(sep)
		switch v := v.(type) {
		case nil:
			b.WriteString("null")
		case int64:
			b.WriteString(strconv.FormatInt(v, 10))
		case float64:
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return errs.New(errs.Internal, "the database holds %v, which no store writes", v)
			}
			text := strconv.FormatFloat(v, 'g', -1, 64)
			if !strings.ContainsAny(text, ".e") {
				text += ".0"
			}
			b.WriteString(text)
		case string:
			text, err := json.Marshal(v)
			if err != nil {
				return err
			}
			b.Write(text)
		case []byte:
			b.WriteString(`{"base64":"` + base64.StdEncoding.EncodeToString(v) + `"}`)
		default:
			return errs.New(errs.Internal, "a column holds a %T, which dumps do not know", v)
		}
	}
	b.WriteString("]\n")
	return nil
}

func readRow(line []byte, columns int) ([]any, error) {
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var row []any
	if err := d.Decode(&row); err != nil || len(row) != columns {
		return nil, errs.New(errs.Invalid, "a row of the dump is garbled")
	}
	for i, v := range row {
		switch v := v.(type) {
		case json.Number:
			var err error
			if strings.ContainsAny(v.String(), ".e") {
				row[i], err = v.Float64()
			} else {
				row[i], err = v.Int64()
			}
			if err != nil {
				return nil, errs.New(errs.Invalid, "a number of the dump is garbled: %w", err)
			}
		case map[string]any:
			text, _ := v["base64"].(string)
			raw, err := base64.StdEncoding.DecodeString(text)
			if err != nil {
				return nil, errs.New(errs.Invalid, "bytes of the dump are garbled: %w", err)
			}
			row[i] = raw
		}
	}
	return row, nil
}

// Load makes a database of a dump, of this or an older drivecast, on any system.
// The database must be empty, or force replaces what it holds. It is all there
// afterwards or as it was before.
func Load(ctx context.Context, uri string, o Options, in Dump, chunks iter.Seq2[Chunk, error], force bool) error {
	if pg, ok := postgresURI(uri); ok {
		d, err := openPostgres(ctx, pg, o)
		if err == nil {
			err = d.load(ctx, in, chunks, force)
			d.Close()
		}
		return errs.Wrap(err, "restore %s", Redact(uri))
	}
	probe, err := connect(ctx, uri, o)
	if err != nil {
		return errs.Wrap(err, "restore %s", uri)
	}
	file := probe.path
	probe.Close()
	return errs.Wrap(loadFile(ctx, file, o, in, chunks, force), "restore %s", uri)
}

// loadFile makes a new SQLite file and puts it in the place of file.
func loadFile(ctx context.Context, file string, o Options, in Dump, chunks iter.Seq2[Chunk, error], force bool) error {
	if file == "" {
		return errs.New(errs.Usage, "a database in memory cannot be restored")
	}
	if info, err := os.Stat(file); err == nil && info.Size() > 0 && !force {
		return errs.New(errs.Exists, "%s is there already; --force replaces it", file)
	}
	next := file + ".restoring"
	for _, ending := range []string{"", "-wal", "-shm"} {
		os.Remove(next + ending)
	}
	defer os.Remove(next)
	d, err := openSQLite(next, o)
	if err != nil {
		return err
	}
	err = d.load(ctx, in, chunks, false)
	if err == nil {
		_, err = d.write.db.ExecContext(ctx, "PRAGMA wal_checkpoint(TRUNCATE)")
	}
	if e := d.Close(); err == nil {
		err = e
	}
	if err != nil {
		return err
	}
	for _, ending := range []string{"-wal", "-shm"} {
		os.Remove(next + ending)
		os.Remove(file + ending)
	}
	if err := syncFile(next); err != nil {
		return err
	}
	if err := os.Rename(next, file); err != nil {
		return err
	}
	return syncFile(filepath.Dir(file))
}

func syncFile(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

func (d *DB) load(ctx context.Context, in Dump, chunks iter.Seq2[Chunk, error], force bool) error {
	known, err := migrationFiles()
	if err != nil {
		return err
	}
	for _, v := range in.Versions {
		if !slices.ContainsFunc(known, func(m migration) bool { return m.version == v }) {
			return errs.New(errs.State, "the backup is of a newer drivecast (its tables are at version %d); restore it with that one", v)
		}
	}
	return d.run(ctx, d.write, nil, func(t *Tx) error {
		if err := t.clear(force); err != nil {
			return err
		}
		if err := t.createMigrations(); err != nil {
			return err
		}
		for _, m := range known {
			if slices.Contains(in.Versions, m.version) {
				if err := t.apply(m); err != nil {
					return err
				}
			}
		}
		if err := t.loadRows(in, chunks); err != nil {
			return err
		}
		for _, m := range known {
			if !slices.Contains(in.Versions, m.version) {
				if err := t.apply(m); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// clear removes every table, or refuses when there are some and force is off.
func (t *Tx) clear(force bool) error {
	tables, err := t.tables()
	if err != nil {
		return err
	}
	if len(tables) > 0 && !force {
		return errs.New(errs.Exists, "the database has tables already; --force replaces them")
	}
	slices.Reverse(tables)
	for _, name := range append(tables, "schema_migrations") {
		if _, err := t.tx.ExecContext(t.ctx, "DROP TABLE IF EXISTS "+name); err != nil {
			return t.db.dialect.fault(err)
		}
	}
	return nil
}

func (t *Tx) loadRows(in Dump, chunks iter.Seq2[Chunk, error]) error {
	tables, err := t.tables()
	if err != nil {
		return err
	}
	for _, name := range slices.Backward(tables) { // new tables have rows too, such as the default experiment
		if _, err := t.Exec("DELETE FROM " + name); err != nil {
			return err
		}
	}
	byName, loaded := map[string]Table{}, map[string]int64{}
	for _, table := range in.Tables {
		if !slices.Contains(tables, table.Name) {
			return errs.New(errs.Invalid, "the dump has a table %q that no version of drivecast made", table.Name)
		}
		for _, c := range table.Columns {
			if strings.Trim(c, "abcdefghijklmnopqrstuvwxyz_0123456789") != "" {
				return errs.New(errs.Invalid, "the dump has a column %q that no version of drivecast made", c)
			}
		}
		byName[table.Name] = table
	}
	for c, err := range chunks {
		if err != nil {
			return err
		}
		table, ok := byName[c.Table]
		if !ok {
			return errs.New(errs.Invalid, "the dump has rows of a table %q that it does not list", c.Table)
		}
		n, err := t.loadChunk(table, c.Rows)
		if err != nil {
			return errs.Wrap(err, "fill the table %s", c.Table)
		}
		loaded[c.Table] += n
	}
	for _, table := range in.Tables {
		if loaded[table.Name] != table.Rows {
			return errs.New(errs.Invalid, "the dump says that %s has %d rows, and holds %d", table.Name, table.Rows, loaded[table.Name])
		}
	}
	return t.advanceAll(tables)
}

func (t *Tx) advanceAll(tables []string) error {
	query := t.db.dialect.serials()
	if query == "" {
		return nil
	}
	var columns [][2]string
	err := t.each(query, nil, func(r *sql.Rows) error {
		var c [2]string
		err := r.Scan(&c[0], &c[1])
		columns = append(columns, c)
		return err
	})
	for _, c := range columns {
		if err == nil && slices.Contains(tables, c[0]) {
			err = t.db.dialect.advance(t, c[0], c[1])
		}
	}
	return err
}

func (t *Tx) loadChunk(table Table, rows []byte) (n int64, err error) {
	head := "INSERT INTO " + table.Name + " (" + strings.Join(table.Columns, ", ") + ") VALUES "
	width := len(table.Columns)
	values := make([]any, 0, 64*width)
	for line := range bytes.Lines(rows) {
		row, err := readRow(line, width)
		if err != nil {
			return n, err
		}
		n++
		if values = append(values, row...); len(values) == 64*width {
			if err := t.bulk(head, "", width, values); err != nil {
				return n, err
			}
			values = values[:0]
		}
	}
	return n, t.bulk(head, "", width, values)
}

// String says what a dump holds.
func (d Dump) String() string {
	rows := int64(0)
	for _, t := range d.Tables {
		rows += t.Rows
	}
	return fmt.Sprintf("%d rows of %d tables", rows, len(d.Tables))
}
