package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/model/pickle"
)

// union puts the outputs of transformers side by side: ColumnTransformer and
// FeatureUnion.
type union struct {
	cols  int
	parts []unionPart
}

// unionPart is a transformer with the columns that it sees; nil t passes them
// on.
type unionPart struct {
	t      Transformer
	cols   []int
	weight float64
}

func (p *unionPart) out() int {
	if p.t == nil {
		return len(p.cols)
	}
	return p.t.Out()
}

// In returns the columns of a row.
func (u *union) In() int { return u.cols }

// Out returns the columns made of it.
func (u *union) Out() int {
	w := 0
	for i := range u.parts {
		w += u.parts[i].out()
	}
	return w
}

// Apply transforms rows.
func (u *union) Apply(dst, x []float64) {
	n, w, at := len(x)/u.cols, u.Out(), 0
	for i := range u.parts {
		p := &u.parts[i]
		seen := make([]float64, 0, n*len(p.cols))
		for r := range n {
			for _, c := range p.cols {
				seen = append(seen, x[r*u.cols+c])
			}
		}
		made := seen
		if p.t != nil {
			made = make([]float64, n*p.t.Out())
			p.t.Apply(made, seen)
		}
		k := p.out()
		for r := range n {
			for c := range k {
				dst[r*w+at+c] = made[r*k+c]
				if p.weight != 1 {
					dst[r*w+at+c] *= p.weight
				}
			}
		}
		at += k
	}
}

// within builds a transformer of the given columns of what is being built.
func (b *builder) within(v any, cols []int, depth int) (Transformer, error) {
	outer, width := b.cols, b.width
	inner := make([]int, len(cols))
	for i, c := range cols {
		inner[i] = c
		if outer != nil {
			inner[i] = outer[c]
		}
	}
	sparse := b.sparse
	b.cols, b.width = inner, len(cols)
	defer func() { b.cols, b.width, b.sparse = outer, width, sparse }()
	return b.transformer(v, depth)
}

// columnTransformer reads ColumnTransformer.
func columnTransformer(b *builder, n node, depth int) (any, error) {
	items, err := n.items("transformers_")
	if err != nil {
		return nil, err
	}
	u := &union{cols: n.features()}
	names := b.names(n, 0)
	if u.cols == 0 {
		u.cols = len(names)
	}
	if u.cols == 0 {
		return nil, n.bad("it does not say how many columns it takes")
	}
	weights := n.weightsByName("transformer_weights")
	for _, item := range items {
		t, err := itemsOf(item)
		if err != nil || len(t) != 3 {
			return nil, n.bad("a transformer is no triple of name, object and columns")
		}
		name, _ := t[0].(string)
		if t[1] == nil || t[1] == "drop" {
			continue
		}
		cols, err := n.resolve(name, t[2], u.cols, names)
		if err != nil {
			return nil, err
		}
		if len(cols) == 0 {
			continue
		}
		part := unionPart{cols: cols, weight: 1}
		if w, ok := weights[name]; ok {
			part.weight = w
		}
		if t[1] != "passthrough" {
			if part.t, err = b.within(t[1], cols, depth); err != nil {
				return nil, err
			}
			if part.t.In() != len(cols) {
				return nil, n.bad("%s takes %d columns and is given %d", name, part.t.In(), len(cols))
			}
		}
		u.parts = append(u.parts, part)
	}
	if len(u.parts) == 0 {
		return nil, n.bad("it makes no columns")
	}
	return u, nil
}

func (n node) weightsByName(attr string) map[string]float64 {
	v, _ := n.o.Attr(attr)
	d, ok := v.(*pickle.Dict)
	if !ok {
		return nil
	}
	out := map[string]float64{}
	for i, k := range d.Keys {
		name, _ := k.(string)
		if f, ok := pickle.Float(d.Values[i]); ok {
			out[name] = f
		}
	}
	return out
}

// resolve turns what a transformer's columns were given as into indexes: names,
// numbers, a slice, or a mask.
func (n node) resolve(name string, v any, p int, names []string) ([]int, error) {
	if d, ok := n.o.Attr("_transformer_to_input_indices"); ok {
		if known, ok := d.(*pickle.Dict); ok {
			if list, ok := known.Get(name); ok {
				return columnsOf(list, p)
			}
		}
	}
	if o, ok := v.(*pickle.Object); ok && o.Class.Name == "slice" {
		return sliceOf(o.Args, p, names)
	}
	items, err := itemsOf(v)
	if err != nil {
		if i, ok := v.(int64); ok {
			items = []any{i}
		} else {
			return nil, n.bad("the columns of %s are %s, which is not supported", name, pickle.Describe(v))
		}
	}
	var out []int
	mask := len(items) == p
	for _, item := range items {
		_, isBool := item.(bool)
		mask = mask && isBool
	}
	for i, item := range items {
		at := -1
		switch item := item.(type) {
		case bool:
			if mask && item {
				out = append(out, i)
			}
			if mask {
				continue
			}
		case string:
			for j, s := range names {
				if s == item {
					at = j
				}
			}
		default:
			if f, ok := pickle.Float(item); ok && f == math.Trunc(f) && math.Abs(f) <= float64(p) {
				if at = int(f); at < 0 {
					at += p
				}
			}
		}
		if at < 0 || at >= p {
			return nil, n.bad("%s takes the column %v, which there is not", name, item)
		}
		out = append(out, at)
	}
	return out, nil
}

// sliceOf returns the indexes of a slice of p columns.
func sliceOf(args pickle.Tuple, p int, names []string) ([]int, error) {
	at := [3]int{0, p, 1}
	for i := 0; i < len(args) && i < 3; i++ {
		switch v := args[i].(type) {
		case int64:
			at[i] = int(v)
			if i < 2 && v < 0 {
				at[i] = int(v) + p
			}
		case string:
			for j, s := range names {
				if s == v {
					at[i] = j + i // a slice of names includes its end
				}
			}
		}
	}
	var out []int
	for c := max(at[0], 0); c < min(at[1], p) && at[2] > 0; c += at[2] {
		out = append(out, c)
	}
	return out, nil
}

// featureUnion reads FeatureUnion.
func featureUnion(b *builder, n node, depth int) (any, error) {
	items, err := n.items("transformer_list")
	if err != nil {
		return nil, err
	}
	weights := n.weightsByName("transformer_weights")
	for _, item := range items {
		if pair, err := itemsOf(item); err == nil && len(pair) == 2 && b.width == 0 {
			if o, ok := pair[1].(*pickle.Object); ok {
				b.width = node{o, ""}.features()
			}
		}
	}
	u := &union{cols: b.width}
	given, made := b.sparse, false
	for _, item := range items {
		pair, err := itemsOf(item)
		if err != nil || len(pair) != 2 {
			return nil, n.bad("a transformer is no pair of name and object")
		}
		if pair[1] == nil || pair[1] == "drop" {
			continue
		}
		part := unionPart{weight: 1}
		name, _ := pair[0].(string)
		if w, ok := weights[name]; ok {
			part.weight = w
		}
		b.sparse = given
		if pair[1] != "passthrough" {
			if part.t, err = b.transformer(pair[1], depth); err != nil {
				return nil, err
			}
			if u.cols == 0 {
				u.cols = part.t.In()
			}
			if part.t.In() != u.cols {
				return nil, n.bad("%s takes %d columns, others %d", name, part.t.In(), u.cols)
			}
		}
		made = made || b.sparse
		u.parts = append(u.parts, part)
	}
	b.sparse = made
	if u.cols == 0 || len(u.parts) == 0 {
		return nil, n.bad("it makes no columns")
	}
	for i := range u.parts {
		for c := range u.cols {
			u.parts[i].cols = append(u.parts[i].cols, c)
		}
	}
	return u, nil
}
