package score

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/drivecast/drivecast/model/mlfolder"
)

const formCSV = "csv"

// missing are the texts that pandas reads as a missing value.
var missing = map[string]bool{
	"": true, "#N/A": true, "#N/A N/A": true, "#NA": true, "-1.#IND": true, "-1.#QNAN": true, "-NaN": true, "-nan": true,
	"1.#IND": true, "1.#QNAN": true, "<NA>": true, "N/A": true, "NA": true, "NULL": true, "NaN": true, "None": true, "n/a": true,
	"nan": true, "null": true,
}

func csvFault(format string, args ...any) *fault {
	return badRequest("Failed to parse input as a Pandas DataFrame. Ensure that the input is a valid CSV-formatted Pandas DataFrame" +
		" produced using the `pandas.DataFrame.to_csv()` method. Error: '" + fmt.Sprintf(format, args...) + "'")
}

// parseCSV reads a CSV body with a header line, as pandas.read_csv does.
func (q *request) parseCSV(body []byte, p *plan) *fault {
	if !utf8.Valid(body) {
		return invalidInput("Ensure that input is a valid UTF-8 encoded string. Error: 'UnicodeDecodeError(" + excerpt(body) + ")'")
	}
	body = bytes.TrimPrefix(body, []byte("\ufeff"))
	f := &q.frame
	q.form, f.byName = formCSV, true
	r := &csvReader{b: body, line: 1}
	if !r.record() {
		return csvFault("No columns to parse from file")
	}
	seen := map[string]int{}
	for j, name := range r.fields {
		text := string(name)
		if text == "" {
			text = "Unnamed: " + strconv.Itoa(j)
		}
		if n := seen[text]; n > 0 {
			seen[text]++
			text += "." + strconv.Itoa(n)
		} else {
			seen[text] = 1
		}
		f.at(j).name = text
	}
	width := len(r.fields)
	for r.plain(f) || r.record() {
		if r.taken {
			continue
		}
		if len(r.fields) > width {
			return csvFault("Error tokenizing data. C error: Expected %d fields in line %d, saw %d\n", width, r.line, len(r.fields))
		}
		for j, field := range r.fields {
			f.cols[j].put(csvCell(field))
		}
		f.endRow(len(r.fields))
		if f.over {
			return invalidInput("The input has too many empty cells for its size.")
		}
	}
	if r.open {
		return csvFault("Error tokenizing data. C error: EOF inside string starting at row %d", f.rows)
	}
	f.ragged = false
	return p.csvTypes(q)
}

// csvTypes checks columns against the types that the signature has pandas read
// them as.
func (p *plan) csvTypes(q *request) *fault {
	f := &q.frame
	for j := range p.n {
		field, c := p.field(j), p.source(f, j)
		if field == nil || c == nil || p.enc[j] != nil {
			continue
		}
		number := field.Type == mlfolder.Long || field.Type == mlfolder.Integer || field.Type == mlfolder.Double || field.Type == mlfolder.Float
		if number && c.seen&isText != 0 {
			for r, s := range c.texts {
				if s != "" && math.IsNaN(c.nums[r]) {
					return csvFault("could not convert string to float: %s", pythonQuote(s))
				}
			}
		}
		if field.Type == mlfolder.Long || field.Type == mlfolder.Integer {
			switch {
			case c.seen&isNull != 0:
				return csvFault("Integer column has NA values in column %d", j)
			case c.seen&isFloat != 0:
				return csvFault("cannot safely convert passed user dtype of %s for float64 dtyped data in column %d", numpyNames[field.Type], j)
			}
		}
	}
	return nil
}

// csvCell tells a number from a text.
func csvCell(field []byte) cell {
	if len(field) > 0 {
		if c := field[0]; c-'0' <= 9 || c == '-' || c == '.' || c == '+' || c == ' ' {
			s := scan{b: field}
			if v, whole, err := s.number(); err == nil && s.i == len(field) {
				if whole {
					return cell{kind: isInt, num: v}
				}
				return cell{kind: isFloat, num: v}
			}
		}
	}
	switch {
	case missing[string(field)]:
		return cell{kind: isNull, num: math.NaN()}
	case bytes.EqualFold(field, []byte("true")):
		return cell{kind: isBool, num: 1}
	case bytes.EqualFold(field, []byte("false")):
		return cell{kind: isBool}
	}
	if v, ok := pythonFloat(string(field)); ok {
		return cell{kind: isFloat, num: v}
	}
	return cell{kind: isText, num: math.NaN(), text: field}
}

// csvReader splits CSV into records; fields share the input where they can.
type csvReader struct {
	b      []byte
	i      int
	line   int // 1-based line of the record
	nextLn int
	fields [][]byte
	open   bool // the input ended within quotes
	taken  bool // the record is in the frame already
}

// plain reads the next record into the frame if it is numbers and nothing else.
func (r *csvReader) plain(f *frame) bool {
	s := scan{b: r.b, i: r.i}
	if r.taken = f.plain(&s, true); r.taken {
		r.i = s.i
		r.nextLn++
	}
	return r.taken
}

// record reads the next record that is not blank, and reports whether there was
// one.
func (r *csvReader) record() bool {
	for r.i < len(r.b) {
		r.fields = r.fields[:0]
		r.nextLn++
		r.line = r.nextLn
		for {
			field, last := r.field()
			r.fields = append(r.fields, field)
			if last {
				break
			}
		}
		if len(r.fields) > 1 || len(bytes.TrimSpace(r.fields[0])) > 0 {
			return true
		}
	}
	return false
}

// field reads one field; last says that it ends its record.
func (r *csvReader) field() (field []byte, last bool) {
	if r.i < len(r.b) && r.b[r.i] == '"' {
		return r.quoted()
	}
	start := r.i
	for ; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case ',':
			r.i++
			return r.b[start : r.i-1], false
		case '\n', '\r':
			field = r.b[start:r.i]
			r.endLine()
			return field, true
		}
	}
	return r.b[start:], true
}

func (r *csvReader) endLine() {
	if r.b[r.i] == '\r' && r.i+1 < len(r.b) && r.b[r.i+1] == '\n' {
		r.i++
	}
	r.i++
}

// quoted reads a field in quotes, doubled quotes standing for one.
func (r *csvReader) quoted() (field []byte, last bool) {
	var out []byte
	r.i++
	for r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"' && r.i+1 < len(r.b) && r.b[r.i+1] == '"':
			out = append(out, '"')
			r.i += 2
		case c == '"':
			r.i++
			rest, last := r.unquotedRest()
			return append(out, rest...), last
		default:
			if c == '\n' {
				r.nextLn++
			}
			out = append(out, c)
			r.i++
		}
	}
	r.open = true
	return out, true
}

func (r *csvReader) unquotedRest() ([]byte, bool) {
	start := r.i
	for ; r.i < len(r.b); r.i++ {
		switch r.b[r.i] {
		case ',':
			r.i++
			return r.b[start : r.i-1], false
		case '\n', '\r':
			rest := r.b[start:r.i]
			r.endLine()
			return rest, true
		}
	}
	return r.b[start:], true
}
