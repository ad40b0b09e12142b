package smart

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Mapping says which column of a CSV file holds what: from one of date,
// serial_number, model, capacity_bytes, failure or the name of an Attribute to
// the name of the column. With a mapping, numbers may have a unit behind them
// ("28 Celsius"), which is passed over, dates may be Unix times in seconds, and
// of columns with one name the first is taken.
type Mapping map[string]string

// ParseMapping reads a mapping file: one "what: column" a line, blank lines and
// those that begin with # passed over. The name stands for the file in errors,
// which are of kind Invalid and name the line.
func ParseMapping(text []byte, name string) (Mapping, error) {
	m := Mapping{}
	for i, line := range strings.Split(string(text), "\n") {
		line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
		if line == "" || line[0] == '#' {
			continue
		}
		what, column, ok := strings.Cut(line, ":")
		what, column = strings.TrimSpace(what), strings.Trim(strings.TrimSpace(column), `"'`)
		if !ok || column == "" {
			return nil, &errs.Input{File: name, Row: i + 1, Problem: "this is not of the form what: column", Mend: "write for example serial_number: Serial"}
		}
		switch what {
		case "date", "serial_number", "model", "capacity_bytes", "failure":
		default:
			if _, known := ParseAttribute(what); !known {
				return nil, &errs.Input{File: name, Row: i + 1, Column: what, Problem: "nothing is known by this name",
					Mend: "use date, serial_number, model, capacity_bytes, failure, smart_N_raw or one of " + strings.Join(attributeNames[:], ", ")}
			}
		}
		m[what] = column
	}
	if m["date"] == "" || m["serial_number"] == "" {
		return nil, &errs.Input{File: name, Problem: "the mapping must say which columns are date and serial_number", Mend: "add a line for each"}
	}
	return m, nil
}

// ReadMapping reads a mapping file as ParseMapping does.
func ReadMapping(path string) (Mapping, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, &errs.Input{File: path, Problem: "there is no such mapping file", Mend: "check the path"}
	} else if err != nil {
		return nil, errs.Wrap(err, "read the mapping")
	}
	return ParseMapping(text, path)
}

// meanings returns what a column holds; its own name, in lower case, when there
// is no mapping.
func (m Mapping) meanings(column string) []string {
	if m == nil {
		return []string{strings.ToLower(column)}
	}
	var out []string
	for what, c := range m {
		if c == column {
			out = append(out, what)
		}
	}
	return out
}

// numberWithUnit reads a number with letters, signs or % behind it.
func numberWithUnit(cell []byte) (float64, bool) {
	cell = bytes.TrimSpace(cell)
	n := 0
	for n < len(cell) && (cell[n] >= '0' && cell[n] <= '9' || cell[n] == '.' || cell[n] == '-' && n == 0) {
		n++
	}
	if unit := bytes.TrimSpace(cell[n:]); len(unit) > 16 || bytes.ContainsAny(unit, "0123456789") {
		return 0, false
	}
	v, err := strconv.ParseFloat(string(cell[:n]), 64)
	return v, err == nil
}

// parseUnix reads a time in seconds since 1970, of this century or the end of the
// last.
func parseUnix(cell []byte) (Date, bool) {
	v, err := strconv.ParseFloat(string(bytes.TrimSpace(cell)), 64)
	if err != nil || v < 5e8 || v > 1e10 {
		return NoDate, false
	}
	return Date(int64(v) / 86400), true
}
