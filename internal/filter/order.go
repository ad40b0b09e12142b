package filter

import "github.com/drivecast/drivecast/errs"

// Order is one ordering term. Entity is "" when the identifier had none.
type Order struct {
	Entity string
	Key    string
	Desc   bool
}

// ParseOrder reads "[entity.]key [ASC|DESC]". Errors are of kind errs.Invalid.
func ParseOrder(text string) (Order, error) {
	bad := errs.New(errs.Invalid, "Invalid ordering key in order_by clause '%s'. Expected '[entity.]key [ASC|DESC]'", clip(text))
	p := &parser{text: text}
	if len(text) > MaxLength || p.lex() != nil {
		return Order{}, bad
	}
	var o Order
	var err error
	if o.Entity, o.Key, err = p.identifier(); err != nil {
		return o, bad
	}
	if p.keyword("DESC") {
		o.Desc = true
	} else {
		p.keyword("ASC")
	}
	if p.peek().kind != tokenEnd {
		return o, bad
	}
	return o, nil
}

// ParseOrders reads a list of ordering terms.
func ParseOrders(texts []string) ([]Order, error) {
	out := make([]Order, 0, len(texts))
	for _, t := range texts {
		o, err := ParseOrder(t)
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}
