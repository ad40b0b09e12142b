package main

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/drivecast/drivecast/bench/beside"
)

const (
	oneRow    = `{"dataframe_split": {"columns": ["capacity_bytes", "lifetime", "model_encoded"], "data": [[4000787030016, 10000, 5]]}}`
	explained = `{"dataframe_split": {"columns": ["capacity_bytes", "lifetime", "model_encoded"], "data": [[4000787030016, 10000, 5]]}, "params": {"explain": true}}`
	batchRows = 10_000
)

func rowsJSON() string {
	var b strings.Builder
	b.WriteString(`{"dataframe_split": {"columns": ["capacity_bytes", "lifetime", "model_encoded"], "data": [`)
	for i := range batchRows {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "[%d.0, %d.0, %d.0]", 1_000_000_000_000+i*37_000_000, i%60_000, i%50)
	}
	b.WriteString("]}}")
	return b.String()
}

func rowsCSV() string {
	var b strings.Builder
	b.WriteString("capacity_bytes,lifetime,model_encoded\n")
	for i := range batchRows {
		fmt.Fprintf(&b, "%d.0,%d.0,%d.0\n", 1_000_000_000_000+i*37_000_000, i%60_000, i%50)
	}
	return b.String()
}

func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

// measure fills one column of the table.
func measure(ctx context.Context, t target, table *beside.Results, o options) error {
	r, err := t.start(ctx)
	if err != nil {
		return err
	}
	defer r.stop()
	if t.kind == limit {
		table.Aside(t.name)
	} else {
		table.Add(t.name, "start to first answer, ms", millis(r.ready), true)
	}
	one := request(t.talk.path, "application/json", t.talk.one)
	if t.kind != limit {
		time.Sleep(3 * time.Second)
		table.Add(t.name, "resident when idle, MiB", float64(beside.Memory(r.cmd.Process.Pid))/(1<<20), true)
	}
	l, err := closed(ctx, r.addr, 8, o.load, one, t.talk.want)
	if err != nil {
		return err
	}
	table.Add(t.name, "one row, 8 connections, requests/s", l.rate(), false)
	if l, err = closed(ctx, r.addr, 1, o.load, one, t.talk.want); err != nil {
		return err
	}
	table.Add(t.name, "one connection, p50, ms", millis(l.quantile(.5)), true)
	table.Add(t.name, "one connection, p99, ms", millis(l.quantile(.99)), true)
	if t.kind != peer {
		if l, err = steady(ctx, r.addr, 8, o.rate, o.load, one, t.talk.want); err != nil {
			return err
		}
		table.Add(t.name, fmt.Sprintf("%d requests/s, p50, ms", o.rate), millis(l.quantile(.5)), true)
		table.Add(t.name, fmt.Sprintf("%d requests/s, p99, ms", o.rate), millis(l.quantile(.99)), true)
	}
	if t.kind == limit {
		return nil
	}
	if err := batches(ctx, r, t, table, o); err != nil {
		return err
	}
	if t.kind == ours && o.soak > 0 {
		return soak(ctx, r, t, o)
	}
	return nil
}

func batches(ctx context.Context, r *running, t target, table *beside.Results, o options) error {
	for _, b := range []struct{ what, kind, body string }{
		{"10,000 rows as JSON, ms", "application/json", t.talk.many},
		{"10,000 rows as CSV, ms", "text/csv", rowsCSV()},
	} {
		if b.kind == "text/csv" && !t.talk.csv {
			continue
		}
		l, err := closed(ctx, r.addr, 1, o.load/2, request(t.talk.path, b.kind, b.body), t.talk.want)
		if err != nil {
			return fmt.Errorf("%s: %w", b.what, err)
		}
		table.Add(t.name, b.what, millis(l.quantile(.5)), true)
	}
	table.Add(t.name, "resident after that, MiB", float64(beside.Memory(r.cmd.Process.Pid))/(1<<20), true)
	if t.kind != ours {
		return nil
	}
	l, err := closed(ctx, r.addr, 1, o.load/2, request("/invocations", "application/json", explained), "explanations")
	if err != nil {
		return err
	}
	table.Add(t.name, "one row explained, p50, ms", millis(l.quantile(.5)), true)
	return nil
}

// soak fails at the first answer that is not right.
func soak(ctx context.Context, r *running, t target, o options) error {
	before := beside.Memory(r.cmd.Process.Pid)
	l, err := steady(ctx, r.addr, 8, o.rate, o.soak, request("/invocations", "application/json", oneRow), "predictions")
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "serving: %s: %d requests in %s, no error, p99 %.2f ms, slowest %.1f ms, memory %d -> %d MiB\n", t.name, len(l.took), l.wall.Round(time.Second),
		millis(l.quantile(.99)), millis(l.quantile(1)), before>>20, beside.Memory(r.cmd.Process.Pid)>>20)
	return nil
}
