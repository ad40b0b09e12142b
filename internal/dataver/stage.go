package dataver

import (
	"fmt"
	"path"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// pipeline is a dvc.yaml with its dvc.lock.
type pipeline struct {
	name   string // of dvc.yaml, from the root
	lock   *yaml.Node
	stages []*stage
}

func (p *pipeline) lockName() string { return strings.TrimSuffix(p.name, "yaml") + "lock" }

// stage is one step of a pipeline.
type stage struct {
	name     string
	in       *pipeline
	commands []string
	list     bool   // the commands were written as a list
	dir      string // working directory, from the root
	deps     []string
	written  map[string]string // paths as dvc.yaml has them, by the paths from the root
	params   map[string][]string
	outs     []stageOut
	frozen   bool
	always   bool
	locked   *yaml.Node // its entry of dvc.lock, nil without one
}

type stageOut struct {
	Output
	persist bool // is not removed before the stage runs
}

// address is how people name the stage.
func (s *stage) address() string {
	if s.in.name == "dvc.yaml" {
		return s.name
	}
	return s.in.name + ":" + s.name
}

func (r *Repo) readPipeline(name string) (*pipeline, error) {
	doc, err := r.readDocument(name)
	if err != nil {
		return nil, err
	}
	p := &pipeline{name: name}
	if p.lock, err = r.readDocument(p.lockName()); err != nil && !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	vars := variables{}
	dir := path.Dir(name)
	if values, err := r.readParams(path.Join(dir, "params.yaml")); err == nil {
		vars = vars.with(values)
	} else if !errs.Is(err, errs.NotFound) {
		return nil, err
	}
	var top any
	if n := get(doc.Content[0], "vars"); n != nil {
		if err := n.Decode(&top); err != nil {
			return nil, &errs.Input{File: name, Row: n.Line, Problem: "vars: " + err.Error()}
		}
	}
	if vars, err = r.loadVars(vars, dir, top); err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	stages := get(doc.Content[0], "stages")
	if stages == nil {
		return p, nil
	}
	for i := 0; i < len(stages.Content)-1; i += 2 {
		key, body := stages.Content[i], stages.Content[i+1]
		var raw map[string]any
		if err := body.Decode(&raw); err != nil {
			return nil, &errs.Input{File: name, Row: key.Line, Column: key.Value, Problem: "the stage is no mapping: " + err.Error()}
		}
		if err := r.addStages(p, key.Value, raw, vars); err != nil {
			return nil, errs.Wrap(err, "%s: line %d: stage %s", name, key.Line, key.Value)
		}
	}
	return p, nil
}

// addStages adds a stage, or all that foreach or matrix makes of it.
func (r *Repo) addStages(p *pipeline, name string, raw map[string]any, vars variables) error {
	variants, err := unroll(name, raw, vars)
	if err != nil {
		return err
	}
	for _, v := range variants {
		body := v.body
		scope, err := r.loadVars(v.vars, path.Dir(p.name), body["vars"])
		if err != nil {
			return err
		}
		delete(body, "vars")
		full, err := scope.expandAll(body)
		if err != nil {
			return err
		}
		s, err := parseStage(p, v.name, full.(map[string]any))
		if err != nil {
			return err
		}
		if p.lock != nil {
			s.locked = get(get(p.lock.Content[0], "stages"), v.name)
		}
		if err := s.readLock(); err != nil {
			return err
		}
		p.stages = append(p.stages, s)
	}
	return nil
}

type variant struct {
	name string
	vars variables
	body map[string]any
}

func unroll(name string, raw map[string]any, vars variables) ([]variant, error) {
	clone := func(from map[string]any) map[string]any {
		return variables(from).with(nil)
	}
	if raw["foreach"] != nil {
		body, ok := raw["do"].(map[string]any)
		items, err := vars.expandAll(raw["foreach"])
		if err != nil || !ok {
			return nil, errs.New(errs.Invalid, "foreach needs a list or mapping, and do: %v", err)
		}
		var out []variant
		switch items := items.(type) {
		case []any:
			for i, item := range items {
				label := fmt.Sprint(i)
				if !isNested(item) {
					label, _ = spell(item)
				}
				out = append(out, variant{name + "@" + label, vars.with(map[string]any{"item": item}), clone(body)})
			}
		case map[string]any:
			for _, k := range sortedKeys(items) {
				out = append(out, variant{name + "@" + k, vars.with(map[string]any{"item": items[k], "key": k}), clone(body)})
			}
		}
		return out, nil
	}
	if raw["matrix"] == nil {
		return []variant{{name, vars, clone(raw)}}, nil
	}
	expanded, err := vars.expandAll(raw["matrix"])
	axes, ok := expanded.(map[string]any)
	if err != nil || !ok {
		return nil, errs.New(errs.Invalid, "matrix is no mapping of lists: %v", err)
	}
	combos := []variant{{name: "", vars: variables{}}}
	for _, axis := range sortedKeys(axes) {
		values, _ := axes[axis].([]any)
		var next []variant
		for _, c := range combos {
			for i, v := range values {
				label := axis + fmt.Sprint(i)
				if !isNested(v) {
					label, _ = spell(v)
				}
				next = append(next, variant{strings.TrimPrefix(c.name+"-"+label, "-"), c.vars.with(map[string]any{axis: v}), nil})
			}
		}
		combos = next
	}
	for i := range combos {
		body := clone(raw)
		delete(body, "matrix")
		combos[i] = variant{name + "@" + combos[i].name, vars.with(map[string]any{"item": map[string]any(combos[i].vars), "key": combos[i].name}), body}
	}
	return combos, nil
}

func isNested(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

func parseStage(p *pipeline, name string, raw map[string]any) (*stage, error) {
	s := &stage{name: name, in: p, dir: path.Dir(p.name), params: map[string][]string{}, written: map[string]string{}}
	if wdir, ok := raw["wdir"].(string); ok && path.Join(s.dir, wdir) != "." {
		var err error
		if s.dir, err = inside(s.dir, wdir); err != nil {
			return nil, err
		}
	}
	switch c := raw["cmd"].(type) {
	case string:
		s.commands = []string{c}
	case []any:
		s.list = true
		for _, item := range c {
			text, ok := item.(string)
			if !ok {
				return nil, errs.New(errs.Invalid, "an item of cmd is no text; put it in quotes")
			}
			s.commands = append(s.commands, text)
		}
	}
	if len(s.commands) == 0 {
		return nil, errs.New(errs.Invalid, "there is no cmd")
	}
	s.frozen, _ = raw["frozen"].(bool)
	s.always, _ = raw["always_changed"].(bool)
	deps, _ := raw["deps"].([]any)
	for _, d := range deps {
		text, ok := d.(string)
		if !ok {
			return nil, errs.New(errs.Invalid, "a dependency is no path")
		}
		at, err := inside(s.dir, text)
		if err != nil {
			return nil, err
		}
		s.deps, s.written[at] = append(s.deps, at), text
	}
	for _, kind := range []string{"outs", "metrics", "plots"} {
		list, _ := raw[kind].([]any)
		for _, item := range list {
			if err := s.addOut(item); err != nil {
				return nil, errs.Wrap(err, "%s", kind)
			}
		}
	}
	return s, s.addParams(raw["params"])
}

func (s *stage) addOut(item any) error {
	flags := map[string]any{}
	text, ok := item.(string)
	if m, is := item.(map[string]any); is && len(m) == 1 {
		text = sortedKeys(m)[0]
		flags, _ = m[text].(map[string]any)
		ok = true
	}
	if !ok {
		return errs.New(errs.Invalid, "an output is no path")
	}
	at, err := inside(s.dir, text)
	if err != nil {
		return err
	}
	yes := func(key string, otherwise bool) bool {
		if v, ok := flags[key].(bool); ok {
			return v
		}
		return otherwise
	}
	o := stageOut{Output: Output{File: s.in.lockName(), Stage: s.address(), Path: at, Cached: yes("cache", true), Push: yes("push", true)}, persist: yes("persist", false)}
	o.Remote, _ = flags["remote"].(string)
	s.outs, s.written[at] = append(s.outs, o), text
	return nil
}

func (s *stage) addParams(raw any) error {
	list, _ := raw.([]any)
	own := path.Join(s.dir, "params.yaml")
	for _, item := range list {
		switch item := item.(type) {
		case string:
			s.params[own] = append(s.params[own], item)
			s.written[own] = "params.yaml"
		case map[string]any:
			for _, file := range sortedKeys(item) {
				at, err := inside(s.dir, file)
				if err != nil {
					return err
				}
				keys, _ := item[file].([]any)
				s.written[at] = file
				s.params[at] = append(s.params[at], []string{}...)
				for _, k := range keys {
					s.params[at] = append(s.params[at], fmt.Sprint(k))
				}
			}
		}
	}
	return nil
}

// readLock fills in what dvc.lock says of the outputs.
func (s *stage) readLock() error {
	outs := get(s.locked, "outs")
	if outs == nil {
		return nil
	}
	for _, n := range outs.Content {
		o, err := parseOutput(s.in.lockName(), s.dir, n)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(s.outs, func(x stageOut) bool { return x.Path == o.Path })
		if i >= 0 {
			at := &s.outs[i]
			at.OID, at.Size, at.Files, at.Exec, at.legacy = o.OID, o.Size, o.Files, o.Exec, o.legacy
		}
	}
	return nil
}
