package job

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

const (
	maxFileBytes = 8 << 20 // a larger YAML file is refused
	maxNodes     = 1 << 18 // nodes after aliases are written out: stops alias bombs
	maxDepth     = 200     // nesting of maps and lists
)

// Document is one YAML file, parsed and not yet judged.
type Document struct {
	File string // path as given; "" for a stream
	Dir  string // folder that relative paths in the file start from
	Kind Kind   // what the file describes; KindUnknown when it cannot be told
	root *yaml.Node
}

// Open reads and parses the file. A missing file is of kind NotFound, text that
// is not YAML of kind Invalid, with the line.
func Open(path string) (*Document, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.New(errs.NotFound, "%s: there is no such file; check the path", path)
	}
	if err != nil {
		return nil, errs.Wrap(err, "open job file")
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileBytes+1))
	if err != nil {
		return nil, errs.Wrap(err, "read %s", path)
	}
	return Parse(text, path)
}

// Parse reads a document from text. File names it in messages, and relative
// paths in it start from the file's folder.
func Parse(text []byte, file string) (*Document, error) {
	if len(text) > maxFileBytes {
		return nil, errs.New(errs.TooLarge, "%s: over %d MB; is this a job file?", file, maxFileBytes>>20)
	}
	dir, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, errs.Wrap(err, "find the folder of %s", file)
	}
	var doc yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, &errs.Input{File: file, Problem: "the file holds no YAML", Mend: "write at least `command:`"}
		}
		return nil, syntaxError(file, err)
	}
	var more yaml.Node
	switch err := dec.Decode(&more); {
	case err == nil && more.Content[0].Tag == "!!null": // a `---` at the end
	case err == nil:
		return nil, &errs.Input{File: file, Row: more.Content[0].Line, Problem: "a second YAML document starts here", Mend: "one file holds one document: split it"}
	case !errors.Is(err, io.EOF):
		return nil, syntaxError(file, err)
	}
	left := maxNodes
	root, err := expand(doc.Content[0], &left, 0)
	if err != nil {
		return nil, errs.Wrap(err, "%s", file)
	}
	if root.Kind != yaml.MappingNode {
		return nil, &errs.Input{File: file, Row: root.Line, Problem: "the file is " + describe(root) + ", not a map of fields", Mend: "write `field: value` lines, for instance `command: …`"}
	}
	return &Document{File: file, Dir: dir, Kind: kindOf(root), root: root}, nil
}

var yamlLine = regexp.MustCompile(`line (\d+): (.*)`)

func syntaxError(file string, err error) error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	in := &errs.Input{File: file, Problem: text, Mend: "mend the YAML: spaces to indent, `key: value`, quotes around text with `: ` or `#`"}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		in.Row, _ = strconv.Atoi(m[1])
		in.Problem = m[2]
	}
	return in
}

// expand copies n with every alias and merge key written out.
func expand(n *yaml.Node, left *int, depth int) (*yaml.Node, error) {
	*left--
	if *left < 0 || depth > maxDepth {
		return nil, errs.New(errs.TooLarge, "line %d: over %d nodes or %d levels once aliases are written out", n.Line, maxNodes, maxDepth)
	}
	if n.Kind == yaml.AliasNode {
		return expand(n.Alias, left, depth+1)
	}
	out := *n
	out.Anchor, out.Content = "", nil
	for i := 0; i < len(n.Content); i++ {
		child, err := expand(n.Content[i], left, depth+1)
		if err != nil {
			return nil, err
		}
		merged := n.Kind == yaml.MappingNode && i%2 == 0 && child.Tag == "!!merge"
		if !merged {
			out.Content = append(out.Content, child)
			continue
		}
		i++
		if child, err = expand(n.Content[i], left, depth+1); err != nil {
			return nil, err
		}
		mergeInto(&out, n, child)
	}
	return &out, nil
}

// mergeInto appends to out what source has and neither out nor own defines.
func mergeInto(out, own, source *yaml.Node) {
	if source.Kind == yaml.SequenceNode {
		for _, s := range source.Content {
			mergeInto(out, own, s)
		}
		return
	}
	for i := 0; i+1 < len(source.Content); i += 2 {
		key := source.Content[i].Value
		if child(out, key) == nil && child(own, key) == nil {
			out.Content = append(out.Content, source.Content[i], source.Content[i+1])
		}
	}
}

// child returns the value of key in the map n, or nil.
func child(n *yaml.Node, key string) *yaml.Node {
	if n == nil || n.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}

// text returns the scalar at the end of the path of keys, or "".
func text(n *yaml.Node, keys ...string) string {
	for _, k := range keys {
		n = child(n, k)
	}
	if n == nil || n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return ""
	}
	return n.Value
}

func describe(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a map"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Tag == "!!null":
		return "empty"
	}
	v := []rune(n.Value)
	if len(v) > 40 {
		v = append(v[:40], '…')
	}
	return strconv.Quote(string(v))
}

// Text writes the document as YAML, with what Set changed.
func (d *Document) Text() ([]byte, error) {
	b, err := yaml.Marshal(spelledOut(d.root))
	return b, errs.Wrap(err, "write %s", d.File)
}

// spelledOut copies n with `null` where a field has no value: without it, the
// field would be written as text.
func spelledOut(n *yaml.Node) *yaml.Node {
	out := *n
	if n.Tag == "!!null" {
		out.Value, out.Style = "null", 0
	}
	out.Content = make([]*yaml.Node, len(n.Content))
	for i, c := range n.Content {
		out.Content[i] = spelledOut(c)
	}
	return &out
}

// Named returns the name and version that the document gives itself.
func (d *Document) Named() (name, version string) {
	return text(d.root, "name"), text(d.root, "version")
}

// LocalPath returns the document's path field, absolute when it is local.
func (d *Document) LocalPath() string { return d.path(text(d.root, "path")) }
