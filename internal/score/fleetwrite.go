package score

import (
	"io"
	"runtime"
	"strconv"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/feature"
	"github.com/drivecast/drivecast/smart"
	"github.com/drivecast/drivecast/table"
)

// columns are those of what Follow writes.
func (f *Fleet) columns() []string {
	out := []string{"date", "serial_number", "model", "probability", "lower", "upper", "risk", "abstained", "reason"}
	if f.Why {
		out = append(out, "why")
	}
	return out
}

// write writes the drives in order. Pieces of the text are made side by side.
func (f *Fleet) write(day *smart.Day, rows *feature.Rows, w io.Writer) error {
	workers := runtime.GOMAXPROCS(0)
	texts := make([][]byte, workers)
	for at := 0; at < len(f.order); {
		var wg sync.WaitGroup
		for k := range texts {
			hi := min(at+chunkRows, len(f.order))
			part := f.order[at:hi]
			at = hi
			wg.Go(func() { texts[k] = f.lines(texts[k][:0], day, rows, part) })
		}
		wg.Wait()
		for _, text := range texts {
			if _, err := w.Write(text); err != nil {
				return errs.Wrap(err, "write scores")
			}
		}
	}
	f.Rows += len(f.order)
	return nil
}

// lines appends a row for each of the listed answers.
func (f *Fleet) lines(out []byte, day *smart.Day, rows *feature.Rows, order []int) []byte {
	date := day.Date.String()
	for _, i := range order {
		r, a := &day.Readings[rows.Reading[i]], &f.answers[i]
		out = append(out, date...)
		out = table.AppendText(append(out, ','), r.Serial)
		out = table.AppendText(append(out, ','), r.Model)
		out = table.AppendNumber(append(out, ','), a.Probability)
		out = table.AppendNumber(append(out, ','), a.Low)
		out = table.AppendNumber(append(out, ','), a.High)
		out = append(append(out, ','), a.Risk...)
		out = strconv.AppendBool(append(out, ','), a.Abstained())
		out = table.AppendText(append(out, ','), a.Reason)
		if f.Why {
			out = table.AppendText(append(out, ','), f.told[i])
		}
		out = append(out, '\n')
	}
	return out
}

// sheet is a piece of what Follow writes, as a table.
type sheet struct {
	*table.Table
	at map[string]*table.Column
}

func newSheet(columns []string) *sheet {
	s := &sheet{&table.Table{}, map[string]*table.Column{}}
	for _, name := range columns {
		c := &table.Column{Name: name, Kind: table.Text}
		switch name {
		case "probability", "lower", "upper":
			c.Kind = table.Number
		}
		s.Columns, s.at[name] = append(s.Columns, c), c
	}
	return s
}

// fill replaces what the sheet holds by the listed answers.
func (f *Fleet) fill(s *sheet, day *smart.Day, rows *feature.Rows, order []int) {
	for _, c := range s.Columns {
		c.Floats, c.Texts = c.Floats[:0], c.Texts[:0]
	}
	text := func(name, v string) { s.at[name].Texts = append(s.at[name].Texts, v) }
	number := func(name string, v float64) { s.at[name].Floats = append(s.at[name].Floats, v) }
	date := day.Date.String()
	for _, i := range order {
		r, a := &day.Readings[rows.Reading[i]], &f.answers[i]
		text("date", date)
		text("serial_number", r.Serial)
		text("model", r.Model)
		number("probability", a.Probability)
		number("lower", a.Low)
		number("upper", a.High)
		text("risk", a.Risk)
		text("abstained", strconv.FormatBool(a.Abstained()))
		text("reason", a.Reason)
		if f.Why {
			text("why", f.told[i])
		}
	}
}
