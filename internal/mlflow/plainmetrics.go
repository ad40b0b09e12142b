package mlflow

import (
	"strconv"

	"github.com/drivecast/drivecast/internal/tracking"
)

// plainMetrics reads the metrics of a batch in the form that clients write them:
// texts without escapes, numbers as numbers, no key twice. It reports false for
// anything else, right or wrong, which is then read with more care. raw is valid
// JSON.
func plainMetrics(raw []byte) ([]tracking.Metric, bool) {
	p := plainText{raw: raw, names: map[string]string{}}
	if !p.take('[') {
		return nil, false
	}
	out := make([]tracking.Metric, 0, len(raw)/80+1)
	for !p.take(']') {
		if len(out) > 0 && !p.take(',') {
			return nil, false
		}
		m, ok := p.metric()
		if !ok {
			return nil, false
		}
		out = append(out, m)
	}
	return out, true
}

// plainText is a place in plain JSON.
type plainText struct {
	raw   []byte
	at    int
	names map[string]string // texts that were met before
}

const (
	hasKey = 1 << iota
	hasValue
	hasTime
	hasStep
	hasModel
	hasName
	hasDigest
)

func (p *plainText) metric() (m tracking.Metric, ok bool) {
	if !p.take('{') {
		return m, false
	}
	seen := 0
	for !p.take('}') {
		if seen != 0 && !p.take(',') {
			return m, false
		}
		name, ok := p.text()
		if !ok || !p.take(':') {
			return m, false
		}
		bit := 0
		switch string(name) {
		case "key":
			bit, ok = hasKey, p.named(&m.Key)
		case "value":
			bit = hasValue
			m.Value, ok = p.real()
		case "timestamp":
			bit = hasTime
			m.Timestamp, ok = p.whole()
		case "step":
			bit = hasStep
			m.Step, ok = p.whole()
		case "model_id":
			bit, ok = hasModel, p.named(&m.ModelID)
		case "dataset_name":
			bit, ok = hasName, p.named(&m.DatasetName)
		case "dataset_digest":
			bit, ok = hasDigest, p.named(&m.DatasetDigest)
		default:
			return m, false
		}
		if !ok || seen&bit != 0 {
			return m, false
		}
		seen |= bit
	}
	return m, seen&(hasKey|hasValue|hasTime) == hasKey|hasValue|hasTime && m.Key != ""
}

func (p *plainText) space() {
	for p.at < len(p.raw) && (p.raw[p.at] == ' ' || p.raw[p.at] == '\n' || p.raw[p.at] == '\t' || p.raw[p.at] == '\r') {
		p.at++
	}
}

// take goes past c, if that comes next.
func (p *plainText) take(c byte) bool {
	p.space()
	if p.at < len(p.raw) && p.raw[p.at] == c {
		p.at++
		return true
	}
	return false
}

// text returns a text without escapes.
func (p *plainText) text() ([]byte, bool) {
	if !p.take('"') {
		return nil, false
	}
	for i := p.at; i < len(p.raw); i++ {
		switch p.raw[i] {
		case '\\':
			return nil, false
		case '"':
			text := p.raw[p.at:i]
			p.at = i + 1
			return text, true
		}
	}
	return nil, false
}

// named reads a text that is likely to come again.
func (p *plainText) named(dst *string) bool {
	text, ok := p.text()
	known, there := p.names[string(text)]
	if !there {
		known = string(text)
		p.names[known] = known
	}
	*dst = known
	return ok
}

// number returns the text of a number.
func (p *plainText) number() string {
	p.space()
	from := p.at
	for p.at < len(p.raw) && (p.raw[p.at]-'0' <= 9 || p.raw[p.at] == '-' || p.raw[p.at] == '+' || p.raw[p.at] == '.' || p.raw[p.at]|0x20 == 'e') {
		p.at++
	}
	return string(p.raw[from:p.at])
}

func (p *plainText) real() (float64, bool) {
	v, err := strconv.ParseFloat(p.number(), 64)
	return v, err == nil
}

func (p *plainText) whole() (int64, bool) {
	v, err := strconv.ParseInt(p.number(), 10, 64)
	return v, err == nil
}
