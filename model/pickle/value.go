// Package pickle reads Python pickles without Python and without running
// anything in them: protocols 0 to 5, cloudpickle's plain subset, and joblib files
// with all of its compressions. What a pickle names (classes, constructors) is
// looked up in an allow-list; a name that is not on it is an error, and one that
// is becomes an inert Object that holds its arguments and its state.
//
// The reader is bounded: it allocates at most a small multiple of the bytes it is
// given, and never recurses deeper than a fixed depth.
package pickle

import (
	"fmt"
	"math/big"
)

// Values are nil (None), bool, int64, *big.Int, float64, string, []byte (bytes
// and bytearray), Tuple, *List, *Dict, *Set, Global, *Object, *Array and *DType.
// A structure may contain itself: whoever walks one bounds its depth.

// Tuple is a Python tuple.
type Tuple []any

// List is a Python list.
type List struct{ Items []any }

// Set is a set or a frozenset, in the order it was written.
type Set struct{ Items []any }

// Dict is a Python dict, in the order it was written. Of a key that occurs twice,
// the last value counts.
type Dict struct{ Keys, Values []any }

// Get returns the value under a text key, and whether there is one.
func (d *Dict) Get(key string) (any, bool) {
	if d == nil {
		return nil, false
	}
	for i := len(d.Keys) - 1; i >= 0; i-- {
		if s, ok := d.Keys[i].(string); ok && s == key {
			return d.Values[i], true
		}
	}
	return nil, false
}

// Set adds an entry.
func (d *Dict) Set(key, value any) {
	d.Keys, d.Values = append(d.Keys, key), append(d.Values, value)
}

// Global is the name of a class or a function.
type Global struct{ Module, Name string }

// String returns module.name.
func (g Global) String() string { return g.Module + "." + g.Name }

// Object is an instance of an allowed class: what its constructor was given and
// the state that was set on it. Nothing was called.
type Object struct {
	Class Global
	Args  Tuple
	State any   // usually a *Dict of attributes
	Items []any // of a list subclass
	Dict  *Dict // of a dict subclass
}

// Attr returns an attribute of the object's state, and whether there is one.
func (o *Object) Attr(name string) (any, bool) {
	if o == nil {
		return nil, false
	}
	if d, ok := o.State.(*Dict); ok {
		return d.Get(name)
	}
	if t, ok := o.State.(Tuple); ok && len(t) == 2 { // state with slots
		for _, part := range t {
			if d, ok := part.(*Dict); ok {
				if v, ok := d.Get(name); ok {
					return v, true
				}
			}
		}
	}
	return nil, false
}

// Describe names the type of a value, for messages.
func Describe(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case *Object:
		return v.Class.String()
	case Global:
		return v.String()
	case *Array:
		return fmt.Sprintf("array of %s with shape %v", v.Type, v.Shape)
	case string:
		return "text"
	case Tuple:
		return "tuple"
	case *List:
		return "list"
	case *Dict:
		return "dict"
	case int64, *big.Int:
		return "integer"
	}
	return fmt.Sprintf("%T", v)
}
