package smart

import (
	"bytes"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Mapping says which column of a CSV or Parquet file holds what: by one of date,
// serial_number, model, capacity_bytes, failure or the name of an Attribute; in a
// file of intervals start, stop and event stand for date and failure, see
// ReadIntervals. With a mapping, numbers may have a unit behind them ("28
// Celsius"), which is passed over, dates may be Unix times in seconds, and of
// columns with one name the first is taken.
type Mapping map[string]MappedColumn

// MappedColumn is a column of somebody's file.
type MappedColumn struct {
	Column string
	Scale  float64 // what its numbers are multiplied by: 0.016666666666666666 makes hours of minutes
}

// identities are what a mapping may name besides attributes.
var identities = []string{"date", "serial_number", "model", "capacity_bytes", "failure", "start", "stop", "event"}

// ParseMapping reads a mapping file: YAML with "what: column" for each column, or
// "what: {column: name, scale: number}". The name stands for the file in errors,
// which are of kind Invalid and name the line.
func ParseMapping(text []byte, name string) (Mapping, error) {
	var doc yaml.Node
	fault := func(n *yaml.Node, column, problem, mend string) error {
		return &errs.Input{File: name, Row: n.Line, Column: column, Problem: problem, Mend: mend}
	}
	if err := yaml.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &doc); err != nil {
		return nil, &errs.Input{File: name, Problem: "the mapping is no YAML: " + err.Error(), Mend: "write one what: column a line"}
	}
	m := Mapping{}
	if len(doc.Content) > 0 {
		root := doc.Content[0]
		if root.Kind != yaml.MappingNode {
			return nil, fault(root, "", "this is not of the form what: column", "write for example serial_number: Serial")
		}
		for i := 0; i+1 < len(root.Content); i += 2 {
			key, value := root.Content[i], root.Content[i+1]
			what := key.Value
			if _, known := ParseAttribute(what); !known && !slices.Contains(identities, what) {
				return nil, fault(key, what, "nothing is known by this name",
					"use "+strings.Join(identities, ", ")+", smart_N_raw, smart_N_normalized or one of "+strings.Join(attributeNames[:], ", "))
			}
			if _, twice := m[what]; twice {
				return nil, fault(key, what, "it is mapped twice", "keep one of the two")
			}
			c, problem := mappedColumn(value)
			if problem != "" {
				return nil, fault(value, what, problem, "write "+what+": column, or "+what+": {column: name, scale: number}")
			}
			m[what] = c
		}
	}
	day, interval := m["date"].Column != "", m["start"].Column != "" && m["stop"].Column != "" && m["event"].Column != ""
	if m["serial_number"].Column == "" || !day && !interval {
		return nil, &errs.Input{File: name, Problem: "the mapping must say which columns are serial_number and date (of intervals: start, stop and event)",
			Mend: "add a line for each"}
	}
	return m, nil
}

// mappedColumn reads the column that is mapped, or says what is wrong.
func mappedColumn(n *yaml.Node) (c MappedColumn, problem string) {
	c.Scale = 1
	if n.Kind == yaml.ScalarNode && n.Value != "" && n.Tag != "!!null" {
		c.Column = n.Value
		return c, ""
	}
	if n.Kind != yaml.MappingNode {
		return c, "no column is named"
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		switch v := n.Content[i+1].Value; n.Content[i].Value {
		case "column":
			c.Column = v
		case "scale":
			f, err := strconv.ParseFloat(v, 64)
			if err != nil || !(f > 0) || math.IsInf(f, 0) {
				return c, "the scale " + strconv.Quote(v) + " is no number above zero"
			}
			c.Scale = f
		default:
			return c, strconv.Quote(n.Content[i].Value) + " is neither column nor scale"
		}
	}
	if c.Column == "" {
		return c, "no column is named"
	}
	return c, ""
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
		if c.Column == column {
			out = append(out, what)
		}
	}
	return out
}

// scale returns what the numbers of a meaning are multiplied by.
func (m Mapping) scale(what string) float64 {
	if c, ok := m[what]; ok {
		return c.Scale
	}
	return 1
}

// numberWithUnit reads a number with letters, signs or % behind it, a mark of what
// is missing, or a yes or no as 1 or 0.
func numberWithUnit(cell []byte) (float64, bool) {
	cell = bytes.TrimSpace(cell)
	switch strings.ToLower(string(cell)) {
	case "na", "n/a", "nan", "null", "none", "-", "":
		return math.NaN(), true
	case "true", "yes":
		return 1, true
	case "false", "no":
		return 0, true
	}
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

// absent returns what the mapping names columns for that are not among names, in
// alphabetical order; columns of intervals do not count.
func (m Mapping) absent(names []string) []string {
	var out []string
	for what := range m {
		found := what == "start" || what == "stop" || what == "event"
		for _, n := range names {
			found = found || slices.Contains(m.meanings(n), what)
		}
		if !found {
			out = append(out, what)
		}
	}
	slices.Sort(out)
	return out
}
