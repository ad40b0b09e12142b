package score

import (
	"fmt"
	"strconv"
)

// The four input forms of MLflow's scoring protocol.
const (
	formSplit     = "dataframe_split"
	formRecords   = "dataframe_records"
	formInstances = "instances"
	formInputs    = "inputs"
)

// request is one parsed body.
type request struct {
	frame  frame
	form   string   // the input form that was found first
	forms  []string // every input form found, in order
	keys   []string // keys of an object that has no input form
	params []byte   // the value of params, or nil
	bad    *fault   // a shape that is wrong, told once the whole text is known to be JSON
	split  splitKeys
}

// splitKeys is what a dataframe_split holds besides its data.
type splitKeys struct {
	columns  []string
	hasCols  bool
	hasData  bool
	index    int // entries of index, -1 when it is absent
	keys     []string
	extra    bool
	notAList bool
}

func (q *request) reset() {
	q.frame.reset()
	q.form, q.forms, q.keys, q.params, q.bad = "", q.forms[:0], nil, nil, nil
}

// parse reads a JSON body. A fault has MLflow's status and text.
func (q *request) parse(body []byte) *fault {
	s := &scan{b: body}
	var err error
	lead := ""
	switch s.next() {
	case '{':
		err = s.object(func(key []byte) error { return q.key(s, key) })
	case '[':
		lead = "Received a list."
		err = s.skip()
	default:
		var v cell
		v, err = s.value()
		lead = "Received unexpected input type '" + pythonType(v.kind) + "."
	}
	if err == nil && s.next() != 0 || err == nil && s.i < len(s.b) {
		err = s.fail("Extra data")
	}
	switch {
	case err != nil:
		return notJSON(err, body)
	case lead != "":
		return invalidInput(requiredFormat + ". " + lead)
	case len(q.forms) != 1:
		return badRequest(requiredFormat + ". Received dictionary with input fields: " + pythonList(q.forms) + ". " + protocolChange)
	case q.frame.over:
		return invalidInput("The input has too many empty cells for its size.")
	case q.bad != nil:
		return q.bad
	case q.frame.mixed:
		return invalidInput(mixedRows)
	}
	return nil
}

// mixedRows is said of rows of which some came with names and others did not.
const mixedRows = "The rows mix lists and objects; write all of them as lists of values, or all as objects by column name"

func pythonType(k kinds) string {
	switch k {
	case isText:
		return "<class 'str'>"
	case isInt:
		return "<class 'int'>"
	case isFloat:
		return "<class 'float'>"
	case isBool:
		return "<class 'bool'>"
	}
	return "<class 'NoneType'>"
}

// key reads the value of one key of the body.
func (q *request) key(s *scan, key []byte) error {
	switch string(key) {
	case formSplit, formRecords, formInstances, formInputs:
		again := len(q.forms) == 1 && q.form == string(key)
		if len(q.forms) > 0 && !again {
			q.forms = append(q.forms, string(key))
			return s.skip()
		}
		if again { // as in Python, the last of equal keys counts
			q.frame.reset()
			q.bad = nil
		} else {
			q.form = formName(key)
			q.forms = append(q.forms, q.form)
		}
		return q.input(s)
	case "params":
		s.next()
		start := s.i
		err := s.skip()
		q.params = s.b[start:s.i]
		return err
	}
	return s.skip()
}

// formName returns the constant that equals key, so that no copy is made.
func formName(key []byte) string {
	for _, f := range [...]string{formSplit, formRecords, formInstances, formInputs} {
		if f == string(key) {
			return f
		}
	}
	return ""
}

// input reads the value under an input form.
func (q *request) input(s *scan) error {
	c := s.next()
	switch q.form {
	case formSplit:
		if c == '{' {
			return q.splitForm(s)
		}
		return q.wrong(s, "Dataframe split format must be a dictionary. Got %s.", c == '[', "list")
	case formRecords:
		if c == '[' {
			return q.rows(s)
		}
		return q.wrong(s, "Dataframe records format must be a list of records. Got %s.", c == '{', "dictionary")
	}
	switch c {
	case '[':
		return q.rows(s)
	case '{':
		q.frame.byName, q.frame.dict = true, true
		return q.arrays(s)
	}
	v, err := s.value()
	if err == nil {
		q.frame.at(0).put(v)
		q.frame.scalar = true
		q.frame.endRow(1)
	}
	return err
}

func (q *request) wrong(s *scan, format string, known bool, name string) error {
	v, err := s.value()
	if !known {
		name = "type " + pythonType(v.kind)
	}
	q.bad = invalidInput(fmt.Sprintf(format, name))
	return err
}

// rows reads an array of rows: lists, objects or scalars.
func (q *request) rows(s *scan) error {
	f := &q.frame
	return s.list(func() error {
		if f.over {
			return s.skip()
		}
		switch s.next() {
		case '[':
			f.shape(false)
			if s.i++; f.plain(s, false) {
				return nil
			}
			s.i--
			n := 0
			err := s.list(func() error {
				v, err := s.value()
				f.at(n).put(v)
				n++
				return err
			})
			f.endRow(n)
			return err
		case '{':
			f.shape(true)
			n := 0
			err := s.object(func(key []byte) error {
				j := f.named(key, n)
				v, err := s.value()
				f.at(j).set(f.rows, v)
				n++
				return err
			})
			if n < len(f.cols) || f.rows > 0 && n != f.widest {
				f.gaps = true
			}
			f.endRow(n)
			return err
		}
		f.shape(false)
		v, err := s.value()
		f.scalar = true
		f.at(0).put(v)
		f.endRow(1)
		return err
	})
}

// arrays reads an object of columns: arrays of equal length, or scalars.
func (q *request) arrays(s *scan) error {
	f := &q.frame
	first := true
	err := s.object(func(key []byte) error {
		j := f.named(key, len(f.cols))
		c := f.at(j)
		c.nums, c.texts, c.seen = c.nums[:0], nil, 0
		if s.next() != '[' {
			v, err := s.value()
			c.put(v)
			f.scalar = true
			f.measure(c, &first)
			return err
		}
		err := s.list(func() error {
			if s.next() == '[' { // a column of shape (n, 1)
				return q.oneElement(s, c)
			}
			v, err := s.value()
			c.put(v)
			return err
		})
		f.measure(c, &first)
		return err
	})
	return err
}

// oneElement reads [x] as x, and any other list as a nested cell.
func (q *request) oneElement(s *scan, c *column) error {
	n := 0
	var only cell
	err := s.list(func() error {
		v, err := s.value()
		only = v
		n++
		return err
	})
	if n != 1 {
		only = cell{kind: isNested}
	}
	c.put(only)
	return err
}

// measure takes the number of rows from the first column and notes others that
// differ.
func (f *frame) measure(c *column, first *bool) {
	if *first {
		f.rows, *first = len(c.nums), false
	} else if len(c.nums) != f.rows {
		f.ragged = true
	}
}

func (q *request) splitForm(s *scan) error {
	k := &q.split
	*k = splitKeys{columns: k.columns[:0], index: -1, keys: k.keys[:0]}
	err := s.object(func(key []byte) error {
		switch string(key) {
		case "data":
			k.hasData = true
			q.frame.reset()
			if s.next() != '[' {
				k.notAList = true
				return s.skip()
			}
			return q.rows(s)
		case "columns":
			k.columns, k.hasCols = k.columns[:0], false
			if s.next() != '[' {
				return s.skip()
			}
			k.hasCols = true
			return s.list(func() error { return q.columnName(s) })
		case "index":
			if s.next() != '[' {
				return s.skip()
			}
			k.index = 0
			return s.list(func() error { k.index++; return s.skip() })
		}
		k.extra = true
		k.keys = append(k.keys, string(key))
		return s.skip()
	})
	if err == nil {
		q.bad = q.joinSplit()
	}
	return err
}

func (q *request) columnName(s *scan) error {
	v, err := s.value()
	if err != nil {
		return err
	}
	name, ok := q.frame.names[string(v.text)]
	switch {
	case v.kind == isText && !ok:
		name = string(v.text)
	case v.kind == isInt:
		name = strconv.FormatFloat(v.num, 'f', -1, 64)
	case v.kind == isFloat:
		name = string(appendFloat(nil, v.num))
	}
	q.split.columns = append(q.split.columns, name)
	return nil
}

// joinSplit gives the columns of a dataframe_split their names.
func (q *request) joinSplit() *fault {
	k, f := &q.split, &q.frame
	if !k.hasData || k.extra {
		keys := k.keys
		if k.hasData {
			keys = append(keys, "data")
		}
		if k.hasCols {
			keys = append(keys, "columns")
		}
		if k.index >= 0 {
			keys = append(keys, "index")
		}
		return invalidInput("Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got " + pythonSet(keys) + ".'")
	}
	bad := func(format string, args ...any) *fault {
		return invalidInput("Provided dataframe_split field is not a valid dataframe representation in 'split' format. Error: '" + fmt.Sprintf(format, args...) + "'")
	}
	if k.notAList {
		return bad("DataFrame constructor not properly called!")
	}
	if k.index >= 0 && k.index != f.rows {
		return bad("Length of values (%d) does not match length of index (%d)", f.rows, k.index)
	}
	if !k.hasCols {
		return nil
	}
	if f.byName || f.rows == 0 { // rows were objects: columns selects
		f.byName = true
		for i, name := range k.columns {
			f.named([]byte(name), i)
		}
		return nil
	}
	if f.widest != len(k.columns) {
		return bad("%d columns passed, passed data had %d columns", len(k.columns), f.widest)
	}
	f.byName = true
	for j, name := range k.columns {
		f.cols[j].name = name
	}
	return nil
}
