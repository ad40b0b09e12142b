package azureml

import (
	"encoding/json"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"go.yaml.in/yaml/v3"
)

// decimal and fraction are the spellings that YAML 1.1 takes for numbers, which
// is what Azure ML's own tools read: 1e-3 is text there, 2.0e-5 a number, 010 is
// eight, and yes is true.
var (
	decimal = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^[-+]?(0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]*|[1-9][0-9_]*)$`)
	})
	fraction = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([-+]?[0-9][0-9_]*\.[0-9_]*([eE][-+][0-9]+)?|[-+]?\.[0-9][0-9_]*([eE][-+][0-9]+)?)$`)
	})
)

// value turns YAML into maps, lists and scalars, by YAML 1.1: int64, json.Number
// for longer integers, float64, bool, string or nil.
func value(n *yaml.Node) any {
	switch {
	case n == nil:
		return nil
	case n.Kind == yaml.MappingNode:
		out := map[string]any{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			out[n.Content[i].Value] = value(n.Content[i+1])
		}
		return out
	case n.Kind == yaml.SequenceNode:
		out := make([]any, len(n.Content))
		for i, c := range n.Content {
			out[i] = value(c)
		}
		return out
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return n.Value
	}
	return plain(n.Value)
}

// plain reads an unquoted scalar.
func plain(s string) any {
	switch s {
	case "", "~", "null", "Null", "NULL":
		return nil
	case "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return true
	case "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return false
	case ".inf", "+.inf", ".Inf", ".INF":
		return math.Inf(1)
	case "-.inf", "-.Inf", "-.INF":
		return math.Inf(-1)
	case ".nan", ".NaN", ".NAN":
		return math.NaN()
	}
	bare := strings.ReplaceAll(s, "_", "")
	if decimal().MatchString(s) {
		if i, ok := new(big.Int).SetString(strings.TrimPrefix(bare, "+"), 0); ok {
			if i.IsInt64() {
				return i.Int64()
			}
			return json.Number(i.String())
		}
	}
	if fraction().MatchString(s) {
		if f, err := strconv.ParseFloat(bare, 64); err == nil {
			return f
		}
	}
	return s
}

// literal spells a value as the body of a job does, which is Python's way: True,
// 0.5, 2e-05, 1.0.
func literal(v any) string {
	switch v := v.(type) {
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(v, 10)
	case json.Number:
		return v.String()
	case float64:
		return float(v)
	case string:
		return v
	}
	b, err := json.Marshal(v)
	if err != nil { // NaN within a list; a list is no literal anyway
		return ""
	}
	return string(b)
}

// float writes the shortest text that reads back as f, with an exponent below
// 1e-4 and from 1e16 on.
func float(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 0):
		return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'g', -1, 64)), "+")
	}
	if a := math.Abs(f); a != 0 && (a < 1e-4 || a >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
