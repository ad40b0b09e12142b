package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

func (a *app) predictCommand() *cobra.Command {
	var o predictOptions
	c := &cobra.Command{
		Use:   "predict -m MODEL --data PATH -o OUT.csv",
		Short: "Score every row of a CSV file, or drives by their readings",
		Long: `Score every row of a CSV file, or drives by their readings.

Reports of smartctl (a file or a folder of them) are scored as daily statistics are: each
report is its drive's reading of the day on which it was made.

Daily statistics (a folder, file or zip of Backblaze Drive Stats) are scored by a
model that was trained on such: one row for each drive and day from --from to --to,
by default the last day, the riskiest drive of a day first. The days before give the
history; --state keeps it in a file, so that tomorrow only tomorrow's file is read.
Columns: date, serial_number, model, probability of failing within the horizon, lower
and upper bound, risk, abstained and the reason for it; with --why N a last column
says of the N riskiest drives what sets them apart. See docs/prediction.md.

Of any other CSV file the result has the rows of the input in their order: their id columns, and the
probability of the second class of a binary classifier (the class and the
probability of each class when there are more, the value of a regressor). Numbers
have the fewest digits that read back to the same float64; an empty cell is missing.
MODEL is a folder, a file, models:/NAME/VERSION, models:/NAME@ALIAS or runs:/ID/model
of --tracking-uri, or an address like http://server:5000/models/NAME@ALIAS.`,
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := cli.Required(c, "model", "data", "output"); err != nil {
				return err
			}
			if err := o.complete(); err != nil {
				return err
			}
			done, err := o.drives.apply(&o.reading)
			if err != nil {
				return err
			}
			return joined(a.predict(c.Context(), &o), done())
		},
	}
	f := c.Flags()
	f.StringVarP(&o.model, "model", "m", "", "model (required)")
	f.StringVar(&o.data, "data", "", "CSV file, plain, gzip or zip, Parquet file, or folder of daily statistics (required)")
	f.StringVarP(&o.out, "output", "o", "", "file to write: Parquet when it ends in .parquet, else CSV; - for CSV on standard output (required)")
	f.StringVar(&o.fromText, "from", "", "daily statistics: first day to score, like 2025-01-31 (default: the last day of the data)")
	f.StringVar(&o.toText, "to", "", "daily statistics: last day to score; later days are not read (default: the last day of the data)")
	f.StringVar(&o.state, "state", "", "daily statistics: file that keeps the history of the drives; made when it is not there")
	f.StringVar(&o.shard, "shard", "", "I/N: score the I-th of N parts of the rows only; the results one behind the other are the whole")
	f.BoolVar(&o.anew, "anew", false, "do not go on where an earlier run over a large file was stopped")
	f.IntVar(&o.workers, "workers", 0, "daily statistics: files read side by side (default: one a processor)")
	f.IntVar(&o.why, "why", 0, "daily statistics: adds a column why, which says of so many drives of each day, the riskiest first, what sets them apart from a typical drive")
	f.BoolVar(&o.json, "json", false, "print the summary as JSON: on standard output, or on standard error with -o -")
	f.StringVar(&o.tracking, "tracking-uri", "", "server of a models:/ or runs:/ model (default: $MLFLOW_TRACKING_URI or "+serving.DefaultTrackingURI+")")
	o.drives.addTo(c)
	return c
}

// predictOptions are the flags of `drivecast predict`.
type predictOptions struct {
	model, data, out, tracking string
	fromText, toText, state    string
	shard                      string
	part                       shard      // what shard says
	from, until                smart.Date // 0: not given
	workers, why               int
	json, anew                 bool
	drives                     dataFlags
	reading                    smart.Options // what drives says
}

func (o *predictOptions) complete() (err error) {
	if err := noForm(o.out); err != nil {
		return err
	}
	if o.part, err = parseShard(o.shard); err != nil {
		return err
	}
	if o.fromText != "" {
		if o.from, err = parseDay("from", o.fromText); err != nil {
			return err
		}
	}
	if o.toText != "" {
		if o.until, err = parseDay("to", o.toText); err != nil {
			return err
		}
	}
	if o.from != 0 && o.until != 0 && o.from > o.until {
		return errs.New(errs.Usage, "--from %s is after --to %s", o.fromText, o.toText)
	}
	return nil
}

// daily reports whether the data are readings of drives, by what is asked or by what
// model and data are: a table, unless it is of daily statistics, has the columns that
// a model takes.
func (o *predictOptions) daily(m *model.Model) bool {
	if o.fromText != "" || o.toText != "" || o.state != "" || o.reading.Mapping != nil {
		return true
	}
	_, err := featureSpec(m)
	return err == nil && (smart.IsBackblaze(o.data) || !tableName(o.data))
}

// tableName reports whether a file that is no drive statistics is a table by its name.
func tableName(path string) bool {
	name := strings.ToLower(path)
	for _, end := range []string{".gz", ".zip"} {
		name = strings.TrimSuffix(name, end)
	}
	if st, err := os.Stat(path); err == nil && st.IsDir() {
		return false
	}
	return strings.HasSuffix(name, ".csv") || table.IsParquetName(name) || name != strings.ToLower(path) && filepath.Ext(name) == ""
}

func (a *app) predict(ctx context.Context, o *predictOptions) error {
	m, mark, err := a.env().OpenMarked(ctx, o.model, o.tracking)
	if err != nil {
		return err
	}
	if o.daily(m) {
		if o.shard != "" {
			return errs.New(errs.Usage, "--shard is for rows; of daily statistics, score ranges of days with --from and --to")
		}
		return a.predictFleet(ctx, m, o)
	}
	if o.shard != "" || large(o.data) {
		n, err := a.predictParts(ctx, m, mark, o)
		if err != nil {
			return err
		}
		return a.predicted(o, n)
	}
	data, out := o.data, o.out
	bars := &steps{reporter: a.progress()}
	report := func(done, total int64) { bars.set("read", "bytes", done, total) }
	t, err := table.ReadFile(ctx, data, table.ReadOptions{Progress: report, KeepRaw: true, RawOf: idColumn().MatchString, Texts: m.TextColumns()})
	bars.done()
	if err != nil {
		return err
	}
	result, n, err := a.answered(m, score.NewBatch(m), t)
	if err != nil {
		return fmt.Errorf("%s: %w", data, err)
	}
	if out == "-" {
		err = table.EncodeCSV(a.stdout, result)
	} else {
		err = table.Write(out, result)
	}
	if err != nil {
		return err
	}
	return a.predicted(o, n)
}

// rowCounts says how many rows were written, and how many of them without an answer.
type rowCounts struct{ rows, unscored int }

// predicted says what was written; of standard output only that answers are missing.
func (a *app) predicted(o *predictOptions, n rowCounts) error {
	switch {
	case o.json:
		out := a.stdout
		if o.out == "-" {
			out = a.stderr
		}
		return json.NewEncoder(out).Encode(map[string]any{"output": o.out, "rows": n.rows, "unscored": n.unscored})
	case n.unscored > 0:
		fmt.Fprintf(a.stderr, "%s: %d rows; %d of them have no answer: a cell is missing, and the model cannot do without\n", o.out, n.rows, n.unscored)
	case o.out != "-":
		fmt.Fprintf(a.stderr, "%s: %d rows\n", o.out, n.rows)
	}
	return nil
}

// noForm refuses a form of printing where a file is wanted: elsewhere -o takes one.
func noForm(file string) error {
	if file == "json" || file == "table" || file == "tsv" || file == "jsonl" {
		return errs.New(errs.Usage, "-o %[1]s: here -o names the file to write; for JSON say --json, for a file of that name ./%[1]s", file)
	}
	return nil
}

var idColumn = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)^(id|row_?id|row|index|.*[_ .-]id|uuid|guid|wwn|serial.*|.*serial(_?(number|no|nr))?|@?date|@?timestamp)$`)
})

// idColumns are the input's columns that say which drive a row is about: all text
// that the model does not take as a number, and numbers by the name of an id. They
// are repeated as they were written.
func idColumns(m *model.Model, t *table.Table) []*table.Column {
	var out []*table.Column
	taken := []string{"probability", "prediction", "value"}
	for _, c := range t.Columns {
		feature := slices.Contains(m.Columns(), c.Name)
		if slices.Contains(taken, c.Name) || c.Kind == table.Number && (feature || !idColumn().MatchString(c.Name)) {
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
