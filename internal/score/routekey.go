package score

import (
	"fmt"
	"strconv"
)

var (
	// invocations is POST /invocations.
	invocations = protocol{
		ask: func(p *plan, k *work, t talk) *fault { return p.invoke(k, t.kind) },
		key: func(p *plan, k *work, t talk, column string) string {
			kind := typeJSON
			if t.kind != typeJSON {
				var bad *fault
				if kind, bad = mediaType(t.kind); bad != nil {
					return ""
				}
			}
			if bad := p.parse(k, kind); bad != nil {
				return ""
			}
			return k.req.frame.first(column)
		},
	}

	// azures is POST /score.
	azures = protocol{
		ask: func(p *plan, k *work, _ talk) *fault { return p.azure(k) },
		key: func(_ *plan, k *work, _ talk, column string) string {
			if bad := k.req.parseAzure(k.body); bad != nil {
				return ""
			}
			return k.req.frame.first(column)
		},
	}

	// inferences is the Open Inference Protocol over HTTP.
	inferences = protocol{
		ask: func(p *plan, k *work, t talk) *fault { return p.infer(k, t.kind, t.version) },
		key: func(_ *plan, k *work, t talk, column string) string {
			q, err := tensorsOf(k.body, t.kind)
			if err != nil {
				return ""
			}
			return q.first(column)
		},
	}

	// protos is the Open Inference Protocol over gRPC.
	protos = protocol{
		ask: func(p *plan, k *work, _ talk) *fault { return p.inferProto(k) },
		key: func(_ *plan, k *work, _ talk, column string) string {
			q, _, _, err := protoRequest(k.body)
			if err != nil {
				return ""
			}
			return q.first(column)
		},
	}
)

// first returns the first element of the tensor of that name as text, else the
// parameter of that name, else "".
func (q *inferRequest) first(name string) string {
	for i := range q.Inputs {
		t := &q.Inputs[i]
		if t.Name != name || t.count == 0 {
			continue
		}
		switch c := t.at(0); {
		case c.kind == isText:
			return string(c.text)
		case c.num == c.num:
			return strconv.FormatFloat(c.num, 'g', -1, 64)
		}
	}
	switch v := q.Parameters[name].(type) {
	case nil:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}
