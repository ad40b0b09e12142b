package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

func (a *app) predictCommand() *cobra.Command {
	var name, data, out, tracking string
	c := &cobra.Command{
		Use:   "predict -m MODEL --data FILE -o OUT.csv",
		Short: "Score every row of a CSV file",
		Long: `Score every row of a CSV file.

The result has the rows of the input in their order: their id columns, and the
probability of the second class of a binary classifier (the class and the
probability of each class when there are more, the value of a regressor). Numbers
have the fewest digits that read back to the same float64; an empty cell is missing.
MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := required(c, "model", "data", "output"); err != nil {
				return err
			}
			return a.predict(c.Context(), name, data, out, tracking)
		},
	}
	f := c.Flags()
	f.StringVarP(&name, "model", "m", "", "model (required)")
	f.StringVar(&data, "data", "", "CSV file, plain, gzip or zip (required)")
	f.StringVarP(&out, "output", "o", "", "CSV file to write, - for standard output (required)")
	f.StringVar(&tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+defaultTrackingURI+")")
	return c
}

func (a *app) predict(ctx context.Context, name, data, out, tracking string) error {
	m, err := a.openModel(ctx, name, tracking)
	if err != nil {
		return err
	}
	bars := &steps{reporter: a.progress()}
	report := func(done, total int64) { bars.set("read", "bytes", done, total) }
	t, err := table.ReadFile(ctx, data, table.ReadOptions{Progress: report, KeepRaw: true})
	bars.done()
	if err != nil {
		return err
	}
	scores, err := score.Rows(m, t)
	if err != nil {
		return fmt.Errorf("%s: %w", data, err)
	}
	columns := idColumns(m, t)
	answers, err := answerColumns(m, t, scores)
	if err != nil {
		return err
	}
	result, err := table.New(append(columns, answers...)...)
	if err != nil {
		return err
	}
	if out == "-" {
		return table.EncodeCSV(a.stdout, result)
	}
	if err := table.WriteCSV(out, result); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "%s: %d rows\n", out, result.Rows())
	return nil
}

var idColumn = regexp.MustCompile(`(?i)^(id|row_?id|row|index|.*[_ .-]id|uuid|guid|wwn|serial.*|.*serial(_?(number|no|nr))?|@?date|@?timestamp)$`)

// idColumns are the input's columns that say which drive a row is about: all text
// that the model does not take as a number, and numbers by the name of an id. They
// are repeated as they were written.
func idColumns(m *model.Model, t *table.Table) []*table.Column {
	var out []*table.Column
	taken := []string{"probability", "prediction", "value"}
	for _, c := range t.Columns {
		feature := slices.Contains(m.Columns(), c.Name)
		if slices.Contains(taken, c.Name) || c.Kind == table.Number && (feature || !idColumn.MatchString(c.Name)) {
			continue
		}
		texts := make([]string, c.Len())
		for i := range texts {
			texts[i] = c.TextAt(i)
		}
		out = append(out, &table.Column{Name: c.Name, Kind: table.Text, Texts: texts})
	}
	return out
}

// answerColumns are what the model says of each row.
func answerColumns(m *model.Model, t *table.Table, scores []float64) ([]*table.Column, error) {
	k, n := m.Outputs(), t.Rows()
	pick := func(name string, c int) *table.Column {
		v := make([]float64, n)
		for r := range v {
			v[r] = scores[r*k+c]
		}
		return &table.Column{Name: name, Kind: table.Number, Floats: v}
	}
	switch {
	case !m.Classifier():
		return []*table.Column{pick("prediction", 0)}, nil
	case k == 2:
		return []*table.Column{pick("probability", 1)}, nil
	}
	rows, err := m.Matrix(t, 0, n)
	if err != nil {
		return nil, err
	}
	decided, names := make([]int, n), make([]string, n)
	m.Decide(decided, scores, rows)
	label := func(c int) string {
		if m.Labels != nil {
			return m.Labels[c]
		}
		return string(table.AppendNumber(nil, m.Estimator.Classes()[c]))
	}
	for r, c := range decided {
		names[r] = label(c)
	}
	out := []*table.Column{{Name: "prediction", Kind: table.Text, Texts: names}}
	for c := range k {
		out = append(out, pick("probability_"+label(c), c))
	}
	return out, nil
}
