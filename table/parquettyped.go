package table

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"github.com/drivecast/drivecast/errs"
)

// TypedColumn is one column of a Parquet file with the type that pandas gives it.
type TypedColumn struct {
	Name    string
	Type    string    // numpy's name: int8 … int64, uint8 … uint64, float16 … float64, bool, str, object, datetime64[ms], [us] or [ns]
	Numbers []float64 // NaN: null, or a text
	Texts   []string  // of the rows of a column of texts, "" for null; nil of a column of numbers
	Nulls   []bool    // nil: there are none
}

// TypedOptions says what of a Parquet file is read, and how much memory it may take.
type TypedOptions struct {
	Keep  func(column string) bool // nil: every column; others have a name and a type only
	Room  int64                    // bytes that pages and values may take; above it, errs.TooLarge
	Claim func(bytes int64) error  // asked before memory is taken; nil: all is granted
}

// ReadTyped reads a Parquet file that is in memory, or on a disk, as
// pandas.read_parquet does: columns that hold the index of a frame are left out. It
// returns the number of rows too. Columns that are no plain values have no numbers.
func ReadTyped(f io.ReaderAt, size int64, name string, o TypedOptions) (columns []TypedColumn, rows int, err error) {
	index := map[string]bool{}
	t, err := openParquetAs(f, size, name, o.Keep, true)
	if err != nil {
		return nil, 0, err
	}
	defer t.Close()
	defer func() {
		if p := recover(); p != nil {
			columns, rows, err = nil, 0, badParquet(name, fmt.Sprintf("is damaged in row group %d: %v", t.group, p))
		}
	}()
	if text, ok := t.file.Lookup("pandas"); ok {
		index = pandasIndex(text)
	}
	return t.typed(index, o)
}

// pandasIndex reads which columns hold the index from what pandas notes in a file.
func pandasIndex(text string) map[string]bool {
	var notes struct {
		Index []any `json:"index_columns"`
	}
	out := map[string]bool{}
	if json.Unmarshal([]byte(text), &notes) == nil {
		for _, c := range notes.Index {
			if name, ok := c.(string); ok { // others describe a range, which no column holds
				out[name] = true
			}
		}
	}
	return out
}

// typedReader fills one column.
type typedReader struct {
	from *parquetColumn
	to   *TypedColumn
	kind parquet.Kind
	sign bool
	text bool // by its type
}

func (t *parquetText) typed(index map[string]bool, o TypedOptions) ([]TypedColumn, int, error) {
	rows := t.file.NumRows()
	out := make([]TypedColumn, 0, len(t.columns))
	readers := make([]typedReader, 0, len(t.columns))
	stated := logicalTypes(t.file.Metadata().Schema)
	for i, c := range t.file.Root().Columns() {
		col := &t.columns[i]
		if index[col.name] {
			col.append = nil
			continue
		}
		out = append(out, TypedColumn{Name: col.name, Type: "object"})
		if !c.Leaf() || c.Repeated() {
			continue
		}
		r := typedReader{from: col, to: &out[len(out)-1], kind: c.Type().Kind(), sign: true}
		r.to.Type, r.sign = numpyOf(c.Type(), stated[col.name])
		r.text = r.to.Type == "str" || r.to.Type == "object" || r.to.Type[0] == 'd'
		if col.append != nil {
			readers = append(readers, r)
		}
	}
	need := int64(len(readers)) * 8
	if rows < 0 || need > 0 && rows > o.Room/need {
		return nil, 0, tooManyRows(t.name, rows)
	}
	if err := o.claim(rows * need); err != nil {
		return nil, 0, err
	}
	t.room = max(0, min(t.room, o.Room-rows*need))
	for i := range readers {
		readers[i].to.Numbers = make([]float64, 0, rows)
	}
	err := t.fillTyped(readers, o)
	for i := range readers {
		readers[i].settle()
	}
	return out, int(rows), err
}

func tooManyRows(name string, rows int64) error {
	return errs.New(errs.TooLarge, "%s: %d rows of so many columns take too much memory; send fewer rows at a time", name, rows)
}

func (o *TypedOptions) claim(bytes int64) error {
	if o.Claim == nil {
		return nil
	}
	return o.Claim(bytes)
}

// fillTyped reads every row group, one column after the other.
func (t *parquetText) fillTyped(readers []typedReader, o TypedOptions) error {
	left := t.room
	for {
		if err := t.nextGroup(); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		for i := range readers {
			r := &readers[i]
			for n := t.left; n > 0; n-- {
				c := r.from
				if c.at == c.n {
					if err := c.fill(); err != nil {
						return badParquet(t.name, fmt.Sprintf("is damaged in row group %d, column %q: %v", t.group, c.name, err))
					}
				}
				used := r.put(&c.buf[c.at])
				c.at++
				if left -= used; left < 0 {
					return tooManyRows(t.name, t.file.NumRows())
				}
				if used > 64 {
					if err := o.claim(used); err != nil {
						return err
					}
				}
			}
		}
		t.left = 0
	}
}

// put appends a value and returns the bytes that it takes beyond its number.
func (r *typedReader) put(v *parquet.Value) int64 {
	row := len(r.to.Numbers)
	if v.IsNull() {
		if r.to.Nulls == nil {
			r.to.Nulls = make([]bool, row, cap(r.to.Numbers))
		}
		r.to.Nulls = append(r.to.Nulls, true)
		r.to.Numbers = append(r.to.Numbers, math.NaN())
		if r.text {
			r.to.Texts = append(r.to.Texts, "")
		}
		return 1
	}
	if r.to.Nulls != nil {
		r.to.Nulls = append(r.to.Nulls, false)
	}
	if r.text {
		text := string(r.from.append(nil, v))
		if r.kind == parquet.ByteArray && r.to.Type == "str" {
			text = string(v.ByteArray())
		}
		r.to.Texts = append(r.to.Texts, text)
		r.to.Numbers = append(r.to.Numbers, math.NaN())
		return int64(len(text)) + 16
	}
	r.to.Numbers = append(r.to.Numbers, r.number(v))
	return 0
}

func (r *typedReader) number(v *parquet.Value) float64 {
	switch r.kind {
	case parquet.Boolean:
		if v.Boolean() {
			return 1
		}
		return 0
	case parquet.Int32:
		if !r.sign {
			return float64(v.Uint32())
		}
		return float64(v.Int32())
	case parquet.Int64:
		if !r.sign {
			return float64(v.Uint64())
		}
		return float64(v.Int64())
	case parquet.Float:
		return float64(v.Float())
	case parquet.Double:
		return v.Double()
	}
	n, err := strconv.ParseFloat(string(r.from.append(nil, v)), 64) // float16
	if err != nil {
		return math.NaN()
	}
	return n
}

// settle gives a column with nulls the type that pandas widens it to.
func (r *typedReader) settle() {
	if r.to.Nulls == nil {
		return
	}
	switch r.to.Type[0] {
	case 'i', 'u':
		r.to.Type = "float64"
	case 'b':
		r.to.Type = "object"
	}
}

// numpyOf names the type that pandas gives a column, and says whether its integers
// have a sign.
func numpyOf(t parquet.Type, stated *format.LogicalType) (name string, sign bool) {
	l := t.LogicalType()
	if l == nil {
		l = stated
	}
	if l != nil {
		switch l := l.Value.(type) {
		case *format.StringType, *format.EnumType, *format.JsonType:
			return "str", true
		case *format.IntType:
			if l.IsSigned {
				return "int" + strconv.Itoa(int(l.BitWidth)), true
			}
			return "uint" + strconv.Itoa(int(l.BitWidth)), false
		case *format.TimestampType:
			return map[int64]string{1e3: "datetime64[ms]", 1e6: "datetime64[us]", 1e9: "datetime64[ns]"}[unitOf(&l.Unit)], true
		case *format.Float16Type:
			return "float16", true
		case nil:
		default:
			return "object", true
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		return "bool", true
	case parquet.Int32:
		return "int32", true
	case parquet.Int64:
		return "int64", true
	case parquet.Float:
		return "float32", true
	case parquet.Double:
		return "float64", true
	case parquet.Int96:
		return "datetime64[ns]", true
	}
	return "object", true
}
