package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/table"
)

// partRows is how many rows of a large file are in memory at a time.
const partRows = 50_000

// wholeSize is up to how many bytes a file is read at once, which takes one pass.
const wholeSize = 32 << 20

// shard is the part of a file's rows that one of several processes scores; the parts,
// one behind the other, are the whole.
type shard struct{ i, n int }

func parseShard(text string) (s shard, err error) {
	if text == "" {
		return shard{1, 1}, nil
	}
	a, b, ok := strings.Cut(text, "/")
	s.i, err = strconv.Atoi(a)
	if err == nil {
		s.n, err = strconv.Atoi(b)
	}
	if !ok || err != nil || s.i < 1 || s.i > s.n {
		return s, errs.New(errs.Usage, "--shard %s: write I/N, I being 1 to N", text)
	}
	return s, nil
}

// rows returns which of so many rows are the shard's.
func (s shard) rows(all int) (lo, hi int) { return all * (s.i - 1) / s.n, all * s.i / s.n }

// large reports whether a file is scored in parts.
func large(path string) bool {
	members, err := table.Members(path)
	if err != nil {
		return false // whoever reads it says why
	}
	size := int64(0)
	for _, m := range members {
		size += m.Size
	}
	return size > wholeSize
}

// predictParts scores a file part by part, in the memory of one of them. What a run
// that was stopped wrote of a CSV file is taken over by the next one.
func (a *app) predictParts(ctx context.Context, m *model.Model, mark string, o *predictOptions) (n rowCounts, err error) {
	bars := &steps{reporter: a.progress()}
	defer bars.done()
	batch := score.NewBatch(m)
	fill := func(w io.Writer, known int, reached func(rowCounts) error) error {
		out := &partWriter{w: w, parquet: table.IsParquetName(o.out), begun: known > 0}
		rows := func(all int) (lo, hi int) {
			lo, hi = o.part.rows(all)
			return min(lo+known, hi), hi
		}
		err := table.ReadParts(ctx, o.data, table.Parts{
			ReadOptions: table.ReadOptions{KeepRaw: true, RawOf: idColumn().MatchString, Texts: m.TextColumns(), Progress: func(done, total int64) { bars.set("read and score", "bytes", done, total) }},
			Rows:        partRows, Range: rows,
			Each: func(t *table.Table, at int) error {
				result, part, err := a.answered(m, batch, t)
				if in := (*errs.Input)(nil); errors.As(err, &in) && in.Row > 0 && in.File == "" {
					in.Row += at
				}
				if err != nil {
					return fmt.Errorf("%s: %w", o.data, err)
				}
				n.rows += part.rows
				n.unscored += part.unscored
				if known > 0 && result.Rows() == 0 {
					return nil // all was there
				}
				if err := out.add(result); err != nil {
					return err
				}
				return reached(n)
			},
		})
		if err != nil {
			return err
		}
		return out.close()
	}
	whole := func(w io.Writer) error { return fill(w, 0, func(rowCounts) error { return nil }) }
	switch {
	case o.out == "-":
		return n, whole(a.stdout)
	case table.IsParquetName(o.out):
		err = table.WriteFile(o.out, whole) // its end holds what its beginning is: it is whole or nothing
		return n, err
	}
	key, err := keyOf(mark, o)
	if err != nil {
		return n, err
	}
	r, err := resume(o.out, key, o.anew)
	if err != nil {
		return n, err
	}
	if n = (rowCounts{r.kept.Rows, r.kept.Unscored}); n.rows > 0 {
		fmt.Fprintf(a.stderr, "%s: going on after %d rows of an earlier run; --anew starts over\n", o.out, n.rows)
	}
	err = r.finish(ctx, fill(r.w, n.rows, r.reached))
	return n, err
}

// answered is what is written of some rows: their id columns, and the model's answers.
func (a *app) answered(m *model.Model, b *score.Batch, t *table.Table) (*table.Table, rowCounts, error) {
	n := rowCounts{rows: t.Rows()}
	scores, err := b.Rows(t)
	if err != nil {
		return nil, n, err
	}
	for row := range slices.Chunk(scores, m.Outputs()) {
		if slices.ContainsFunc(row, math.IsNaN) {
			n.unscored++
		}
	}
	answers, err := answerColumns(m, t, scores)
	if err != nil {
		return nil, n, err
	}
	result, err := table.New(append(idColumns(m, t), answers...)...)
	return result, n, err
}

// partWriter writes tables of the same columns one behind the other.
type partWriter struct {
	w       io.Writer
	parquet bool
	file    *table.ParquetWriter
	begun   bool
}

func (p *partWriter) add(t *table.Table) (err error) {
	if p.parquet {
		if p.file == nil {
			if p.file, err = table.NewParquetWriter(p.w, t); err != nil {
				return err
			}
		}
		return p.file.Append(t)
	}
	if !p.begun {
		p.begun = true
		return table.EncodeCSV(p.w, t)
	}
	head, err := headOf(t)
	if err != nil {
		return err
	}
	return table.EncodeCSV(&afterHead{p.w, head}, t)
}

func (p *partWriter) close() error {
	if p.file == nil {
		return nil
	}
	return p.file.Close()
}

// headOf returns how many bytes the header line of a table takes.
func headOf(t *table.Table) (int, error) {
	var b bytes.Buffer
	names := make([]*table.Column, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = &table.Column{Name: c.Name, Kind: table.Text}
	}
	empty, err := table.New(names...)
	if err == nil {
		err = table.EncodeCSV(&b, empty)
	}
	return b.Len(), err
}

// afterHead passes on all but the first bytes.
type afterHead struct {
	w    io.Writer
	left int
}

func (a *afterHead) Write(p []byte) (int, error) {
	skip := min(a.left, len(p))
	a.left -= skip
	n, err := a.w.Write(p[skip:])
	return skip + n, err
}
