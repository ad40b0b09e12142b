package boosted

import (
	"math"

	"github.com/drivecast/drivecast/errs"
)

// catObjective sets classes and answers by the loss and the class names.
func (m *Model) catObjective(info object) error {
	loss := info.at("params", "loss_function").str("type")
	if loss == "" {
		loss = info.at("params").str("loss_function")
	}
	class := info.at("class_params")
	var names []any
	if n := class.nums("class_names"); n != nil {
		for _, v := range n {
			names = append(names, v)
		}
	} else {
		names = class.list("class_names")
	}
	k := m.outputs
	switch loss {
	case "Logloss", "CrossEntropy", "Focal":
		k = 2
		m.answer = func(dst, raw []float64) {
			dst[1] = sigmoid(raw[0])
			dst[0] = 1 - dst[1]
		}
	case "MultiClass":
		m.answer = softmax
	case "MultiClassOneVsAll":
		m.answer = func(dst, raw []float64) {
			for c, v := range raw {
				dst[c] = sigmoid(v)
			}
		}
	case "Poisson", "Tweedie":
		m.answer = func(dst, raw []float64) { dst[0] = math.Exp(raw[0]) }
		k = 0
	default:
		m.answer = func(dst, raw []float64) { dst[0] = raw[0] }
		k = 0
	}
	if k == 0 {
		if m.outputs > 1 {
			return errs.New(errs.Unsupported, "several outputs")
		}
		return nil
	}
	m.classes, m.LabelType = counted(k), "long"
	if len(names) != k {
		return nil
	}
	for c, n := range names {
		switch n := n.(type) {
		case float64:
			m.classes[c] = n
		case string:
			m.LabelType = "string"
			m.Labels = append(m.Labels, n)
		}
	}
	if class.str("class_label_type") == "Boolean" {
		m.LabelType = "boolean"
	}
	if m.Labels != nil && len(m.Labels) != k {
		return invalid("class names of mixed types")
	}
	return nil
}
