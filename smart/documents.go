package smart

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// documents cuts a stream into the reports in it: JSON objects one behind the
// other, or in an array, and plain texts, each from one banner of smartctl to the
// next. What is broken is told of once, and reading goes on where the next report
// begins.
type documents struct {
	name    string
	report  func(*Report) error
	refused func(error) error

	line  int // of the input
	mode  mode
	begin int // line of the document's first byte
	doc   []byte
	json  jsonEnd
	found int
	some  bool // there is a line
	told  bool // of a fault
}

type mode uint8

const (
	between  mode = iota // no report has begun
	inJSON               // depth of the object is above zero
	inText               // lines since the banner
	skipping             // what is broken, until a report begins
)

// readDocuments gives each report of r to report and each fault to refused, which
// may end the reading by returning an error.
func readDocuments(r io.Reader, name string, report func(*Report) error, refused func(error) error) error {
	d := &documents{name: name, report: report}
	d.refused = func(err error) error {
		d.told = true
		return refused(err)
	}
	in := bufio.NewReaderSize(unicodeText(r), 64<<10)
	for {
		line, err := readLine(in, maxReport)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrTooLong) {
			return d.fault(d.line+1, "the file cannot be read to its end: "+err.Error())
		}
		long := errors.Is(err, bufio.ErrTooLong)
		d.line++
		switch {
		case long:
			d.mode, d.doc = skipping, nil
			err = d.fault(d.line, "the line is longer than 64 MB, too long for a report of smartctl")
		case len(line) > 0:
			d.some = true
			if e := d.take(line); e != nil {
				return e
			}
		}
		if err == nil {
			continue
		} else if long {
			return err
		}
		return d.finish()
	}
}

// readLine returns the next line with its end. The last may be without one and
// comes with io.EOF.
func readLine(in *bufio.Reader, most int) ([]byte, error) {
	var whole []byte
	for {
		part, err := in.ReadSlice('\n')
		switch {
		case err == nil && whole == nil:
			return part, nil
		case len(whole)+len(part) > most:
			return nil, bufio.ErrTooLong
		}
		whole = append(whole, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return whole, err
		}
	}
}

// take goes on with a line.
func (d *documents) take(line []byte) error {
	for len(line) > 0 {
		var err error
		switch d.mode {
		case inJSON:
			line, err = d.takeJSON(line)
		case inText:
			line, err = d.takeText(line)
		default:
			line, err = d.start(line)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// start looks for a report's beginning and returns what is left of the line.
func (d *documents) start(line []byte) ([]byte, error) {
	rest := bytes.TrimLeft(line, " \t\r\n,")
	if at := bytes.IndexAny(rest, "{"); at > 0 && len(bytes.Trim(rest[:at], "[], \t")) == 0 {
		rest = rest[at:]
	}
	switch {
	case len(bytes.Trim(rest, "[], \t\r\n")) == 0:
		return nil, nil
	case rest[0] == '{' && (d.mode != skipping || line[0] == '{'):
		d.mode, d.doc, d.begin, d.json = inJSON, d.doc[:0], d.line, jsonEnd{}
		return rest, nil
	case isBanner(rest) || d.mode == between && bytes.Contains(rest, []byte("smartctl")):
		d.mode, d.doc, d.begin = inText, append(d.doc[:0], line...), d.line
		return nil, nil
	case d.mode == skipping:
		return nil, nil
	}
	d.mode = skipping
	problem := "this is neither JSON nor what smartctl prints"
	if d.found > 0 {
		problem = "what follows the report is neither JSON nor what smartctl prints"
	}
	return nil, d.fault(d.line, problem)
}

// isBanner reports whether a line is the one that smartctl's text begins with.
func isBanner(line []byte) bool {
	rest, ok := bytes.CutPrefix(line, []byte("smartctl "))
	return ok && len(rest) > 0 && rest[0] >= '0' && rest[0] <= '9'
}

func (d *documents) takeText(line []byte) ([]byte, error) {
	first := bytes.HasPrefix(d.doc, []byte("smartctl ")) || bytes.Contains(d.doc, []byte("\nsmartctl "))
	if line[0] == '{' || first && isBanner(line) {
		d.mode = between
		return line, d.text()
	}
	d.doc = append(d.doc, line...)
	if len(d.doc) > maxReport {
		d.mode = skipping
		return nil, d.fault(d.begin, "the report is larger than 64 MB")
	}
	return nil, nil
}

func (d *documents) text() error {
	r, err := parseText(d.doc, d.name)
	return d.give(r, err)
}

func (d *documents) takeJSON(line []byte) ([]byte, error) {
	n, state := d.json.scan(line)
	if len(d.doc)+n > maxReport {
		d.mode, d.doc = skipping, nil
		return nil, d.fault(d.begin, "the report is larger than 64 MB")
	}
	d.doc = append(d.doc, line[:n]...)
	switch state {
	case jsonOpen:
		return nil, nil
	case jsonClosed:
		d.mode = between
		return line[n:], d.object()
	}
	d.mode = skipping
	err := d.object()
	if n == 0 {
		return line, err // the next report begins here
	}
	return nil, err
}

// object reads the JSON object in hand, whole or broken.
func (d *documents) object() error {
	r, err := parseObject(d.doc, d.name, d.begin)
	return d.give(r, err)
}

func (d *documents) give(r *Report, err error) error {
	var in *errs.Input
	if errors.As(err, &in) && in.Row == 0 {
		in.Row = d.begin
	}
	if err != nil {
		return d.refused(err)
	}
	d.found++
	r.File, r.Line = d.name, int32(min(d.begin, 1<<31-1))
	return d.report(r)
}

func (d *documents) finish() error {
	switch {
	case d.mode == inJSON:
		return d.object()
	case d.mode == inText:
		return d.text()
	case d.mode == between && d.found == 0 && !d.told:
		problem := "the file is empty"
		if d.some {
			problem = "the file holds no report"
		}
		return d.refused(&errs.Input{File: d.name, Problem: problem, Mend: mendReport})
	}
	return nil
}

const mendReport = "hand over what smartctl -x -j prints"

func (d *documents) fault(line int, problem string) error {
	return d.refused(&errs.Input{File: d.name, Row: line, Problem: problem, Mend: mendReport})
}

// jsonEnd finds the end of a JSON object, or the place where it cannot go on. It
// looks only at what is needed for that: quotes and brackets.
type jsonEnd struct {
	open   []byte // brackets not yet closed
	quoted bool
	escape bool
	last   byte // the last byte outside quotes that is no space
}

type jsonState uint8

const (
	jsonOpen jsonState = iota
	jsonClosed
	jsonBroken
)

const maxJSONDepth = 200

// scan goes over bytes; n is how many belong to the object.
func (j *jsonEnd) scan(line []byte) (n int, state jsonState) {
	for i, c := range line {
		switch {
		case j.quoted:
			switch {
			case j.escape:
				j.escape = false
			case c == '\\':
				j.escape = true
			case c == '"':
				j.quoted = false
			case c == '\n':
				return i + 1, jsonBroken
			}
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case c == '"':
			j.quoted = true
		case c == '{' || c == '[':
			if len(j.open) > 0 && !j.valueMayFollow() || len(j.open) == maxJSONDepth {
				return i, jsonBroken
			}
			j.open = append(j.open, c)
		case c == '}' || c == ']':
			if j.open[len(j.open)-1] != c-2 {
				return i + 1, jsonBroken
			}
			if j.open = j.open[:len(j.open)-1]; len(j.open) == 0 {
				return i + 1, jsonClosed
			}
		}
		j.last = c
	}
	return len(line), jsonOpen
}

func (j *jsonEnd) valueMayFollow() bool {
	return j.last == ':' || j.open[len(j.open)-1] == '[' && strings.IndexByte("[,", j.last) >= 0
}
