package route

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Answer is a row of an inference log.
type Answer struct {
	Time           time.Time
	ID             string // correlation id
	Row            int    // of the request, from 0
	Drive, Date    string // Date: of the reading, else of the answer, YYYY-MM-DD
	Route          string
	Model, Version string
	Shadow         bool
	Decision       string // class or value as text
	Score          float64
}

// ReadLog reads an inference log, of both formats, in the order of time: a folder, or
// one file. Errors are of kind Invalid and name file and line.
func ReadLog(ctx context.Context, path string) ([]Answer, error) {
	var out []Answer
	err := filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil || d.IsDir() && d.Name() != inputsFolder {
			return err
		}
		if d.IsDir() {
			return filepath.SkipDir // the outputs tell all that is wanted
		}
		var more []Answer
		switch filepath.Ext(p) {
		case ".parquet":
			more, err = readParquet(ctx, p)
		case ".jsonl":
			more, err = readJSONL(p)
		}
		out = append(out, more...)
		return err
	})
	if err != nil {
		return nil, errs.Wrap(err, "read the inference log")
	}
	if len(out) == 0 {
		return nil, &errs.Input{File: path, Problem: "there is no answer in this inference log", Mend: "name what --inference-log of serve names"}
	}
	slices.SortStableFunc(out, func(a, b Answer) int { return a.Time.Compare(b.Time) })
	return out, nil
}

func readParquet(ctx context.Context, path string) ([]Answer, error) {
	t, err := table.ReadFile(ctx, path, table.ReadOptions{})
	if err != nil {
		return nil, err
	}
	text := func(name string, i int) string {
		if c := t.Column(name); c != nil {
			return c.TextAt(i)
		}
		return ""
	}
	for _, name := range fixed {
		if t.Column(name) == nil {
			return nil, &errs.Input{File: path, Column: name, Problem: "a file of an inference log has this column, this one has not", Mend: "keep other files out of the folder"}
		}
	}
	out := make([]Answer, t.Rows())
	for i := range out {
		out[i] = Answer{
			ID: text("correlation_id", i), Row: int(number(t.Column("request_row"), i)), Drive: text("drive_id", i), Date: text("date", i), Route: text("route", i),
			Model: text("served_model", i), Version: text("served_version", i), Shadow: number(t.Column("shadow"), i) == 1,
			Decision: text("prediction", i), Score: number(t.Column(scoreColumn), i),
		}
		if out[i].Time, err = time.Parse(time.RFC3339Nano, text("request_time", i)); err != nil {
			return nil, &errs.Input{File: path, Column: "request_time", Problem: "a time cannot be read", Mend: "write times as 2026-01-02T15:04:05Z"}
		}
		out[i].settle()
	}
	return out, nil
}

func number(c *table.Column, i int) float64 {
	if c.Kind == table.Number {
		return c.Floats[i]
	}
	return math.NaN()
}

func readJSONL(path string) ([]Answer, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return decodeJSONL(f, path)
}

// decodeJSONL reads the lines of a file of outputs; lines of inputs are passed over.
func decodeJSONL(r io.Reader, name string) (out []Answer, err error) {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 256<<20)
	for n := 1; lines.Scan(); n++ {
		if len(bytes.TrimSpace(lines.Bytes())) == 0 {
			continue
		}
		var e struct {
			event
			Data []struct {
				Prediction json.RawMessage `json:"prediction"`
				Score      *float64        `json:"score"`
				Drive      string          `json:"drive_id"`
				Date       string          `json:"date"`
			} `json:"data"`
		}
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return nil, &errs.Input{File: name, Row: n, Problem: "this is not a line of an inference log: " + err.Error(), Mend: "keep other files out of the folder"}
		}
		if strings.HasSuffix(e.Type, ".inputs") {
			continue
		}
		for row, d := range e.Data {
			a := Answer{Time: e.Time, ID: e.Correlation, Row: row, Drive: e.Key, Date: d.Date, Route: e.Route, Model: e.Model, Version: e.Version, Shadow: e.Shadow,
				Decision: unquoted(string(d.Prediction)), Score: math.NaN()}
			if d.Drive != "" {
				a.Drive = d.Drive
			}
			if d.Score != nil {
				a.Score = *d.Score
			}
			a.settle()
			out = append(out, a)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, errs.Wrap(err, "read %s", name)
	}
	return out, nil
}

// settle fills in what a request did not say.
func (a *Answer) settle() {
	if len(a.Date) >= 10 {
		a.Date = a.Date[:10]
	} else {
		a.Date = a.Time.UTC().Format(time.DateOnly)
	}
	if a.Drive == "" {
		a.Drive = a.ID
	}
	if a.Route == "" {
		a.Route = Champion
	}
}
