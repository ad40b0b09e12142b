package score

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// inferRequest is the JSON of a request of the Open Inference Protocol.
type inferRequest struct {
	ID         string         `json:"id"`
	Parameters map[string]any `json:"parameters"`
	Inputs     []tensor       `json:"inputs"`
	Outputs    []outputAsked  `json:"outputs"`
}

// outputAsked is an output that a request names.
type outputAsked struct {
	Name       string         `json:"name"`
	Parameters map[string]any `json:"parameters"`
}

// tensor is an input: its elements row by row.
type tensor struct {
	Name       string          `json:"name"`
	Shape      []int64         `json:"shape"`
	Datatype   string          `json:"datatype"`
	Parameters map[string]any  `json:"parameters"`
	Data       json.RawMessage `json:"data"`
	nums       []float64       // NaN where data has null
	texts      [][]byte        // of BYTES, nil where data has null
	count      int
}

// at returns element i.
func (t *tensor) at(i int) cell {
	switch {
	case t.Datatype == "BYTES" && t.texts[i] != nil:
		return cell{kind: isText, num: math.NaN(), text: t.texts[i]}
	case t.Datatype == "BYTES" || math.IsNaN(t.nums[i]):
		return cell{kind: isNull, num: math.NaN()}
	case t.Datatype == "BOOL":
		return cell{kind: isBool, num: t.nums[i]}
	case isReal(t.Datatype):
		return cell{kind: isFloat, num: t.nums[i]}
	}
	return cell{kind: isInt, num: t.nums[i]}
}

func isReal(datatype string) bool { return strings.HasPrefix(datatype, "FP") || datatype == "BF16" }

// widthOf holds the bytes of an element in a binary tensor; 0: each has its own
// length before it.
var widthOf = map[string]int{"BOOL": 1, "UINT8": 1, "UINT16": 2, "UINT32": 4, "UINT64": 8, "INT8": 1, "INT16": 2, "INT32": 4, "INT64": 8,
	"FP16": 2, "BF16": 2, "FP32": 4, "FP64": 8, "BYTES": 0}

// tensors reads the body of a request; size is the header that says how many of
// its bytes are JSON.
func tensorsOf(body []byte, size string) (*inferRequest, error) {
	text, rest := body, []byte(nil)
	if size != "" {
		n, err := strconv.Atoi(size)
		if err != nil || n < 0 || n > len(body) {
			return nil, fmt.Errorf("%s is %q, and the body has %d bytes", headerLength, size, len(body))
		}
		text, rest = body[:n], body[n:]
	}
	var q inferRequest
	if err := json.Unmarshal(text, &q); err != nil {
		return nil, fmt.Errorf("the request is not the JSON of an inference: %w", err)
	}
	for i := range q.Inputs {
		t := &q.Inputs[i]
		var err error
		if rest, err = t.read(rest); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	if len(rest) > 0 {
		return nil, fmt.Errorf("%d bytes follow the last binary tensor", len(rest))
	}
	return &q, q.check()
}

// check refuses tensors that share a name or whose shape is not theirs.
func (q *inferRequest) check() error {
	if len(q.Inputs) == 0 {
		return fmt.Errorf("inputs holds no tensor")
	}
	seen := map[string]bool{}
	for i := range q.Inputs {
		t := &q.Inputs[i]
		if seen[t.Name] {
			return fmt.Errorf("two tensors have the name %q", t.Name)
		}
		seen[t.Name] = true
		if err := t.measure(); err != nil {
			return fmt.Errorf("tensor %q: %w", t.Name, err)
		}
	}
	return nil
}

// read fills the tensor's cells, from its JSON or from the front of the binary
// data, of which it returns the rest.
func (t *tensor) read(rest []byte) ([]byte, error) {
	if _, ok := widthOf[t.Datatype]; !ok {
		return nil, fmt.Errorf("there is no datatype %q", t.Datatype)
	}
	var err error
	if v, ok := t.Parameters["binary_data_size"]; ok {
		n, isNumber := v.(float64)
		if !isNumber || n < 0 || n > float64(len(rest)) || n != math.Trunc(n) {
			return nil, fmt.Errorf("binary_data_size is %v, and %d bytes are left", v, len(rest))
		}
		err = t.unpack(rest[:int(n)])
		rest = rest[int(n):]
	} else {
		err = t.parse()
	}
	return rest, err
}

// measure counts the elements, which must fill the shape.
func (t *tensor) measure() error {
	if _, ok := widthOf[t.Datatype]; !ok {
		return fmt.Errorf("there is no datatype %q", t.Datatype)
	}
	want := int64(1)
	for _, d := range t.Shape {
		if d < 0 || d > 0 && want > math.MaxInt32/d {
			return fmt.Errorf("its shape is %v", t.Shape)
		}
		want *= d
	}
	t.count = max(len(t.nums), len(t.texts))
	if int64(t.count) != want {
		return fmt.Errorf("its shape %v is of %d elements, and it has %d", t.Shape, want, t.count)
	}
	return nil
}

// parse reads data, flat or nested.
func (t *tensor) parse() error {
	if len(t.Data) == 0 {
		return fmt.Errorf("it has no data")
	}
	d := json.NewDecoder(bytes.NewReader(t.Data))
	d.UseNumber()
	for depth := 0; ; {
		token, err := d.Token()
		if err != nil {
			return nil // the end: the whole was found to be JSON before
		}
		switch token {
		case json.Delim('['):
			depth++
		case json.Delim(']'):
			depth--
		case json.Delim('{'):
			return fmt.Errorf("data holds an object")
		default:
			if err := t.element(token); err != nil {
				return err
			}
		}
		if depth > 16 {
			return fmt.Errorf("data is nested too deep")
		}
	}
}

// element appends an element of JSON. null is a missing one.
func (t *tensor) element(v any) error {
	x := math.NaN()
	switch v := v.(type) {
	case nil:
		if t.Datatype == "BYTES" {
			t.texts = append(t.texts, nil)
			return nil
		}
	case bool:
		if t.Datatype != "BOOL" {
			return fmt.Errorf("%v is not of datatype %s", v, t.Datatype)
		}
		if x = 0; v {
			x = 1
		}
	case string:
		if t.Datatype != "BYTES" {
			return fmt.Errorf("%q is not of datatype %s", v, t.Datatype)
		}
		t.texts = append(t.texts, append([]byte{}, v...))
		return nil
	case json.Number:
		var err error
		x, err = v.Float64()
		if err != nil {
			return fmt.Errorf("%s is not a number of 64 bits", v)
		}
		if t.Datatype == "BOOL" || t.Datatype == "BYTES" || !isReal(t.Datatype) && x != math.Trunc(x) {
			return fmt.Errorf("%s is not of datatype %s", v, t.Datatype)
		}
	}
	t.nums = append(t.nums, x)
	return nil
}

// unpack reads the elements of a binary tensor, little-endian.
func (t *tensor) unpack(b []byte) error {
	w, ok := widthOf[t.Datatype]
	if !ok {
		return fmt.Errorf("there is no datatype %q", t.Datatype)
	}
	if w == 0 {
		return t.unpackTexts(b)
	}
	if len(b)%w != 0 {
		return fmt.Errorf("%d bytes are no whole number of elements of %d", len(b), w)
	}
	t.nums = make([]float64, len(b)/w)
	for i := range t.nums {
		bits := uint64(0)
		for k, x := range b[i*w : (i+1)*w] {
			bits |= uint64(x) << (8 * k)
		}
		t.nums[i] = numberOf(t.Datatype, bits, w)
	}
	return nil
}

// numberOf returns the value of an element of w bytes.
func numberOf(datatype string, bits uint64, w int) float64 {
	switch {
	case datatype == "FP64":
		return math.Float64frombits(bits)
	case datatype == "FP32":
		return float64(math.Float32frombits(uint32(bits)))
	case datatype == "BF16":
		return float64(math.Float32frombits(uint32(bits) << 16))
	case datatype == "FP16":
		return half(uint16(bits))
	case datatype == "BOOL":
		return float64(min(bits, 1))
	case strings.HasPrefix(datatype, "U"):
		return float64(bits)
	}
	shift := 64 - 8*w
	return float64(int64(bits<<shift) >> shift)
}

// unpackTexts reads texts that each follow their length in four bytes.
func (t *tensor) unpackTexts(b []byte) error {
	for len(b) > 0 {
		if len(b) < 4 || uint64(binary.LittleEndian.Uint32(b)) > uint64(len(b)-4) {
			return fmt.Errorf("a text ends too early")
		}
		n := int(binary.LittleEndian.Uint32(b))
		t.texts = append(t.texts, b[4:4+n:4+n])
		b = b[4+n:]
	}
	return nil
}

// half returns the value of an IEEE 754 number of 16 bits.
func half(h uint16) float64 {
	sign, exp, frac := 1.0, int(h>>10&31), float64(h&1023)
	if h>>15 != 0 {
		sign = -1
	}
	switch exp {
	case 0:
		return sign * math.Ldexp(frac, -24)
	case 31:
		if frac != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1024+frac, exp-25)
}
