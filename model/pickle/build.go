package pickle

import (
	"slices"

	"github.com/drivecast/drivecast/errs"
)

func (m *machine) dict() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	d := &Dict{}
	if err := d.addAll(items); err != nil {
		return err
	}
	return m.push(d)
}

func (d *Dict) addAll(items []any) error {
	if len(items)%2 != 0 {
		return invalid("a key without a value")
	}
	d.Keys, d.Values = slices.Grow(d.Keys, len(items)/2), slices.Grow(d.Values, len(items)/2)
	for i := 0; i < len(items); i += 2 {
		d.Set(items[i], items[i+1])
	}
	return nil
}

func (m *machine) appendOne() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	return m.extend([]any{v})
}

func (m *machine) appendAll() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.extend(items)
}

func (m *machine) extend(items []any) error {
	to, err := m.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *List:
		to.Items = append(to.Items, items...)
	case *Set:
		to.Items = append(to.Items, items...)
	case *Object:
		to.Items = append(to.Items, items...)
	default:
		return invalid("%s takes no items", Describe(to))
	}
	return nil
}

func (m *machine) setOne() error {
	v, err := m.pop()
	if err != nil {
		return err
	}
	k, err := m.pop()
	if err != nil {
		return err
	}
	return m.setItems([]any{k, v})
}

func (m *machine) setAll() error {
	items, err := m.popMark()
	if err != nil {
		return err
	}
	return m.setItems(items)
}

func (m *machine) setItems(items []any) error {
	to, err := m.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *Dict:
		return to.addAll(items)
	case *Object:
		if to.Dict == nil {
			to.Dict = &Dict{}
		}
		return to.Dict.addAll(items)
	}
	return invalid("%s takes no keys", Describe(to))
}

func (m *machine) global() error {
	module, err := m.line()
	if err != nil {
		return err
	}
	name, err := m.line()
	if err != nil {
		return err
	}
	return m.pushGlobal(string(module), string(name))
}

func (m *machine) stackGlobal() error {
	name, err := m.pop()
	if err != nil {
		return err
	}
	module, err := m.pop()
	if err != nil {
		return err
	}
	mod, ok1 := module.(string)
	n, ok2 := name.(string)
	if !ok1 || !ok2 {
		return invalid("a global whose name is no text")
	}
	return m.pushGlobal(mod, n)
}

func (m *machine) pushGlobal(module, name string) error {
	g := Global{module, name}
	if !Allowed(g) {
		return errs.New(errs.Unsupported, "the pickle names %s, which is not on the list of what a model may contain; nothing of it was run. %s", g, Advice(g))
	}
	return m.push(g)
}

// reduce is REDUCE: the arguments and a callable become a value.
func (m *machine) reduce() error {
	args, err := m.pop()
	if err != nil {
		return err
	}
	f, err := m.pop()
	if err != nil {
		return err
	}
	tuple, ok := args.(Tuple)
	g, isGlobal := f.(Global)
	if !ok || !isGlobal {
		return invalid("a call of %s with %s", Describe(f), Describe(args))
	}
	v, err := m.construct(g, tuple)
	return m.pushErr(v, err)
}

// newObj is NEWOBJ and NEWOBJ_EX.
func (m *machine) newObj(keywords bool) error {
	if keywords {
		if _, err := m.pop(); err != nil {
			return err
		}
	}
	return m.reduce()
}

// inst is INST of protocol 0: a class named in the stream, arguments on the
// stack.
func (m *machine) inst() error {
	if err := m.global(); err != nil {
		return err
	}
	g, err := m.pop()
	if err != nil {
		return err
	}
	args, err := m.popMark()
	if err != nil {
		return err
	}
	v, err := m.construct(g.(Global), args)
	return m.pushErr(v, err)
}

// obj is OBJ of protocol 1.
func (m *machine) obj() error {
	args, err := m.popMark()
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return invalid("a call of nothing")
	}
	g, ok := args[0].(Global)
	if !ok {
		return invalid("a call of %s", Describe(args[0]))
	}
	v, err := m.construct(g, args[1:])
	return m.pushErr(v, err)
}

// build is BUILD: it sets the state of what lies under it.
func (m *machine) build() error {
	state, err := m.pop()
	if err != nil {
		return err
	}
	to, err := m.top()
	if err != nil {
		return err
	}
	switch to := to.(type) {
	case *Array:
		return to.setState(state)
	case *DType:
		return to.setState(state)
	case *Object:
		if to.Class.Name == "NumpyArrayWrapper" {
			return m.wrapped(state)
		}
		if old, ok := to.State.(*Dict); ok { // two BUILDs update, as in Python
			if more, ok := state.(*Dict); ok && old != more {
				for i, k := range more.Keys {
					old.Set(k, more.Values[i])
				}
				return nil
			}
		}
		to.State = state
		return nil
	case *Dict:
		return nil // the attributes of a dict subclass
	}
	return invalid("%s takes no state", Describe(to))
}
