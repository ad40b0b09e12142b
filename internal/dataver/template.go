package dataver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path"
	"regexp"
	"sort"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// variables are what ${…} in a dvc.yaml can name.
type variables map[string]any

// reference finds ${NAME}; a backslash before it keeps it as it is.
var reference = regexp.MustCompile(`\\?\$\{\s*([^{}$]+?)\s*\}`)

// expand replaces the references in a text. A text that is one reference as a
// whole becomes the value itself.
func (v variables) expand(s string) (any, error) {
	if m := reference.FindStringSubmatch(s); m != nil && m[0] == s && s[0] == '$' {
		return v.lookup(m[1])
	}
	var failed error
	out := reference.ReplaceAllStringFunc(s, func(ref string) string {
		if ref[0] == '\\' {
			return ref[1:]
		}
		value, err := v.lookup(reference.FindStringSubmatch(ref)[1])
		if err == nil {
			var text string
			if text, err = spell(value); err == nil {
				return text
			}
		}
		if failed == nil {
			failed = err
		}
		return ref
	})
	return out, failed
}

// lookup finds a.b[0].c.
func (v variables) lookup(name string) (any, error) {
	var at any = map[string]any(v)
	for _, key := range strings.FieldsFunc(name, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next, ok := child(at, key)
		if !ok {
			return nil, errs.New(errs.Invalid, "${%s} names nothing: neither params.yaml nor vars has %s", name, key)
		}
		at = next
	}
	return at, nil
}

func child(at any, key string) (any, bool) {
	switch at := at.(type) {
	case map[string]any:
		v, ok := at[key]
		return v, ok
	case []any:
		i, err := strconv.Atoi(key)
		if err == nil && i >= 0 && i < len(at) {
			return at[i], true
		}
	}
	return nil, false
}

// spell writes a value into a text; a mapping becomes flags, --key value.
func spell(value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	case float64:
		return pythonFloat(v), nil
	case map[string]any:
		keys := make([]string, 0, len(v))
		for k := range v {
			keys = append(keys, k)
		}
		sort.Strings(keys)
		var flags []string
		for _, k := range keys {
			text, err := spell(v[k])
			if err != nil {
				return "", err
			}
			switch on, isBool := v[k].(bool); {
			case isBool && on:
				flags = append(flags, "--"+k)
			case !isBool:
				flags = append(flags, "--"+k+" "+text)
			}
		}
		return strings.Join(flags, " "), nil
	case []any:
		return "", errs.New(errs.Invalid, "a list cannot be written into a text")
	}
	return fmt.Sprint(value), nil
}

// expandAll replaces the references in a whole value, keys of mappings included.
func (v variables) expandAll(value any) (any, error) {
	switch value := value.(type) {
	case string:
		return v.expand(value)
	case []any:
		out := make([]any, len(value))
		for i := range value {
			var err error
			if out[i], err = v.expandAll(value[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(value))
		for k, item := range value {
			key, err := v.expand(k)
			if err != nil {
				return nil, err
			}
			if out[fmt.Sprint(key)], err = v.expandAll(item); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return value, nil
}

// with returns the variables and more of them.
func (v variables) with(more map[string]any) variables {
	out := make(variables, len(v)+len(more))
	for k, x := range v {
		out[k] = x
	}
	for k, x := range more {
		out[k] = x
	}
	return out
}

// loadVars reads a list of vars: mappings, and names of files, each with the keys
// that are wanted of it after a colon.
func (r *Repo) loadVars(base variables, dir string, list any) (variables, error) {
	items, _ := list.([]any)
	for _, item := range items {
		switch item := item.(type) {
		case map[string]any:
			base = base.with(item)
		case string:
			file, keys, some := strings.Cut(item, ":")
			name, err := inside(dir, file)
			if err != nil {
				return nil, err
			}
			values, err := r.readParams(name)
			if err != nil {
				return nil, err
			}
			if some {
				chosen := map[string]any{}
				for _, k := range strings.Split(keys, ",") {
					v, ok := values[k]
					if !ok {
						return nil, errs.New(errs.NotFound, "%s has no %s", name, k)
					}
					chosen[k] = v
				}
				values = chosen
			}
			base = base.with(values)
		}
	}
	return base, nil
}

// readParams reads a file of parameters: YAML or JSON.
func (r *Repo) readParams(name string) (map[string]any, error) {
	text, err := os.ReadFile(r.full(name))
	if err != nil {
		return nil, errs.Wrap(err, "read the parameters")
	}
	values := map[string]any{}
	switch path.Ext(name) {
	case ".json":
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err = d.Decode(&values)
		values, _ = numbers(values).(map[string]any)
	case ".toml", ".py":
		return nil, errs.New(errs.Unsupported, "%s: parameters are read from YAML and JSON files", name)
	default:
		err = yaml.Unmarshal(text, &values)
	}
	if err != nil {
		return nil, &errs.Input{File: name, Problem: "no mapping of parameters: " + err.Error()}
	}
	return values, nil
}

// param finds a parameter by its dotted name; a key that has the dots in it wins.
func param(values map[string]any, name string) (any, bool) {
	if v, ok := values[name]; ok {
		return v, true
	}
	var at any = values
	for _, key := range strings.Split(name, ".") {
		next, ok := child(at, key)
		if !ok {
			return nil, false
		}
		at = next
	}
	return at, true
}

// numbers tells whole numbers of JSON from others, as Python does.
func numbers(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := strconv.ParseInt(string(v), 10, 64); err == nil {
			return i
		}
		f, err := v.Float64()
		if err != nil {
			return string(v)
		}
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = numbers(v[k])
		}
	}
	return v
}
