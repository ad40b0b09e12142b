package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job"
	"github.com/drivecast/drivecast/internal/job/kube"
)

// kubeAnswer is how a result is printed: the flags -o and --query.
type kubeAnswer struct{ form, query string }

func (o *kubeAnswer) addTo(c *cobra.Command) {
	c.Flags().StringVarP(&o.form, "output", "o", "table", "how to print the result: table, json, yaml or tsv")
	c.Flags().StringVar(&o.query, "query", "", "print only this field, for instance name")
}

// people reports whether the result is for people rather than programs.
func (o kubeAnswer) people() bool { return o.form == "table" && o.query == "" }

// check refuses unknown forms; manifests are printed as YAML unless JSON is asked
// for.
func (o *kubeAnswer) check(manifests bool) error {
	switch {
	case manifests && o.form == "table":
		o.form = "yaml"
	case manifests && o.form != "yaml" && o.form != "json":
		return errs.New(errs.Usage, "--output %s: a dry run prints yaml or json", o.form)
	case o.form == "tsv" && o.query == "":
		return errs.New(errs.Usage, "-o tsv wants a --query, for instance --query name")
	}
	switch o.form {
	case "table", "json", "yaml", "tsv", "none":
		return nil
	}
	return errs.New(errs.Usage, "--output %s: write table, json, yaml or tsv", o.form)
}

func (a *app) printRecord(o kubeAnswer, r job.Record) error {
	return a.kubePrint(o, r, func() error {
		w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
		code := ""
		if r.ExitCode != nil {
			code = fmt.Sprint(*r.ExitCode)
		}
		for _, row := range [][2]string{
			{"name", r.Name}, {"status", string(r.State)}, {"experiment", r.Experiment}, {"compute", r.Cluster}, {"run", r.RunID},
			{"created", kubeTime(r.Created)}, {"started", kubeTime(r.Started)}, {"ended", kubeTime(r.Ended)}, {"exit code", code}, {"detail", r.Detail},
		} {
			if row[1] != "" {
				fmt.Fprintf(w, "%s\t%s\n", row[0], row[1])
			}
		}
		return w.Flush()
	})
}

func kubeTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

// kubePrint writes v in the form that is asked for.
func (a *app) kubePrint(o kubeAnswer, v any, table func() error) error {
	if o.form == "none" {
		return nil
	}
	if o.people() {
		return table()
	}
	x, err := field(v, o.query)
	if err != nil {
		return err
	}
	if s, ok := x.(string); ok && o.query != "" && o.form != "json" {
		_, err := fmt.Fprintln(a.stdout, s)
		return err
	}
	var text []byte
	if o.form == "yaml" {
		text, err = yaml.Marshal(x)
	} else if text, err = json.MarshalIndent(x, "", "  "); err == nil {
		text = append(text, '\n')
	}
	if err == nil {
		_, err = a.stdout.Write(text)
	}
	return errs.Wrap(err, "print the result")
}

// field is what a path such as a.b[0] names in v; "" is v itself.
func field(v any, path string) (any, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return nil, errs.Wrap(err, "print the result")
	}
	var x any
	if err := json.Unmarshal(text, &x); err != nil || path == "" {
		return x, errs.Wrap(err, "print the result")
	}
	for part := range strings.SplitSeq(strings.ReplaceAll(path, "[", ".["), ".") {
		switch y := x.(type) {
		case map[string]any:
			x = y[part]
		case []any:
			i, err := strconv.Atoi(strings.Trim(part, "[]"))
			if err != nil || i < 0 || i >= len(y) {
				return nil, errs.New(errs.Usage, "--query %s: %q is no index of a list of %d", path, part, len(y))
			}
			x = y[i]
		default:
			x = nil
		}
	}
	return x, nil
}

// printManifests writes objects as YAML documents, or as JSON: one object alone, or
// a List.
func (a *app) printManifests(form string, list []any) error {
	text, err := kube.Print(list, form == "json")
	if err == nil {
		_, err = a.stdout.Write(text)
	}
	return errs.Wrap(err, "print the manifests")
}
