package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"text/tabwriter"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// readingWriter prints readings as they come.
type readingWriter struct {
	form string
	out  *bufio.Writer
	tab  *tabwriter.Writer
	n    int
}

// rowsAligned is how many rows of a table are aligned with one another.
const rowsAligned = 200

func newReadingWriter(w io.Writer, form string) (*readingWriter, error) {
	switch form {
	case "table", "jsonl", "json":
	default:
		return nil, errs.New(errs.Usage, "-o %q is none of table, jsonl and json", form)
	}
	out := bufio.NewWriterSize(w, 64<<10)
	return &readingWriter{form: form, out: out, tab: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}, nil
}

func (w *readingWriter) write(r *smart.Report) error {
	w.n++
	if w.form == "table" {
		return w.row(r)
	}
	text, err := json.Marshal(r)
	if err != nil {
		return err
	}
	if w.form == "json" {
		w.out.WriteString(map[bool]string{true: "[\n", false: ",\n"}[w.n == 1])
		_, err = w.out.Write(text)
		return err
	}
	w.out.Write(text)
	return w.out.WriteByte('\n')
}

func (w *readingWriter) row(r *smart.Report) error {
	if w.n%rowsAligned == 1 {
		w.tab.Flush()
		fmt.Fprint(w.tab, "MODEL\tSERIAL\tKIND\tSIZE\tHEALTH\tTEMP\tHOURS\tREALLOCATED\tPENDING\tUNCORRECTED\tWORN\tDAY\n")
	}
	health := r.Verdict.String()
	if r.Failed {
		health = "failed"
	} else if r.Exit.Sick() != 0 && health != "failing" {
		health = "warned"
	}
	kind := r.Medium.String()
	if p := r.Protocol.String(); kind == "" {
		kind = p
	} else if p != "" {
		kind = p + " " + kind
	}
	_, err := fmt.Fprintf(w.tab, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(r.Model), dash(orElse(r.Serial, r.WWN)), dash(kind),
		size(r.CapacityBytes), dash(health), cell(r.TemperatureCelsius, "°C"), cell(r.PowerOnHours, ""), cell(r.ReallocatedSectors, ""),
		cell(r.PendingSectors, ""), cell(r.Uncorrectable, ""), cell(r.PercentUsed, "%"), dash(r.Day.String()))
	return err
}

func (w *readingWriter) finish() error {
	w.tab.Flush()
	if w.form == "json" {
		w.out.WriteString(map[bool]string{true: "[]\n", false: "\n]\n"}[w.n == 0])
	}
	return w.out.Flush()
}

func dash(s string) string { return orElse(s, "-") }

func cell(v float64, unit string) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.0f%s", v, unit)
}

// size writes bytes as makers of drives do, in powers of ten.
func size(bytes float64) string {
	switch {
	case math.IsNaN(bytes):
		return "-"
	case bytes >= 1e12:
		return fmt.Sprintf("%.3g TB", bytes/1e12)
	}
	return fmt.Sprintf("%.3g GB", bytes/1e9)
}
