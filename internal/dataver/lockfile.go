package dataver

import (
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// used is what a stage would be run with now.
type used struct {
	deps   []Output
	params map[string]map[string]any // by file, then by name
}

// values collects the parameters of a stage from their files. A file without
// names stands for all that is in it.
func (r *Repo) values(s *stage) (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	for file, names := range s.params {
		all, err := r.readParams(file)
		if err != nil {
			return nil, err
		}
		if len(names) == 0 {
			out[file] = all
			continue
		}
		out[file] = map[string]any{}
		for _, name := range names {
			v, ok := param(all, name)
			if !ok {
				return nil, errs.New(errs.NotFound, "%s has no parameter %s", file, name)
			}
			out[file][name] = v
		}
	}
	return out, nil
}

// lockedCommand returns the commands of a dvc.lock entry.
func lockedCommand(n *yaml.Node) []string {
	c := get(n, "cmd")
	switch {
	case c == nil:
		return nil
	case c.Kind == yaml.SequenceNode:
		var out []string
		for _, item := range c.Content {
			out = append(out, item.Value)
		}
		return out
	}
	return []string{c.Value}
}

// differs says how what a stage would be run with differs from its entry of
// dvc.lock: the path and the kind of each change.
func (s *stage) differs(now *used) []Change {
	note := func(at, kind string) Change {
		return Change{File: s.in.lockName(), Stage: s.address(), Path: at, Kind: kind}
	}
	if s.locked == nil {
		return []Change{note(s.in.name, "never run")}
	}
	var out []Change
	if !slices.Equal(lockedCommand(s.locked), s.commands) {
		out = append(out, note(s.in.name, "changed command"))
	}
	if s.frozen {
		return out
	}
	if s.always {
		out = append(out, note(s.in.name, "always changed"))
	}
	was := map[string]OID{}
	if deps := get(s.locked, "deps"); deps != nil {
		for _, n := range deps.Content {
			if o, err := parseOutput(s.in.lockName(), s.dir, n); err == nil {
				was[o.Path] = o.OID
			}
		}
	}
	for _, d := range now.deps {
		if was[d.Path] != d.OID || d.OID == "" {
			out = append(out, note(d.Path, "changed dependency"))
		}
		delete(was, d.Path)
	}
	for _, gone := range sortedKeys(was) {
		out = append(out, note(gone, "changed dependency"))
	}
	return append(out, s.differentParams(now, note)...)
}

func (s *stage) differentParams(now *used, note func(at, kind string) Change) []Change {
	var out []Change
	for _, file := range sortedKeys(now.params) {
		var was map[string]any
		if n := get(get(s.locked, "params"), s.written[file]); n != nil {
			_ = n.Decode(&was) // what cannot be read has changed
		}
		for _, name := range sortedKeys(now.params[file]) {
			old, ok := was[name]
			if !ok || !reflect.DeepEqual(plainValue(old), plainValue(now.params[file][name])) {
				out = append(out, note(file+":"+name, "changed parameter"))
			}
		}
	}
	return out
}

// plainValue makes equal what Python takes for equal: 1 and 1.0.
func plainValue(v any) any {
	switch v := v.(type) {
	case int:
		return float64(v)
	case int64:
		return float64(v)
	case uint64:
		return float64(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainValue(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for k := range v {
			out[k] = plainValue(v[k])
		}
		return out
	}
	return v
}

// entry makes the entry of dvc.lock for a stage that has run.
func (s *stage) entry(now *used) *yaml.Node {
	n := mapping()
	if s.list {
		list := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, c := range s.commands {
			list.Content = append(list.Content, textNode(c))
		}
		set(n, "cmd", list)
	} else {
		set(n, "cmd", textNode(s.commands[0]))
	}
	if len(now.deps) > 0 {
		set(n, "deps", s.lockedList(now.deps))
	}
	if len(now.params) > 0 {
		set(n, "params", s.lockedParams(now))
	}
	if len(s.outs) > 0 {
		outs := make([]Output, len(s.outs))
		for i := range s.outs {
			outs[i] = s.outs[i].Output
		}
		set(n, "outs", s.lockedList(outs))
	}
	return n
}

func (s *stage) lockedList(list []Output) *yaml.Node {
	slices.SortFunc(list, func(a, b Output) int { return strings.Compare(s.written[a.Path], s.written[b.Path]) })
	out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
	for _, o := range list {
		n := mapping()
		set(n, "path", textNode(s.written[o.Path]))
		set(n, "hash", textNode("md5"))
		set(n, "md5", textNode(string(o.OID)))
		set(n, "size", numberNode(o.Size))
		if o.OID.IsDir() {
			set(n, "nfiles", numberNode(int64(o.Files)))
		}
		if o.Exec {
			set(n, "isexec", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: "true"})
		}
		out.Content = append(out.Content, n)
	}
	return out
}

func (s *stage) lockedParams(now *used) *yaml.Node {
	out := mapping()
	files := sortedKeys(now.params)
	own := path.Join(s.dir, "params.yaml")
	if i := slices.Index(files, own); i > 0 {
		files = append([]string{own}, slices.Delete(files, i, i+1)...)
	}
	for _, file := range files {
		set(out, s.written[file], valueNode(now.params[file]))
	}
	return out
}

// valueNode writes a value as DVC does.
func valueNode(v any) *yaml.Node {
	scalar := func(tag, text string) *yaml.Node { return &yaml.Node{Kind: yaml.ScalarNode, Tag: tag, Value: text} }
	switch v := v.(type) {
	case nil:
		return scalar("!!null", "")
	case string:
		return textNode(v)
	case float64:
		return scalar("!!float", pythonFloat(v))
	case []any:
		n := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		for _, item := range v {
			n.Content = append(n.Content, valueNode(item))
		}
		return n
	case map[string]any:
		n := mapping()
		for _, k := range sortedKeys(v) {
			set(n, k, valueNode(v[k]))
		}
		return n
	case bool:
		return scalar("!!bool", fmt.Sprint(v))
	}
	return scalar("!!int", fmt.Sprint(v))
}

// writeLock replaces a stage's entry of dvc.lock and leaves the others as they are.
func (r *Repo) writeLock(s *stage, now *used) error {
	p := s.in
	if p.lock == nil {
		root := mapping()
		set(root, "schema", textNode("2.0"))
		set(root, "stages", mapping())
		p.lock = &yaml.Node{Kind: yaml.DocumentNode, Content: []*yaml.Node{root}}
	}
	stages := get(p.lock.Content[0], "stages")
	if stages == nil || stages.Kind != yaml.MappingNode {
		stages = mapping()
		set(p.lock.Content[0], "stages", stages)
	}
	s.locked = s.entry(now)
	set(stages, s.name, s.locked)
	return errs.Wrap(replace(r.full(p.lockName()), emit(p.lock), 0o644, true), "write %s", p.lockName())
}
