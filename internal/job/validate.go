package job

import (
	"errors"
	"os"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
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

// Verdict is what the linter says about one file.
type Verdict struct {
	File     string    `json:"file"`
	Kind     Kind      `json:"kind"`
	Valid    bool      `json:"valid"` // there are no errors; warnings do not count
	Errors   []Problem `json:"errors"`
	Warnings []Problem `json:"warnings"`
}

// Validate reads and checks one file of any kind. A file that cannot be read or
// parsed has that as its only error.
func Validate(path string) Verdict {
	d, err := Open(path)
	if err != nil {
		p := Problem{Message: err.Error(), Mend: "name a readable file"}
		var in *errs.Input
		if errors.As(err, &in) {
			p = Problem{Line: in.Row, Field: in.Column, Message: in.Problem, Mend: in.Mend}
		}
		return Verdict{File: path, Errors: []Problem{p}, Warnings: []Problem{}}
	}
	p := d.Check()
	v := Verdict{File: path, Kind: d.Kind, Errors: p.Errors(), Warnings: p.Warnings()}
	v.Valid = len(v.Errors) == 0
	return v
}
