package score

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
)

// cast changes column c, which feeds column j of the estimator, to numbers of
// the type that the signature declares; without a signature, to numbers.
func (p *plan) cast(q *request, j int, c *column) *fault {
	if f := p.field(j); c.dtype != "" && f != nil && (p.enc[j] == nil || c.texts == nil) {
		if bad := p.enforceType(q, f, c); bad != nil {
			return bad
		}
	}
	if c.seen&isNested != 0 {
		return p.castFault(q, j, c, "ValueError", "setting an array element with a sequence.")
	}
	if c.texts != nil {
		if bad := p.decode(q, j, c); bad != nil {
			return bad
		}
	} else if bad := p.written(j, c); bad != nil {
		return bad
	}
	field := p.field(j)
	if field == nil || p.enc[j] != nil && c.texts != nil {
		return nil
	}
	switch field.Type {
	case mlfolder.Long, mlfolder.Integer:
		if c.seen&^isInt == 0 {
			return nil
		}
		for r, v := range c.nums {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				if q.form == formInstances || q.form == formInputs {
					return invalidInput("cannot convert float NaN to integer")
				}
				if c.seen&(isInt|isFloat|isBool) == 0 || c.seen&isText != 0 { // a column of objects
					return p.castFault(q, j, c, "TypeError", "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'")
				}
				return p.castFault(q, j, c, "IntCastingNaNError", "Cannot convert non-finite values (NA or inf) to integer. Replace or remove non-finite values or cast to an integer type that supports these values (e.g. 'Int64')")
			}
			c.nums[r] = math.Trunc(v)
		}
	case mlfolder.Float:
		for r, v := range c.nums {
			c.nums[r] = float64(float32(v))
		}
	case mlfolder.Boolean:
		for r, v := range c.nums {
			if v != 0 { // NaN too: Python's bool(nan) is True
				c.nums[r] = 1
			}
		}
	}
	return nil
}

// decode replaces text by numbers: with the encoder of the column, else by
// reading the text as a number.
func (p *plan) decode(q *request, j int, c *column) *fault {
	for r, s := range c.texts {
		if enc := p.enc[j]; enc != nil {
			v, err := codeOf(enc, s, c.nums[r])
			if err != nil {
				return &fault{status: 400, code: codeBadRequest, message: "Invalid input. " + err.Error()}
			}
			c.nums[r] = v
			continue
		}
		if s == "" {
			continue // a number or null beside texts
		}
		v, ok := pythonFloat(s)
		if !ok {
			reason := "could not convert string to float: " + pythonQuote(s)
			if f := p.field(j); f != nil && (f.Type == mlfolder.Long || f.Type == mlfolder.Integer) {
				reason = "invalid literal for int() with base 10: " + pythonQuote(s)
			}
			return p.castFault(q, j, c, "ValueError", reason)
		}
		c.nums[r] = v
	}
	return nil
}

// codeOf returns the number of text s, or of number v where s is empty. A text that
// the encoder does not know may be a number in quotes, unless it knows texts only.
func codeOf(enc *model.Encoder, s string, v float64) (float64, error) {
	if s == "" {
		return enc.Number(v)
	}
	code, err := enc.Code(s)
	if err != nil && !enc.TextOnly {
		if f, ok := pythonFloat(s); ok {
			return f, nil
		}
	}
	return code, err
}

// written replaces numbers, where the column holds texts only, by those of the
// texts that they are written as.
func (p *plan) written(j int, c *column) *fault {
	if p.enc[j] == nil || !p.enc[j].TextOnly {
		return nil
	}
	for r, v := range c.nums {
		code, err := p.enc[j].Number(v)
		if err != nil {
			return &fault{status: 400, code: codeBadRequest, message: "Invalid input. " + err.Error()}
		}
		c.nums[r] = code
	}
	return nil
}

// pythonFloat reads a number as Python's float does.
func pythonFloat(s string) (float64, bool) {
	s = strings.TrimSpace(s)
	if len(s) > 1 && (s[0] == '0' || s[1] == '0') && strings.ContainsAny(s, "xXpP") {
		return 0, false // Go reads hexadecimal, Python does not
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil && (!math.IsInf(v, 0) || strings.Contains(strings.ToLower(s), "inf")) {
		return 0, false
	}
	return v, true
}

// castFault is MLflow's answer to a column that cannot have the declared type;
// without a signature, the model refuses it.
func (p *plan) castFault(q *request, j int, c *column, class, reason string) *fault {
	f := p.field(j)
	if p.tensor != nil && (q.form == formSplit || q.form == formRecords) {
		f = &mlfolder.Field{Type: p.tensor.Tensor.DType}
	}
	if f == nil {
		return evaluation(fmt.Errorf("column %d (%s): %s", j, c.name, reason))
	}
	if q.form == formInstances || q.form == formInputs {
		return invalidInput(reason)
	}
	name := f.Name
	if name == "" {
		name = c.name
	}
	numpy, known := numpyNames[f.Type]
	if !known {
		numpy = f.Type
	}
	return invalidInput(fmt.Sprintf("Data is not compatible with model signature. Failed to convert column %s to type '%s'. Error: '%s(%s)'",
		name, numpy, class, pythonRepr(reason)))
}

// pythonRepr prints a text as the only argument of an exception is printed.
func pythonRepr(s string) string {
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		return `"` + s + `"`
	}
	return pythonQuote(s)
}

var numpyNames = map[string]string{
	mlfolder.Long: "int64", mlfolder.Integer: "int32", mlfolder.Double: "float64", mlfolder.Float: "float32",
	mlfolder.Boolean: "bool", mlfolder.String: "object", mlfolder.Datetime: "datetime64[ns]", mlfolder.Binary: "object",
}
