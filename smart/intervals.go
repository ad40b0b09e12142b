package smart

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Interval is a stretch of a drive's life over which its attributes are known: at
// risk in (Start, Stop], and with Event failed at Stop.
type Interval struct {
	Serial      string
	Model       string
	Start, Stop float64 // on the file's clock: hours of power-on time, or days
	Event       bool
	Values      []float64 // one for each attribute of ReadIntervals; NaN is missing
}

// ReadIntervals reads a CSV or Parquet file in start-stop form, whose columns
// opt.Mapping names: serial_number, start, stop, event, and what it maps of
// opt.Attributes (nil: all it maps), which it returns. Each interval goes to fn.
// Rows that are no interval are set aside as Open does it; errors are as there.
func ReadIntervals(ctx context.Context, path string, opt Options, fn func(*Interval) error) ([]Attribute, error) {
	members, err := table.Members(path)
	if err != nil {
		return nil, err
	}
	if opt.Mapping["start"].Column == "" || opt.Mapping["stop"].Column == "" || opt.Mapping["event"].Column == "" {
		return nil, &errs.Input{File: path, Problem: "intervals are read by a mapping with start, stop and event", Mend: "add these to the mapping"}
	}
	if opt.MaxBad == 0 {
		opt.MaxBad = .01
	}
	v := &intervals{src: Source{opt: opt}, fn: fn}
	for what := range opt.Mapping {
		if a, ok := ParseAttribute(what); ok && (opt.Attributes == nil || slices.Contains(opt.Attributes, a)) {
			v.attributes = append(v.attributes, a)
		}
	}
	slices.Sort(v.attributes)
	for _, m := range members {
		if err := v.member(ctx, m); err != nil {
			return nil, err
		}
	}
	return v.attributes, v.src.tooBad(opt.MaxBad)
}

// intervals reads files in start-stop form.
type intervals struct {
	src        Source // for its counts of bad rows
	attributes []Attribute
	fn         func(*Interval) error
	at         map[string]int // positions of the mapped columns
}

func (v *intervals) member(ctx context.Context, m table.Member) error {
	mapping := v.src.opt.Mapping
	r, err := m.OpenColumns(nil, func(c string) bool { return len(mapping.meanings(c)) > 0 })
	if err != nil {
		return err
	}
	defer r.Close()
	s, err := table.NewScanner(r, m.Name, 0)
	if err != nil {
		return err
	}
	v.at = map[string]int{}
	var lacks []string
	for what, c := range mapping {
		if v.at[what] = slices.Index(s.Names(), c.Column); v.at[what] < 0 {
			lacks = append(lacks, c.Column)
		}
	}
	if lacks != nil {
		slices.Sort(lacks)
		return &errs.Input{File: m.Name, Row: 1, Problem: "the header lacks the mapped columns " + strings.Join(lacks, ", "), Mend: "mend the mapping"}
	}
	columns := len(s.Names())
	for s.Next() {
		if s.Line()&0xfff == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		iv := Interval{Values: make([]float64, len(v.attributes))}
		reason := s.Bad()
		if reason == "" && s.Len() != columns {
			reason = fmt.Sprintf("%d fields where the header has %d", s.Len(), columns)
		}
		if reason == "" {
			reason = v.read(s, &iv)
		}
		if reason != "" {
			v.bad(s, m.Name, reason)
			continue
		}
		v.src.stats.Rows++
		if err := v.fn(&iv); err != nil {
			return err
		}
	}
	if err := s.Err(); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	return nil
}

func (v *intervals) bad(s *table.Scanner, file, reason string) {
	var cells []string
	for i := range s.Len() {
		cells = append(cells, string(s.Field(i)))
	}
	v.src.take(&parser{bad: []BadRow{{file, s.Line(), reason, strings.Join(cells, ",")}}})
}

// read fills an interval from a record, or says why it cannot be one.
func (v *intervals) read(s *table.Scanner, iv *Interval) string {
	number := func(what string) (float64, bool) {
		cell := s.Field(v.at[what])
		n, ok := s.Number(cell)
		if !ok {
			n, ok = numberWithUnit(cell)
		}
		if len(cell) == 0 {
			n = math.NaN()
		}
		return n * v.src.opt.Mapping.scale(what), ok || len(cell) == 0
	}
	if iv.Serial = string(s.Field(v.at["serial_number"])); iv.Serial == "" {
		return "serial_number is empty"
	}
	if at, ok := v.at["model"]; ok {
		iv.Model = strings.Join(strings.Fields(string(s.Field(at))), " ")
	}
	start, ok1 := number("start")
	stop, ok2 := number("stop")
	event, ok3 := number("event")
	switch {
	case !ok1 || !ok2 || !(start < stop) || math.IsInf(start, 0) || math.IsInf(stop, 0):
		return fmt.Sprintf("start %q and stop %q bound no time", clip(s.Field(v.at["start"])), clip(s.Field(v.at["stop"])))
	case !ok3 || event != 0 && event != 1:
		return fmt.Sprintf("event: %q is neither 0 nor 1", clip(s.Field(v.at["event"])))
	}
	iv.Start, iv.Stop, iv.Event = start, stop, event == 1
	vendor := VendorOf(iv.Model)
	for i, a := range v.attributes {
		n, ok := number(a.String())
		if !ok {
			return fmt.Sprintf("%s: %q is not a number", a, clip(s.Field(v.at[a.String()])))
		}
		iv.Values[i] = Decode(vendor, a, n)
	}
	return ""
}
