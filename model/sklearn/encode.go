package sklearn

import (
	"math"

	"github.com/drivecast/drivecast/model/pickle"
)

// categories are the known values of one column. Text values stand for their
// place in the list, since the caller encodes text so; see Text.
type categories struct {
	values  []float64
	missing int   // place of the missing value among them, -1 when it was not seen
	group   []int // place after rare values were put together; nil: the same
	rare    int   // place of an unknown value among the rare ones, -1: none
}

// find returns the place of v, and whether it is known.
func (c *categories) find(v float64) (int, bool) {
	at := -1
	if math.IsNaN(v) {
		at = c.missing
	} else {
		at = indexOf(c.values, v)
	}
	if at < 0 {
		return c.rare, c.rare >= 0
	}
	if c.group != nil {
		at = c.group[at]
	}
	return at, true
}

// categories reads categories_, and registers the text columns.
func (b *builder) categories(n node) ([]categories, error) {
	lists, err := n.items("categories_")
	if err != nil {
		return nil, err
	}
	strict := n.text("handle_unknown", "error") == "error"
	out := make([]categories, len(lists))
	for j, item := range lists {
		a, ok := item.(*pickle.Array)
		if !ok {
			return nil, n.bad("the categories of column %d are %s", j, pickle.Describe(item))
		}
		vals, err := a.Values()
		if err != nil {
			return nil, err
		}
		c := &out[j]
		c.missing, c.rare = -1, -1
		texts := make([]string, len(vals))
		isText := false
		for i, v := range vals {
			num := float64(i)
			switch v := v.(type) {
			case string:
				isText, texts[i] = true, v
			case nil:
				c.missing, num = i, math.NaN()
			default:
				f, ok := pickle.Float(v)
				if !ok {
					return nil, n.bad("a category of %s is not supported", pickle.Describe(v))
				}
				if num = f; math.IsNaN(f) {
					c.missing = i
				}
			}
			c.values = append(c.values, num)
		}
		if isText {
			for i := range c.values {
				if i != c.missing {
					c.values[i] = float64(i)
				}
			}
			if err := b.text(n, j, texts, strict); err != nil {
				return nil, err
			}
		}
	}
	return out, b.rare(n, out)
}

// text registers that column j of what is being built holds text.
func (b *builder) text(n node, j int, values []string, strict bool) error {
	at := j
	if b.cols != nil {
		if j >= len(b.cols) || b.cols[j] < 0 {
			return n.bad("text in a column that another step made is not supported")
		}
		at = b.cols[j]
	}
	for i, f := range b.fills[at] {
		place := -1.0
		for k, s := range values {
			if s == f.text {
				place = float64(k)
			}
		}
		b.fills[at][i].code[0] = place
	}
	b.texts = append(b.texts, Text{Column: at, Values: values, Strict: strict})
	return nil
}

// rare reads how rare categories were put together.
func (b *builder) rare(n node, cats []categories) error {
	if !n.flag("_infrequent_enabled", false) {
		return nil
	}
	groups, err := n.items("_default_to_infrequent_mappings")
	if err != nil {
		return err
	}
	unknown := n.text("handle_unknown", "error") == "infrequent_if_exist"
	for j := range cats {
		a, ok := groups[min(j, len(groups)-1)].(*pickle.Array)
		if !ok {
			continue
		}
		ints, err := a.Ints()
		if known := len(cats[j].values); err == nil && len(ints) == known-1 && cats[j].missing == known-1 {
			ints = append(ints, int64(known)) // OrdinalEncoder groups no missing value, whose code is its own
		}
		if err != nil || len(ints) != len(cats[j].values) {
			return n.bad("the groups of column %d do not fit", j)
		}
		last := 0
		for _, v := range ints {
			cats[j].group = append(cats[j].group, int(v))
			last = max(last, int(v))
		}
		if unknown {
			cats[j].rare = last
		}
	}
	return nil
}

// width returns the number of places after grouping.
func (c *categories) width() int {
	if c.group == nil {
		return len(c.values)
	}
	w := 0
	for _, g := range c.group {
		w = max(w, g+1)
	}
	return w
}

// oneHot is OneHotEncoder: a column of zeros and ones for each category.
type oneHot struct {
	cats []categories
	drop []int // place that has no column; -1: none
	out  int
	fail bool // an unknown value makes its columns NaN: scikit-learn refuses it
}

// In returns the columns of a row.
func (t *oneHot) In() int { return len(t.cats) }

// Out returns the columns made of it.
func (t *oneHot) Out() int { return t.out }

// Apply transforms rows.
func (t *oneHot) Apply(dst, x []float64) {
	p := len(t.cats)
	clear(dst)
	for r := range len(x) / p {
		at := r * t.out
		for j := range t.cats {
			c := &t.cats[j]
			w := c.width()
			if t.drop[j] >= 0 {
				w--
			}
			place, known := c.find(x[r*p+j])
			switch {
			case !known && t.fail:
				for i := range w {
					dst[at+i] = math.NaN()
				}
			case !known || place == t.drop[j]:
			case t.drop[j] >= 0 && place > t.drop[j]:
				dst[at+place-1] = 1
			default:
				dst[at+place] = 1
			}
			at += w
		}
	}
}

// oneHotOf reads OneHotEncoder.
func oneHotOf(b *builder, n node, depth int) (any, error) {
	cats, err := b.categories(n)
	if err != nil {
		return nil, err
	}
	t := &oneHot{cats: cats, drop: make([]int, len(cats)), fail: n.text("handle_unknown", "error") == "error"}
	for j := range t.drop {
		t.drop[j] = -1
		t.out += cats[j].width()
	}
	name := "_drop_idx_after_grouping"
	if !n.has(name) {
		name = "drop_idx_"
	}
	if !n.has(name) {
		return t, nil
	}
	drops, err := n.items(name)
	if err != nil {
		return nil, err
	}
	if len(drops) != len(cats) {
		return nil, n.bad("%d dropped categories for %d columns", len(drops), len(cats))
	}
	for j, v := range drops {
		if f, ok := pickle.Float(v); ok && v != nil {
			if f < 0 || int(f) >= cats[j].width() {
				return nil, n.bad("the dropped category %v of %d", f, cats[j].width())
			}
			t.drop[j] = int(f)
			t.out--
		}
	}
	return t, nil
}

// ordinal is OrdinalEncoder: each category becomes its place.
type ordinal struct {
	cats             []categories
	unknown, missing float64
}

// In returns the columns of a row.
func (t *ordinal) In() int { return len(t.cats) }

// Out returns the columns of a row.
func (t *ordinal) Out() int { return len(t.cats) }

// Apply transforms rows.
func (t *ordinal) Apply(dst, x []float64) {
	p := len(t.cats)
	for i, v := range x {
		c := &t.cats[i%p]
		place, known := c.find(v)
		switch {
		case math.IsNaN(v) && c.missing >= 0:
			dst[i] = t.missing
		case !known:
			dst[i] = t.unknown
		default:
			dst[i] = float64(place)
		}
	}
}

// ordinalOf reads OrdinalEncoder.
func ordinalOf(b *builder, n node, depth int) (any, error) {
	cats, err := b.categories(n)
	if err != nil {
		return nil, err
	}
	return &ordinal{cats, n.float("unknown_value", math.NaN()), n.float("encoded_missing_value", math.NaN())}, nil
}
