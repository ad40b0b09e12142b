package score

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strconv"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

const formParquet = "parquet"

// parquetRoom is how much memory the columns of a Parquet body may take.
const parquetRoom = 256 << 20

// parseParquet reads a Parquet body as pandas.read_parquet does. Memory is claimed
// as scored bytes are, since a small file may hold many rows.
func (q *request) parseParquet(k *work, p *plan) *fault {
	keep := func(name string) bool {
		_, known := p.known[name]
		return known || p.names == nil
	}
	cols, rows, err := p.parquet.Read(bytes.NewReader(k.body), int64(len(k.body)), "the body", table.TypedOptions{Keep: keep, Room: parquetRoom, Claim: k.claim})
	switch {
	case errs.Is(err, errs.TooLarge):
		return &fault{http.StatusRequestEntityTooLarge, codeInvalid, err.Error(), ""}
	case errs.Is(err, errs.Exhausted):
		return busy
	case err != nil:
		return badRequest("Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid Parquet Pandas DataFrame" +
			" produced using the `pandas.DataFrame.to_parquet()` method. Error: '" + err.Error() + "'")
	}
	f := &q.frame
	f.limit = max(f.limit, rows*len(cols))
	q.form, f.byName = formParquet, true
	for j := range cols {
		c := &cols[j]
		f.cols = append(f.cols, column{name: c.Name, dtype: c.Type, seen: parquetKinds(c), nums: c.Numbers, texts: c.Texts})
	}
	f.rows = rows
	for j := range f.cols {
		if keep(f.cols[j].name) && len(f.cols[j].nums) < rows {
			f.cols[j].seen |= isNested // a list or an object, which openers of files leave unread
		}
	}
	return nil
}

// parquetKinds says what a column holds.
func parquetKinds(c *table.TypedColumn) kinds {
	var k kinds
	if c.Nulls != nil {
		k |= isNull
	}
	switch {
	case c.Texts != nil:
		return k | isText
	case c.Type == "bool":
		return k | isBool
	case c.Type[0] == 'i' || c.Type[0] == 'u':
		return k | isInt
	}
	return k | isFloat
}

// enforceType checks a column that came with a type against the signature's, as
// MLflow does with frames: it widens and never narrows.
func (p *plan) enforceType(q *request, field *mlfolder.Field, c *column) *fault {
	want := numpyNames[field.Type]
	if c.dtype == want || want == "" || want == "object" && (c.dtype == "str" || c.dtype == "object") || field.Type == mlfolder.Boolean && c.dtype == "object" {
		return nil
	}
	from, bits := splitType(c.dtype)
	to, room := splitType(want)
	switch {
	case from == to && bits <= room && bits > 0:
		return nil
	case from == "uint" && to == "int" && bits < room:
		return nil
	case (from == "int" || from == "uint") && want == "float64" && bits <= 48:
		return nil
	case c.dtype == "int64" && to == "float" && all(c.nums, func(v float64) bool { return v == 0 || v == 1 }):
		return nil
	case field.Type == mlfolder.Datetime:
		return nil
	}
	if c.seen&isNested != 0 {
		return enforcement(q, p.sig, "Invalid object type at position 0")
	}
	name := c.name
	if field.Name != "" {
		name = field.Name
	}
	hint := ""
	if c.dtype == "float64" && to == "int" && c.hasNaN() && all(c.nums, func(v float64) bool { return math.IsNaN(v) || v == math.Trunc(v) }) {
		hint = missingHint
	}
	return enforcement(q, p.sig, fmt.Sprintf("Incompatible input types for column %s. Can not safely convert %s to %s.%s", name, c.dtype, want, hint))
}

// missingHint is what MLflow adds when missing values made floats of integers.
const missingHint = " Hint: the type mismatch is likely caused by missing values. " +
	"Integer columns in python can not represent missing values and are therefore " +
	"encoded as floats. The best way to avoid this problem is to infer the model " +
	"schema based on a realistic data sample (training dataset) that includes missing " +
	"values. Alternatively, you can declare integer columns as doubles (float64) " +
	"whenever these columns may have missing values. See `Handling Integers With " +
	"Missing Values <https://www.mlflow.org/docs/latest/models.html#" +
	"handling-integers-with-missing-values>`_ for more details."

// commonType is the type of the array that pandas makes of columns which came with
// types; "" when they came without.
func (f *frame) commonType() string {
	out := ""
	for j := range f.cols {
		t := f.cols[j].dtype
		family, bits := splitType(t)
		have, wide := splitType(out)
		number := family == "int" || family == "uint" || family == "float"
		switch {
		case t == "":
			return ""
		case t == "str":
			return "object"
		case out == "" || out == t:
			out = t
		case !number || have != "int" && have != "uint" && have != "float":
			return "object"
		case have == family:
			out = family + strconv.Itoa(max(bits, wide))
		case family == "float" && bits == 32 && wide <= 16 || have == "float" && wide == 32 && bits <= 16:
			out = "float32"
		case family == "float" || have == "float":
			out = "float64"
		default: // with and without a sign: the next wider one that has it
			unsigned := bits
			if have == "uint" {
				unsigned = wide
			}
			if out = "int" + strconv.Itoa(max(bits, wide, 2*unsigned)); unsigned == 64 {
				out = "float64"
			}
		}
	}
	return out
}

// splitType splits numpy's name of a type into its family and its bits.
func splitType(name string) (family string, bits int) {
	i := len(name)
	for i > 0 && name[i-1] >= '0' && name[i-1] <= '9' {
		i--
	}
	bits, _ = strconv.Atoi(name[i:]) // no digits: 0
	return name[:i], bits
}

func (c *column) hasNaN() bool { return !all(c.nums, func(v float64) bool { return !math.IsNaN(v) }) }

func all(v []float64, ok func(float64) bool) bool {
	for _, x := range v {
		if !ok(x) {
			return false
		}
	}
	return true
}
