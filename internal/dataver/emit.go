package dataver

import (
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// emitWidth is the column past which DVC breaks long texts at a space.
const emitWidth = 80

// emit writes a document as DVC's YAML library does: blocks only, items of a list
// as far left as its key, texts plain where that is safe.
func emit(n *yaml.Node) []byte {
	e := &emitter{}
	if n.Kind == yaml.DocumentNode {
		e.comment(n.HeadComment, 0)
		n = n.Content[0]
	}
	e.block(n, 0)
	return []byte(e.b.String())
}

type emitter struct {
	b      strings.Builder
	column int
}

func (e *emitter) write(s string) {
	e.b.WriteString(s)
	if i := strings.LastIndexByte(s, '\n'); i >= 0 {
		e.column = len(s) - i - 1
	} else {
		e.column += len([]rune(s))
	}
}

func (e *emitter) comment(text string, indent int) {
	for line := range strings.Lines(text) {
		e.write(strings.Repeat(" ", indent) + strings.TrimRight(line, "\n") + "\n")
	}
}

// block writes a mapping or a list whose lines begin at indent.
func (e *emitter) block(n *yaml.Node, indent int) {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i < len(n.Content); i += 2 {
			if i > 0 || e.column == 0 {
				e.comment(n.Content[i].HeadComment, indent)
				e.write(strings.Repeat(" ", indent))
			}
			e.pair(n.Content[i], n.Content[i+1], indent)
			e.comment(n.Content[i].FootComment, indent)
		}
	case yaml.SequenceNode:
		for i, item := range n.Content {
			if i > 0 || e.column == 0 {
				e.comment(item.HeadComment, indent)
				e.write(strings.Repeat(" ", indent))
			}
			e.write("- ")
			if nested(item) {
				e.block(item, indent+2)
			} else {
				e.scalar(item, indent+2)
				e.end(item)
			}
			e.comment(item.FootComment, indent)
		}
	case yaml.AliasNode:
		e.block(n.Alias, indent)
	default:
		e.scalar(n, indent)
		e.end(n)
	}
}

func nested(n *yaml.Node) bool {
	return (n.Kind == yaml.MappingNode || n.Kind == yaml.SequenceNode) && len(n.Content) > 0
}

func (e *emitter) pair(key, value *yaml.Node, indent int) {
	e.scalar(key, indent+2)
	e.write(":")
	if value.Kind == yaml.AliasNode {
		value = value.Alias
	}
	if nested(value) {
		if key.LineComment != "" {
			e.write("  " + key.LineComment)
		}
		e.write("\n")
		if value.Kind == yaml.MappingNode {
			indent += 2
		}
		e.block(value, indent)
		return
	}
	if value.Tag != "!!null" {
		e.write(" ")
		e.scalar(value, indent+2)
	}
	e.end(value)
}

func (e *emitter) end(n *yaml.Node) {
	if n.LineComment != "" {
		e.write("  " + n.LineComment)
	}
	e.write("\n")
}

func (e *emitter) scalar(n *yaml.Node, indent int) {
	switch {
	case n.Kind == yaml.MappingNode:
		e.write("{}")
	case n.Kind == yaml.SequenceNode:
		e.write("[]")
	case n.Tag == "!!null":
	case n.Tag != "!!str" && n.Tag != "":
		e.write(n.Value)
	default:
		e.text(n.Value, indent)
	}
}

var (
	plainStart = regexp.MustCompile(`^[^\s\-?:,\[\]{}#&*!|>'"%@` + "`" + `=]|^[-?:][^\s,\[\]{}]`)
	// meaning are texts that would be read as something else than text.
	meaning = regexp.MustCompile(`^(?:~|null|Null|NULL|true|True|TRUE|false|False|FALSE|<<|---.*|\.\.\..*|[-+]?(?:0b[01_]+|0o?[0-7_]+|0x[0-9a-fA-F_]+|[0-9][0-9_]*|(?:[0-9][0-9_]*)?\.?[0-9_]*(?:[eE][-+]?[0-9]+)?|\.(?:inf|Inf|INF))|\.(?:nan|NaN|NAN)|\d{4}-\d\d?-\d\d?(?:[Tt \t].*)?)$`)
)

// plain reports whether a text needs no quotes.
func plain(s string) bool {
	if s == "" || !plainStart.MatchString(s) || meaning.MatchString(s) || !printable(s) {
		return false
	}
	if strings.Contains(s, ": ") || strings.Contains(s, " #") || strings.HasSuffix(s, ":") || strings.TrimSpace(s) != s {
		return false
	}
	var n yaml.Node // the last word is the reader's: it knows more spellings of numbers
	return yaml.Unmarshal([]byte(s), &n) == nil && len(n.Content) == 1 && n.Content[0].Tag == "!!str" && n.Content[0].Value == s
}

func printable(s string) bool {
	for _, r := range s {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return false
		}
	}
	return true
}

// text writes a text: plain, in single quotes, or, where these would not do, in
// double ones.
func (e *emitter) text(s string, indent int) {
	switch {
	case plain(s):
		e.fold(s, indent)
	case printable(s) && !strings.Contains(s, "'") && strings.TrimSpace(s) == s:
		e.write("'")
		e.fold(s, indent)
		e.write("'")
	default:
		e.write(`"`)
		e.fold(escape(s), indent)
		e.write(`"`)
	}
}

// fold breaks a text at single spaces past the width.
func (e *emitter) fold(s string, indent int) {
	for i, word := range strings.Split(s, " ") {
		rest := i > 0 && word != ""
		switch {
		case rest && e.column > emitWidth && !strings.HasSuffix(e.b.String(), " "):
			e.write("\n" + strings.Repeat(" ", indent))
		case i > 0:
			e.write(" ")
		}
		e.write(word)
	}
}

func escape(s string) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteString(`\` + string(r))
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case !printable(string(r)) && r < 0x100:
			b.WriteString(`\x` + strconv.FormatInt(0x100+int64(r), 16)[1:])
		case !printable(string(r)):
			b.WriteString(`\u` + strconv.FormatInt(0x10000+int64(r), 16)[1:])
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// The makers of nodes.

func mapping() *yaml.Node { return &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"} }

func textNode(s string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s} }

func numberNode(v int64) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: strconv.FormatInt(v, 10)}
}

// set gives a key of a mapping a value, in its place or at the end; nil removes it.
func set(m *yaml.Node, key string, value *yaml.Node) {
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value != key {
			continue
		}
		if value == nil {
			m.Content = append(m.Content[:i:i], m.Content[i+2:]...)
		} else {
			m.Content[i+1] = value
		}
		return
	}
	if value != nil {
		m.Content = append(m.Content, textNode(key), value)
	}
}

// get returns the value of a key, nil when there is none.
func get(m *yaml.Node, key string) *yaml.Node {
	if m == nil || m.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i < len(m.Content); i += 2 {
		if m.Content[i].Value == key {
			if v := m.Content[i+1]; v.Kind == yaml.AliasNode {
				return v.Alias
			}
			return m.Content[i+1]
		}
	}
	return nil
}

// pythonFloat writes a number as Python does.
func pythonFloat(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return ".inf"
	case math.IsInf(v, -1):
		return "-.inf"
	case math.IsNaN(v):
		return ".nan"
	}
	exp := math.Floor(math.Log10(math.Abs(v)))
	if v != 0 && (exp < -4 || exp >= 16) {
		return strconv.FormatFloat(v, 'e', -1, 64)
	}
	s := strconv.FormatFloat(v, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
