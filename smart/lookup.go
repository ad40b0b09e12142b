package smart

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
)

// object is a JSON object whose members may be missing or of another type than
// expected: smartctl's fields changed over its versions.
type object map[string]any

// at follows a path of member names.
func (o object) at(path ...string) any {
	var v any = map[string]any(o)
	for _, name := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[name]
	}
	return v
}

// text returns a string, "" when there is none.
func (o object) text(path ...string) string {
	s, _ := o.at(path...).(string)
	return strings.TrimSpace(s)
}

// number returns a number, also one in quotes; NaN when there is none.
func (o object) number(path ...string) float64 {
	switch v := o.at(path...).(type) {
	case json.Number:
		if f, err := v.Float64(); err == nil {
			return f
		}
	case string:
		if f, err := strconv.ParseFloat(strings.TrimSpace(v), 64); err == nil {
			return f
		}
	}
	return math.NaN()
}

// count returns a number that cannot be negative; NaN otherwise.
func (o object) count(path ...string) float64 {
	if v := o.number(path...); v >= 0 && !math.IsInf(v, 0) {
		return v
	}
	return math.NaN()
}

// some returns a count above zero; NaN otherwise: for what no drive has none of.
func (o object) some(path ...string) float64 {
	if v := o.count(path...); v > 0 {
		return v
	}
	return math.NaN()
}

// sub returns an object, empty when there is none.
func (o object) sub(path ...string) object {
	m, _ := o.at(path...).(map[string]any)
	return m
}

// list returns the objects of an array.
func (o object) list(path ...string) []object {
	var out []object
	all, _ := o.at(path...).([]any)
	for _, v := range all {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// first returns the first of its arguments that is a number.
func first(vs ...float64) float64 {
	for _, v := range vs {
		if !math.IsNaN(v) {
			return v
		}
	}
	return math.NaN()
}
