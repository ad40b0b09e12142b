package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

func (a *app) explainCommand() *cobra.Command {
	var o explainOptions
	c := &cobra.Command{
		Use:   "explain -m MODEL --data FILE",
		Short: "Say what each column adds to a model's answers",
		Long: `Say what each column adds to a model's answers, by exact Shapley values.

Printed is how much each column matters over all rows; -o writes what it adds in every
row, --row tells one row in words, and --counterfactual the smallest change that would
flip its decision; --plot draws it. A base value and the contributions add up to the answer. Of a tree
ensemble, its training rows stand for what is not known; with --background, rows of a
file do, which also explains probabilities and models of other kinds. See
docs/explaining.md.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model", "data"); err != nil {
				return err
			}
			if c.Flags().Changed("row") && o.row < 1 {
				return errs.New(errs.Usage, "--row %d: the first row is 1", o.row)
			}
			if err := noForm(o.out); err != nil {
				return err
			}
			return a.explain(c.Context(), &o)
		},
	}
	f := c.Flags()
	f.StringVarP(&o.model, "model", "m", "", "model: a path, models:/NAME@ALIAS, runs:/ID/model or http://server:5000/models/NAME@ALIAS (required)")
	f.StringVar(&o.data, "data", "", "CSV or Parquet file of rows to explain (required)")
	f.StringVarP(&o.out, "output", "o", "", "file for the contributions of every row: Parquet when it ends in .parquet, else CSV")
	f.StringVar(&o.pairs, "interactions", "", "file for what pairs of columns add together in every row, likewise")
	f.StringVar(&o.background, "background", "", "CSV or Parquet file whose rows stand for what is not known (default: a tree's training rows)")
	f.IntVar(&o.most, "background-rows", 100, "take so many of its rows, evenly spread")
	f.StringVar(&o.space, "space", "raw", "scale that contributions add up in: raw (a booster's and a linear model's log-odds) or probability")
	f.IntVar(&o.row, "row", 0, "tell this row in words, the first being 1")
	f.BoolVar(&o.flip, "counterfactual", false, "with --row: say what smallest change would flip the decision")
	f.StringArrayVar(&o.plots, "plot", nil, "KIND=FILE: draw "+plotKinds+" (of --row) to an .svg or .png file; may be repeated")
	f.StringSliceVar(&o.keep, "keep", nil, "columns that a counterfactual leaves alone")
	f.BoolVar(&o.json, "json", false, "print as JSON")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	return c
}

// explainOptions are the flags of `drivecast explain`.
type explainOptions struct {
	model, data, out, pairs, background, space, tracking string
	most, row                                            int
	flip, json                                           bool
	keep, plots                                          []string
}

// explained is everything that is said of a file's rows.
type explained struct {
	m       *model.Model
	t       *table.Table
	x       []float64 // rows as the model takes them
	names   []string
	bases   []float64
	given   []float64 // rows × columns: what each column adds
	shapley *model.Shapley
	ground  []float64
}

func (a *app) explain(ctx context.Context, o *explainOptions) error {
	if o.space != "raw" && o.space != "probability" {
		return errs.New(errs.Usage, "--space is raw or probability, not %q", o.space)
	}
	orders, err := plotOrders(o.plots, o.row)
	if err != nil {
		return err
	}
	m, err := a.env().Open(ctx, o.model, o.tracking)
	if err != nil {
		return err
	}
	e := &explained{m: m, names: columnNames(m)}
	if e.t, e.x, err = a.rowsOf(ctx, m, o.data); err != nil {
		return err
	}
	opt := model.Explaining{Probability: o.space == "probability"}
	if o.background != "" {
		_, rows, err := a.rowsOf(ctx, m, o.background)
		if err != nil {
			return err
		}
		opt.Background = spreadRows(rows, len(e.names), o.most)
	}
	if e.ground = opt.Background; e.ground == nil {
		e.ground = spreadRows(e.x, len(e.names), 1000)
	}
	if e.shapley, err = m.Shapley(opt); err != nil {
		return err
	}
	if o.row < 0 || o.row > e.t.Rows() {
		return errs.New(errs.Usage, "--row %d: %s has %d rows", o.row, o.data, e.t.Rows())
	}
	if o.flip && o.row == 0 {
		return errs.New(errs.Usage, "--counterfactual needs --row")
	}
	n := len(e.names)
	e.given, e.bases = make([]float64, len(e.x)), make([]float64, e.t.Rows())
	for r := range e.bases {
		if err := ctx.Err(); err != nil {
			return err
		}
		e.bases[r] = e.shapley.Explain(e.given[r*n:(r+1)*n], e.x[r*n:(r+1)*n])
	}
	if err := e.write(o); err != nil {
		return err
	}
	if err := e.plot(orders, o.row); err != nil {
		return err
	}
	if o.row > 0 {
		return a.tellRow(e, o)
	}
	return a.importances(e, o)
}

// rowsOf reads a file, also as the model takes it.
func (a *app) rowsOf(ctx context.Context, m *model.Model, path string) (*table.Table, []float64, error) {
	t, err := table.ReadFile(ctx, path, table.ReadOptions{KeepRaw: true, Texts: m.TextColumns()})
	if err != nil {
		return nil, nil, err
	}
	x, err := m.Matrix(t, 0, t.Rows())
	return t, x, errs.Wrap(err, "%s", path)
}

// spreadRows returns at most so many rows, evenly spread.
func spreadRows(x []float64, n, most int) []float64 {
	rows := len(x) / n
	if most <= 0 || rows <= most {
		return x
	}
	var out []float64
	for i := range most {
		r := i * rows / most
		out = append(out, x[r*n:(r+1)*n]...)
	}
	return out
}

// columnNames names the columns of a row.
func columnNames(m *model.Model) []string {
	names := slices.Clone(m.Columns())
	n := m.Estimator.Features()
	for j := len(names); j < n; j++ {
		names = append(names, fmt.Sprintf("x%d", j))
	}
	return names[:n]
}

// write writes the files that were asked for.
func (e *explained) write(o *explainOptions) error {
	n := len(e.names)
	rows := e.t.Rows()
	number := func(name string, at func(r int) float64) *table.Column {
		c := &table.Column{Name: name, Kind: table.Number}
		for r := range rows {
			c.Floats = append(c.Floats, at(r))
		}
		return c
	}
	ids := func() []*table.Column {
		return slices.DeleteFunc(idColumns(e.m, e.t), func(c *table.Column) bool { return slices.Contains(e.names, c.Name) || c.Name == "base_value" })
	}
	if o.out != "" {
		columns := append(ids(), number("base_value", func(r int) float64 { return e.bases[r] }))
		for j, name := range e.names {
			columns = append(columns, number(name, func(r int) float64 { return e.given[r*n+j] }))
		}
		t, err := table.New(columns...)
		if err == nil {
			err = table.Write(o.out, t)
		}
		if err != nil {
			return err
		}
	}
	if o.pairs == "" {
		return nil
	}
	all := make([]float64, rows*n*n)
	for r := range rows {
		if err := e.shapley.Interactions(all[r*n*n:(r+1)*n*n], e.x[r*n:(r+1)*n]); err != nil {
			return err
		}
	}
	columns := ids()
	for i, a := range e.names {
		columns = append(columns, number(a, func(r int) float64 { return all[r*n*n+i*n+i] }))
		for j := range i {
			columns = append(columns, number(e.names[j]+" * "+a, func(r int) float64 { return 2 * all[r*n*n+i*n+j] }))
		}
	}
	t, err := table.New(columns...)
	if err != nil {
		return err
	}
	return table.Write(o.pairs, t)
}

// importance is how much a column matters over all rows.
type importance struct {
	Column string  `json:"column"`
	Mean   float64 `json:"mean_absolute_contribution"`
	Most   float64 `json:"largest_absolute_contribution"`
}

func (a *app) importances(e *explained, o *explainOptions) error {
	n := len(e.names)
	list := make([]importance, n)
	for j, name := range e.names {
		list[j].Column = name
		for r := range e.bases {
			v := math.Abs(e.given[r*n+j])
			list[j].Mean += v / float64(len(e.bases))
			list[j].Most = max(list[j].Most, v)
		}
	}
	slices.SortStableFunc(list, func(a, b importance) int {
		switch {
		case a.Mean > b.Mean:
			return -1
		case a.Mean < b.Mean:
			return 1
		}
		return strings.Compare(a.Column, b.Column)
	})
	if o.json {
		return json.NewEncoder(a.stdout).Encode(map[string]any{"space": e.shapley.Space(), "rows": len(e.bases), "importances": list})
	}
	w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "COLUMN\tMEAN\tMOST\t(|%s|, %d rows)\n", e.shapley.Space(), len(e.bases))
	for _, im := range list {
		fmt.Fprintf(w, "%s\t%.4g\t%.4g\n", im.Column, im.Mean, im.Most)
	}
	return w.Flush()
}
