package job

import (
	"strconv"
	"strings"
)

// Rules that look at more than one field.

func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// commandExpressions checks that a command names only what is declared.
func commandExpressions(c *checker, a at) {
	c.innerScope(a, a.child("command"), a)
	a.child("environment_variables").each(func(_ string, v at) { c.innerScope(a, v, a) })
}

// innerScope checks the expressions of text against the inputs and outputs
// declared under owner.
func (c *checker) innerScope(_ at, text at, owner at) {
	if !text.exists() {
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
		c.declared(text, owner, e)
	}
}

func (c *checker) declared(text, owner at, e []string) {
	full := "${{" + strings.Join(e, ".") + "}}"
	if len(e) < 2 || e[0] != "inputs" && e[0] != "outputs" {
		if e[0] == "search_space" || e[0] == "parent" {
			c.fault(text, "use ${{inputs.name}} here and hand the value on as an input", "%s has no meaning in a command job", full)
			return
		}
		c.fault(text, "write ${{inputs.name}} or ${{outputs.name}}", "%s names nothing", full)
		return
	}
	block := owner.child(e[0])
	known := child(block.node, e[1]) != nil || child(block.node, strings.Join(e[1:], ".")) != nil
	if !known {
		c.fault(text, "add `"+e[1]+":` under `"+e[0]+":`", "%s names no %s of this job", full, strings.TrimSuffix(e[0], "s"))
	}
}

func (a at) text(keys ...string) string { return text(a.node, keys...) }

func (a at) integer(keys ...string) int {
	n, _ := strconv.ParseInt(text(a.node, keys...), 0, 64)
	return int(n)
}
