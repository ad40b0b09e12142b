package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jmespath/go-jmespath"
	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// answer is how a command's result is printed, by the flags that az has: -o and
// --query.
type answer struct{ form, query string }

func (o *answer) addTo(c *cobra.Command) {
	c.Flags().StringVarP(&o.form, "output", "o", "table", "how to print the result: table, json or tsv")
	c.Flags().StringVar(&o.query, "query", "", "print only what this JMESPath expression finds, for instance name, inputs.n.value or [].name")
}

func (o *answer) check() error {
	switch o.form {
	case "table", "json", "tsv", "none":
		return nil
	}
	return errs.New(errs.Usage, "--output %s: write table, json or tsv", o.form)
}

// print writes v, or the field of it that is asked for; table prints it for
// people.
func (a *app) answer(o answer, v any, table func() error) error {
	switch {
	case o.form == "none":
		return nil
	case o.query != "":
		return a.answerField(o, v)
	case o.form == "json":
		return a.printJSON(v)
	case o.form == "tsv":
		return errs.New(errs.Usage, "-o tsv wants a --query, for instance --query name")
	}
	return table()
}

func (a *app) answerField(o answer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return errs.Wrap(err, "write the result")
	}
	var x any
	if err := json.Unmarshal(text, &x); err != nil {
		return errs.Wrap(err, "write the result")
	}
	if x, err = jmespath.Search(o.query, x); err != nil {
		return errs.New(errs.Usage, "--query %s: %w; write a JMESPath expression, for instance name, [0].name or [].name", o.query, err)
	}
	_, list := x.([]any)
	_, fields := x.(map[string]any)
	if o.form == "json" || o.form != "tsv" && (list || fields) {
		return a.printJSON(x)
	}
	return a.printTSV(x)
}

// printTSV prints what a query found as az does: a line for each element of a list,
// its values side by side. null is nothing.
func (a *app) printTSV(x any) error {
	rows, list := x.([]any)
	if !list {
		rows = []any{x}
	}
	for _, r := range rows {
		var cells []string
		for _, v := range valuesOf(r) {
			text, err := cellOf(v)
			if err != nil {
				return err
			}
			cells = append(cells, text)
		}
		if r == nil {
			continue
		}
		if _, err := fmt.Fprintln(a.stdout, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return nil
}

// valuesOf returns the values of one row: those of a list, of an object in the order
// of its names, or the value itself.
func valuesOf(v any) []any {
	switch v := v.(type) {
	case []any:
		return v
	case map[string]any:
		var out []any
		for _, name := range slices.Sorted(maps.Keys(v)) {
			out = append(out, v[name])
		}
		return out
	}
	return []any{v}
}

func cellOf(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case nil:
		return "", nil
	}
	text, err := json.Marshal(v)
	return string(text), errs.Wrap(err, "write the result")
}
