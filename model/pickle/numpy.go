package pickle

import "github.com/drivecast/drivecast/errs"

// numpy makes the values of NumPy's own constructors.
func (m *machine) numpy(g Global, args Tuple) (any, error) {
	switch g.Name {
	case "_reconstruct", "ndarray", "matrix": // BUILD fills it in
		return &Array{Type: &DType{Kind: 'f', Size: 8}, Shape: []int{0}}, nil
	case "dtype":
		if len(args) > 0 {
			if s, ok := args[0].(string); ok {
				return ParseDType(s)
			}
			if t, ok := args[0].(*DType); ok {
				return t, nil
			}
			if g, ok := args[0].(Global); ok {
				return ParseDType(g.Name)
			}
		}
		return nil, invalid("an element type without a name")
	case "scalar":
		return scalar(args)
	case "_frombuffer":
		return fromBuffer(args)
	}
	return nil, errs.New(errs.Unsupported, "the pickle calls %s, which a model has no need of", g)
}

// scalar is a NumPy number: its type and its bytes.
func scalar(args Tuple) (any, error) {
	if len(args) != 2 {
		return nil, invalid("a NumPy number made of %d parts", len(args))
	}
	t, ok := args[0].(*DType)
	if !ok {
		return nil, invalid("a NumPy number of %s", Describe(args[0]))
	}
	if t.Kind == 'O' {
		return args[1], nil
	}
	raw, ok := args[1].([]byte)
	if !ok {
		return nil, invalid("a NumPy number made of %s", Describe(args[1]))
	}
	a, err := NewArray(t, []int{1}, false, raw, nil)
	if err != nil {
		return nil, err
	}
	v, err := a.Values()
	if err != nil {
		return nil, err
	}
	return v[0], nil
}

// fromBuffer is how protocol 5 writes arrays: buffer, type, shape, order.
func fromBuffer(args Tuple) (any, error) {
	if len(args) != 4 {
		return nil, invalid("an array made of %d parts", len(args))
	}
	raw, ok1 := args[0].([]byte)
	t, ok2 := args[1].(*DType)
	order, _ := args[3].(string)
	shape, err := shapeOf(args[2])
	if !ok1 || !ok2 || err != nil {
		return nil, invalid("an array made of %s, %s, %s", Describe(args[0]), Describe(args[1]), Describe(args[2]))
	}
	return NewArray(t, shape, order == "F", raw, nil)
}

// wrapped replaces joblib's wrapper of an array, whose state was just read, by
// the array, whose bytes follow in the stream.
func (m *machine) wrapped(state any) error {
	d, ok := state.(*Dict)
	if !ok {
		return invalid("a joblib array with the state %s", Describe(state))
	}
	tv, _ := d.Get("dtype")
	t, ok := tv.(*DType)
	if !ok {
		return invalid("a joblib array without an element type")
	}
	sv, _ := d.Get("shape")
	shape, err := shapeOf(sv)
	if err != nil {
		return err
	}
	var a any
	if t.Kind == 'O' {
		a, err = m.nested()
	} else {
		a, err = m.rawArray(d, t, shape)
	}
	if err != nil {
		return err
	}
	m.stack[len(m.stack)-1] = a
	return nil
}

// nested reads the pickle that joblib puts in the place of an object array.
func (m *machine) nested() (any, error) {
	if m.depth >= maxDepth {
		return nil, invalid("pickles nested too deeply")
	}
	sub := &machine{ops: m.ops, b: m.b, i: m.i, budget: m.budget, depth: m.depth + 1}
	v, err := sub.run()
	m.i = sub.i
	return v, err
}

// rawArray reads padding and the bytes of an array.
func (m *machine) rawArray(d *Dict, t *DType, shape []int) (any, error) {
	if align, ok := d.Get("numpy_array_alignment_bytes"); ok && align != nil {
		n, err := m.uint(1)
		if err != nil {
			return nil, err
		}
		if _, err := m.take(n); err != nil {
			return nil, err
		}
	}
	size := uint64(t.Size)
	for _, n := range shape {
		if n > 0 && size > uint64(len(m.b))/uint64(n)+1 {
			return nil, invalid("an array with the shape %v does not fit into the file", shape)
		}
		size *= uint64(n)
	}
	raw, err := m.take(size)
	if err != nil {
		return nil, err
	}
	order, _ := d.Get("order")
	return NewArray(t, shape, order == "F", raw, nil)
}
