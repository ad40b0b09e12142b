package job

import (
	"os"
	"slices"
	"strings"
)

// Check judges the document alone, without looking for what it refers to in any
// store: faults that would stop it, and warnings about unknown fields and local
// paths that do not exist.
func (d *Document) Check() Problems {
	c := &checker{doc: d}
	root := at{node: d.root}
	if s := shapeOf(d.Kind); s != nil {
		c.value(root, s)
	} else {
		c.fault(root, "add a `$schema:` line, for instance https://azuremlschemas.azureedge.net/latest/commandJob.schema.json", "the kind of the document cannot be told from $schema, type or fields")
	}
	slices.SortStableFunc(c.list, func(a, b Problem) int { return a.Line - b.Line })
	return Problems{File: d.File, List: c.list}
}

// missing warns when a local path does not exist.
func (c *checker) missing(a at) {
	if !a.exists() {
		return
	}
	p := c.doc.path(a.node.Value)
	if p == "" || IsRemote(p) || strings.Contains(p, "${{") {
		return
	}
	if _, err := os.Stat(p); err != nil {
		c.warn(a, "paths start from the folder of the YAML file", "%s does not exist", describe(a.node))
	}
}
