package score

import (
	"encoding/binary"
	"math"
	"net/http"
	"slices"
	"strconv"
)

// infer answers a request for inference; size is the header that says how much of
// the body is JSON, version the one that is asked for, or "".
func (p *plan) infer(k *work, size, version string) *fault {
	if bad := p.isVersion(version); bad != nil {
		return bad
	}
	q, err := tensorsOf(k.body, size)
	if err != nil {
		return badRequest(err.Error())
	}
	wanted, bad := p.tensors(k, q)
	if bad != nil {
		return bad
	}
	p.outputs(k, q, wanted)
	return nil
}

// tensors scores the tensors of a request and returns the outputs to tell.
func (p *plan) tensors(k *work, q *inferRequest) (wanted []string, bad *fault) {
	if wanted, bad = p.wanted(q); bad != nil {
		return nil, bad
	}
	f := &k.req.frame
	k.req.form = formRecords
	if bad := p.place(f, q.Inputs); bad != nil {
		return nil, bad
	}
	if f.over {
		return nil, badRequest("the tensors have too many elements for their size")
	}
	if f.rows == 0 {
		return nil, badRequest("the tensors hold no rows")
	}
	x, bad := p.rows(&k.req, k.ans.x)
	if bad != nil {
		return nil, bad
	}
	k.ans.x = x
	p.ask(&k.ans, f.rows)
	return wanted, nil
}

// output returns datatype and shape of an output.
func (p *plan) output(what string, rows int) (kind string, shape []int64) {
	if what == outProba {
		return "FP64", []int64{int64(rows), int64(p.m.Outputs())}
	}
	return p.classType(), []int64{int64(rows)}
}

// isVersion refuses a version that is not the served one: the model may have been
// exchanged since the request came.
func (p *plan) isVersion(version string) *fault {
	if version == "" || version == p.version {
		return nil
	}
	return &fault{http.StatusNotFound, codeNotFound, "there is no version " + strconv.Quote(version) + " of the model; this server has " + strconv.Quote(p.version), ""}
}

// wanted returns the outputs that are asked for: all of them when none is named.
func (p *plan) wanted(q *inferRequest) (out []string, bad *fault) {
	all := []string{outPredict}
	if p.m.Classifier() {
		all = append(all, outProba)
	}
	for _, o := range q.Outputs {
		if !slices.Contains(all, o.Name) {
			return nil, badRequest("there is no output " + strconv.Quote(o.Name) + "; this model has " + pythonList(all))
		}
		out = append(out, o.Name)
	}
	if out == nil {
		return all, nil
	}
	return out, nil
}

// outputs writes the answer to k.out: JSON, and the binary tensors behind it.
func (p *plan) outputs(k *work, q *inferRequest, wanted []string) {
	rows := k.req.frame.rows
	var tail []byte
	out := append(k.out[:0], `{"model_name":`...)
	out = append(append(out, marshal(p.name)...), `,"model_version":`...)
	out = append(out, marshal(p.version)...)
	if q.ID != "" {
		out = append(append(out, `,"id":`...), marshal(q.ID)...)
	}
	out = append(out, `,"outputs":[`...)
	for i, what := range wanted {
		if i > 0 {
			out = append(out, ',')
		}
		asBinary := q.Parameters["binary_data_output"] == true
		if i < len(q.Outputs) {
			if v, ok := q.Outputs[i].Parameters["binary_data"]; ok {
				asBinary = v == true
			}
		}
		kind, shape := p.output(what, rows)
		out = append(append(out, `{"name":"`...), what...)
		out = append(append(append(out, `","datatype":"`...), kind...), `","shape":[`...)
		for d, n := range shape {
			if d > 0 {
				out = append(out, ',')
			}
			out = strconv.AppendInt(out, n, 10)
		}
		if asBinary {
			before := len(tail)
			tail = p.binary(tail, &k.ans, rows, what, kind)
			out = append(out, `],"parameters":{"binary_data_size":`...)
			out = append(strconv.AppendInt(out, int64(len(tail)-before), 10), "}}"...)
			continue
		}
		out = append(p.elements(append(out, `],"data":[`...), &k.ans, rows, what), "]}"...)
	}
	out = append(out, "]}"...)
	if tail != nil {
		k.head = len(out)
		out = append(out, tail...)
	}
	k.out = out
}

// elements appends the elements of an output as JSON.
func (p *plan) elements(dst []byte, a *answer, rows int, what string) []byte {
	n := rows
	if what == outProba {
		n = len(a.scores[:rows*p.m.Outputs()])
	}
	for i := range n {
		if i > 0 {
			dst = append(dst, ',')
		}
		switch {
		case what == outProba || !p.m.Classifier():
			dst = appendFloat(dst, a.scores[i])
		default:
			dst = append(dst, p.labels[a.classes[i]]...)
		}
	}
	return dst
}

// binary appends the elements of an output, little-endian.
func (p *plan) binary(dst []byte, a *answer, rows int, what, kind string) []byte {
	if what == outProba || !p.m.Classifier() {
		n := rows
		if what == outProba {
			n *= p.m.Outputs()
		}
		for _, v := range a.scores[:n] {
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
		}
		return dst
	}
	for _, c := range a.classes[:rows] {
		switch kind {
		case "BYTES":
			text := p.m.Labels[c]
			dst = append(binary.LittleEndian.AppendUint32(dst, uint32(len(text))), text...)
		case "BOOL":
			dst = append(dst, byte(min(1, math.Abs(p.m.Estimator.Classes()[c]))))
		case "INT64":
			dst = binary.LittleEndian.AppendUint64(dst, uint64(int64(p.m.Estimator.Classes()[c])))
		default:
			dst = binary.LittleEndian.AppendUint64(dst, math.Float64bits(p.m.Estimator.Classes()[c]))
		}
	}
	return dst
}
