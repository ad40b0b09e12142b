package job

import (
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rules that look at more than one field.

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

func (a at) text(keys ...string) string { return text(a.node, keys...) }

func (a at) integer(keys ...string) int {
	n, _ := strconv.ParseInt(text(a.node, keys...), 0, 64)
	return int(n)
}

func (a at) number(keys ...string) float64 {
	x, _ := strconv.ParseFloat(text(a.node, keys...), 64)
	return x
}

func (a at) isText() bool { return a.exists() && a.node.Kind == yaml.ScalarNode }

// commandExpressions checks that a command names only what is declared, and
// that local paths exist.
func commandExpressions(c *checker, a at) {
	c.innerScope(a.child("command"), a, nil)
	a.child("environment_variables").each(func(_ string, v at) { c.innerScope(v, a, nil) })
	c.paths(a)
}

// paths warns of missing local files that a job or component names.
func (c *checker) paths(a at) {
	c.missing(a.child("code"))
	c.environmentFiles(a.child("environment"))
	a.child("inputs").each(func(_ string, in at) { c.missing(in.child("path")) })
}

func (c *checker) environmentFiles(e at) {
	if e.isText() {
		c.reference(e, "environment", true)
		return
	}
	c.missing(e.child("build").child("path"))
	if f := e.child("conda_file"); f.isText() {
		c.missing(f)
	}
}

// innerScope checks the expressions of text against the inputs and outputs
// declared under owner, and the names of a search space.
func (c *checker) innerScope(text, owner at, space []string) {
	if !text.isText() {
		return
	}
	list, err := Expressions(text.node.Value)
	if err != nil {
		c.fault(text, "write ${{inputs.name}} or ${{outputs.name}}", "%v", err)
		return
	}
	if strings.Count(text.node.Value, "$[[") > strings.Count(text.node.Value, "]]") {
		c.fault(text, "close the group with `]]`", "`$[[` has no `]]`")
	}
	for _, e := range list {
		if len(e) == 2 && e[0] == "search_space" && space != nil {
			if !slices.Contains(space, e[1]) {
				c.fault(text, "add `"+e[1]+":` under `search_space:`", "${{search_space.%s}} names nothing in the search space", e[1])
			}
			continue
		}
		c.declared(text, owner, e)
	}
}

func (c *checker) declared(text, owner at, e []string) {
	full := "${{" + strings.Join(e, ".") + "}}"
	if len(e) < 2 || e[0] != "inputs" && e[0] != "outputs" {
		mend := "write ${{inputs.name}} or ${{outputs.name}}"
		if e[0] == "parent" {
			mend = "hand the value on as an input and write ${{inputs.name}}"
		}
		c.fault(text, mend, "%s has no meaning here", full)
		return
	}
	block := owner.child(e[0])
	known := child(block.node, e[1]) != nil || child(block.node, strings.Join(e[1:], ".")) != nil
	if !known {
		c.fault(text, "add `"+e[1]+":` under `"+e[0]+":`", "%s names no %s of this job", full, strings.TrimSuffix(e[0], "s"))
	}
}

var (
	assetForm    = regexp.MustCompile(`^azureml:[A-Za-z0-9_][A-Za-z0-9_.-]*(:[A-Za-z0-9_.-]+|@[A-Za-z0-9_.-]+)?$`)
	assetVersion = regexp.MustCompile(`^azureml:[^/:@]+$`)
)

// reference checks the form of a reference to an asset. A name without version
// or label leaves open which is meant.
func (c *checker) reference(a at, what string, versioned bool) {
	v := strings.TrimSpace(a.node.Value)
	switch {
	case strings.Contains(v, "${{"), strings.HasPrefix(v, "azureml://"), strings.HasPrefix(v, "azureml:/subscriptions/"):
	case strings.HasPrefix(v, "file:"), strings.HasPrefix(v, "./"), strings.HasPrefix(v, "../"), strings.HasSuffix(v, ".yml"), strings.HasSuffix(v, ".yaml"):
		c.missing(a)
	case strings.HasPrefix(v, "azureml:"):
		if !assetForm.MatchString(v) {
			c.fault(a, "write azureml:NAME:VERSION or azureml:NAME@latest", "%s is no reference to %s", describe(a.node), article(what))
		} else if versioned && assetVersion.MatchString(v) {
			c.warn(a, "write "+v+"@latest, or a version", "the reference names no version")
		}
	case strings.HasPrefix(v, "/subscriptions/"):
	default:
		c.warn(a, "write azureml:"+strings.Trim(v, "<> ")+"@latest, or a map with `image:`", "%s is not written as a reference to %s", describe(a.node), article(what))
	}
}

func article(what string) string {
	if strings.ContainsRune("aeiou", rune(what[0])) {
		return "an " + what
	}
	return "a " + what
}

// declaredRules checks the default of a declared input against its type, range
// and list.
func declaredRules(c *checker, a at) {
	v, kind := a.child("default"), strings.ToLower(a.text("type"))
	lo, hi := a.child("min"), a.child("max")
	if lo.exists() && hi.exists() && a.number("min") > a.number("max") {
		c.fault(lo, "exchange them", "min %s is greater than max %s", lo.node.Value, hi.node.Value)
	}
	if !v.isText() || strings.Contains(v.node.Value, "${{") {
		return
	}
	if kind == "integer" || kind == "number" || kind == "boolean" {
		if _, ok := fits(v.node.Value, v.node.Tag, kind); !ok {
			c.fault(v, "write a default of type "+kind, "%s is no %s", describe(v.node), kind)
			return
		}
	}
	if kind == "integer" || kind == "number" {
		x := a.number("default")
		if lo.exists() && x < a.number("min") || hi.exists() && x > a.number("max") {
			c.fault(v, "choose a default between min and max", "the default %s is out of its range", v.node.Value)
		}
	}
	if e := a.child("enum"); e.exists() && !slices.Contains(list(e), v.node.Value) {
		c.fault(v, "write one of "+oneOf(list(e)), "the default %s is not in enum", describe(v.node))
	}
}

func parallelExpressions(c *checker, a at) {
	task := a.child("task")
	c.innerScope(task.child("program_arguments"), a, nil)
	c.innerScope(a.child("input_data"), a, nil)
	c.missing(task.child("code"))
	c.environmentFiles(task.child("environment"))
}

func sparkExpressions(c *checker, a at) {
	c.innerScope(a.child("args"), a, nil)
	c.paths(a)
}

// sweepRules checks what a sweep's parts say of each other.
func sweepRules(c *checker, a at) {
	space := []string{}
	grid := same(a.text("sampling_algorithm"), "grid") || same(a.child("sampling_algorithm").text("type"), "grid")
	a.child("search_space").each(func(name string, v at) {
		space = append(space, name)
		if grid && v.text("type") != "" && !same(v.text("type"), "choice") {
			c.fault(v.child("type"), "write choice, or another sampling_algorithm", "grid sampling knows only choice")
		}
	})
	limits := a.child("limits")
	total, at1 := limits.integer("max_total_trials"), limits.child("max_concurrent_trials")
	if at1.exists() && total > 0 && limits.integer("max_concurrent_trials") > total {
		c.fault(at1, "write at most max_total_trials", "%s is more than max_total_trials, %d", at1.node.Value, total)
	}
	t := a.child("trial")
	if t.isText() {
		c.reference(t, "component", true)
		return
	}
	if child(t.node, "inputs") == nil { // in place, the trial shares the sweep's inputs
		c.innerScope(t.child("command"), a, space)
	} else {
		for i := 0; i+1 < len(t.child("inputs").node.Content); i += 2 {
			space = append(space, t.child("inputs").node.Content[i].Value)
		}
		c.innerScope(t.child("command"), t, space)
	}
	c.paths(t)
	c.unusedSpace(a, t)
}

func (c *checker) unusedSpace(a, t at) {
	line := t.text("command")
	if line == "" {
		return
	}
	used := strings.NewReplacer(" ", "", "\t", "").Replace(line)
	a.child("search_space").each(func(name string, v at) {
		if !strings.Contains(used, "${{search_space."+name+"}}") && !strings.Contains(used, "${{inputs."+name+"}}") {
			c.warn(v, "write ${{search_space."+name+"}} in the command, or remove it", "the command does not use it, so it changes nothing")
		}
	})
}

func banditRules(c *checker, a at) {
	factor, amount := a.child("slack_factor"), a.child("slack_amount")
	if factor.exists() == amount.exists() {
		c.fault(a, "write slack_factor or slack_amount, not both", "a bandit policy wants exactly one slack")
	}
}

func spanRules(c *checker, a at) {
	if a.number("min_value") >= a.number("max_value") && a.child("min_value").exists() && a.child("max_value").exists() {
		c.fault(a.child("min_value"), "write a min_value below max_value", "%s is not below max_value, %s", a.text("min_value"), a.text("max_value"))
	}
}
