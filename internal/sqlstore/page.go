package sqlstore

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
)

// term is one term of an ordering: an expression that is never NULL.
type term struct {
	expr string
	desc bool
	args []any // of the ? in expr
}

// search builds a query page by page. Pages are cut by the ordering values of
// the last row, not by counting, so that a late page costs no more than the
// first and rows that come and go between pages move nothing.
type search struct {
	columns  string
	from     string
	joins    []string
	joinArgs []any
	where    []string
	args     []any
	terms    []term
	limit    int
	token    string
	bad      func() error // the error of a garbled token
	n        int          // joins made, for their names
}

func (s *search) alias() string {
	s.n++
	return "j" + strconv.Itoa(s.n)
}

func (s *search) and(cond string, args ...any) {
	s.where = append(s.where, cond)
	s.args = append(s.args, args...)
}

func (s *search) join(text string, args ...any) {
	s.joins = append(s.joins, text)
	s.joinArgs = append(s.joinArgs, args...)
}

// query returns the text and arguments of the page, which asks for one row more
// than the limit. The ordering values follow the columns.
func (s *search) query() (string, []any, error) {
	mark := s.fingerprint()
	after, err := s.decode(mark)
	if err != nil {
		return "", nil, err
	}
	var args, orderArgs []any
	exprs, order := make([]string, len(s.terms)), make([]string, len(s.terms))
	for i, t := range s.terms {
		exprs[i], order[i] = t.expr, t.expr
		if t.desc {
			order[i] += " DESC"
		}
		args = append(args, t.args...)
		orderArgs = append(orderArgs, t.args...)
	}
	args = append(args, s.joinArgs...)
	args = append(args, s.args...)
	where := s.where
	if after != nil {
		cond, condArgs := s.beyond(after)
		where = append(where[:len(where):len(where)], cond)
		args = append(args, condArgs...)
	}
	args = append(args, orderArgs...)
	args = append(args, s.limit+1)
	text := "SELECT " + s.columns + ", " + strings.Join(exprs, ", ") + " FROM " + s.from
	if len(s.joins) > 0 {
		text += " " + strings.Join(s.joins, " ")
	}
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	return text + " ORDER BY " + strings.Join(order, ", ") + " LIMIT ?", args, nil
}

// beyond is the condition of the rows that follow the values of the last one.
// The first term is bounded on its own too, so that an index can start there.
func (s *search) beyond(after []any) (string, []any) {
	var args []any
	t := s.terms[0]
	op := " >= ?"
	if t.desc {
		op = " <= ?"
	}
	text := "(" + t.expr + op
	args = append(append(args, t.args...), after[0])
	var or []string
	for i := range s.terms {
		var and []string
		for j := range i {
			and = append(and, s.terms[j].expr+" = ?")
			args = append(append(args, s.terms[j].args...), after[j])
		}
		op := " > ?"
		if s.terms[i].desc {
			op = " < ?"
		}
		and = append(and, s.terms[i].expr+op)
		args = append(append(args, s.terms[i].args...), after[i])
		or = append(or, "("+strings.Join(and, " AND ")+")")
	}
	return text + " AND (" + strings.Join(or, " OR ") + "))", args
}

// fingerprint tells searches apart, so that a token is used only where it was
// handed out.
func (s *search) fingerprint() string {
	h := fnv.New64a()
	fmt.Fprint(h, s.joins, s.joinArgs, s.where, s.args)
	for _, t := range s.terms {
		fmt.Fprint(h, t.expr, t.desc, t.args)
	}
	return strconv.FormatUint(h.Sum64(), 36)
}

type pageToken struct {
	Mark  string   `json:"q"`
	After []string `json:"k"`
}

func (s *search) decode(mark string) ([]any, error) {
	if s.token == "" {
		return nil, nil
	}
	raw, err := base64.URLEncoding.DecodeString(s.token)
	var p pageToken
	if err != nil || json.Unmarshal(raw, &p) != nil || p.Mark != mark || len(p.After) != len(s.terms) {
		return nil, s.bad()
	}
	out := make([]any, len(p.After))
	for i, text := range p.After {
		kind, rest, _ := strings.Cut(text, ":")
		switch kind {
		case "i":
			out[i], err = strconv.ParseInt(rest, 10, 64)
		case "f":
			out[i], err = strconv.ParseFloat(rest, 64)
		case "s":
			out[i] = rest
		default:
			return nil, s.bad()
		}
		if err != nil {
			return nil, s.bad()
		}
	}
	return out, nil
}

// next returns the token of the page that follows the row with these ordering
// values.
func (s *search) next(values []any) string {
	p := pageToken{Mark: s.fingerprint()}
	for _, v := range values {
		switch v := v.(type) {
		case int64:
			p.After = append(p.After, "i:"+strconv.FormatInt(v, 10))
		case float64:
			p.After = append(p.After, "f:"+strconv.FormatFloat(v, 'x', -1, 64))
		case []byte:
			p.After = append(p.After, "s:"+string(v))
		default:
			p.After = append(p.After, fmt.Sprintf("s:%v", v))
		}
	}
	raw, err := json.Marshal(p)
	if err != nil {
		return ""
	}
	return base64.URLEncoding.EncodeToString(raw)
}
