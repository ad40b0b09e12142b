package job

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

const maxListIndex = 10000 // an index beyond it is taken for a slip

// Set applies one override `path=value`, as Azure ML's --set does: the path is
// dotted, `[2]` indexes a list (`\.` is a dot in a name), maps and list entries
// on the way are made when absent, and what stood at the end is replaced, never
// merged. The value is text; the field it reaches reads it as the number or
// boolean it wants. A path that leads into text is of kind Usage.
func (d *Document) Set(override string) error {
	path, value, ok := strings.Cut(override, "=")
	if !ok || path == "" {
		return errs.New(errs.Usage, "--set %q: write path=value, for instance inputs.iteration=2", override)
	}
	steps, err := splitPath(path)
	if err != nil {
		return errs.New(errs.Usage, "--set %q: %w", override, err)
	}
	leaf := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: value}
	root, err := place(d.root, steps, leaf)
	if err != nil {
		return errs.New(errs.Usage, "--set %q: %w", override, err)
	}
	d.root = root
	if k := kindOf(d.root); d.Kind == KindUnknown || path == "type" || path == "$schema" {
		d.Kind = k
	}
	return nil
}

// step is one part of a path: a key, or an index when key is "".
type step struct {
	key   string
	index int
}

func splitPath(path string) ([]step, error) {
	var out []step
	key, plain := "", false // plain: a key is being read
	flush := func() error {
		if !plain {
			return nil
		}
		if key == "" {
			return errs.New(errs.Usage, "the path has an empty part")
		}
		out, key, plain = append(out, step{key: key}), "", false
		return nil
	}
	plain = true
	for i := 0; i < len(path); i++ {
		switch ch := path[i]; {
		case ch == '\\' && i+1 < len(path):
			i++
			key, plain = key+string(path[i]), true
		case ch == '.':
			if err := flush(); err != nil {
				return nil, err
			}
			plain = i+1 >= len(path) || path[i+1] != '['
		case ch == '[':
			end := strings.IndexByte(path[i:], ']')
			if end < 0 {
				return nil, errs.New(errs.Usage, "`[` has no `]`")
			}
			if key != "" || len(out) == 0 {
				if err := flush(); err != nil {
					return nil, err
				}
			}
			plain = false
			n, err := strconv.Atoi(path[i+1 : i+end])
			if err != nil || n < 0 || n > maxListIndex {
				return nil, errs.New(errs.Usage, "%q is not an index from 0 to %d", path[i+1:i+end], maxListIndex)
			}
			out = append(out, step{index: n})
			i += end
		default:
			key, plain = key+string(ch), true
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return out, nil
}

// place returns n with leaf at the end of the steps.
func place(n *yaml.Node, steps []step, leaf *yaml.Node) (*yaml.Node, error) {
	if len(steps) == 0 {
		return leaf, nil
	}
	s := steps[0]
	if n != nil && n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		return nil, errs.New(errs.Usage, "the path leads into the text %s; --set cannot change what is defined by a reference", describe(n))
	}
	if s.key == "" || n != nil && n.Kind == yaml.SequenceNode {
		return placeItem(n, steps, leaf)
	}
	if n == nil || n.Kind != yaml.MappingNode {
		n = &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == s.key {
			v, err := place(n.Content[i+1], steps[1:], leaf)
			n.Content[i+1] = v
			return n, err
		}
	}
	v, err := place(nil, steps[1:], leaf)
	n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s.key}, v)
	return n, err
}

func placeItem(n *yaml.Node, steps []step, leaf *yaml.Node) (*yaml.Node, error) {
	i := steps[0].index
	if steps[0].key != "" {
		var err error
		if i, err = strconv.Atoi(steps[0].key); err != nil || i < 0 || i > maxListIndex {
			return nil, errs.New(errs.Usage, "%q is not an index of the list there", steps[0].key)
		}
	}
	if n != nil && n.Kind == yaml.MappingNode && len(n.Content) > 0 {
		return nil, errs.New(errs.Usage, "there is a map, not a list, at [%d]", i)
	}
	if n == nil || n.Kind != yaml.SequenceNode {
		n = &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	}
	for len(n.Content) <= i {
		n.Content = append(n.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"})
	}
	v, err := place(n.Content[i], steps[1:], leaf)
	n.Content[i] = v
	return n, err
}
