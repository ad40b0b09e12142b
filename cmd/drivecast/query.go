package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// answer is how a command's result is printed, by the flags that az has: -o and
// --query.
type answer struct{ form, query string }

func (o *answer) addTo(c *cobra.Command) {
	c.Flags().StringVarP(&o.form, "output", "o", "table", "how to print the result: table, json or tsv")
	c.Flags().StringVar(&o.query, "query", "", "print only this field, for instance name or inputs.n.value")
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
	for part := range strings.SplitSeq(strings.ReplaceAll(o.query, "[", ".["), ".") {
		switch y := x.(type) {
		case map[string]any:
			x = y[part]
		case []any:
			i, err := strconv.Atoi(strings.Trim(part, "[]"))
			if err != nil || i < 0 || i >= len(y) {
				return errs.New(errs.Usage, "--query %s: %q is no index of a list of %d", o.query, part, len(y))
			}
			x = y[i]
		default:
			x = nil
		}
	}
	if s, ok := x.(string); ok && o.form != "json" {
		_, err := fmt.Fprintln(a.stdout, s)
		return err
	}
	if x == nil && o.form != "json" {
		return nil
	}
	return a.printJSON(x)
}
