package main

import (
	"fmt"
	"slices"
	"strings"
)

// results is what was measured: rows by servers.
type results struct {
	rows, servers []string
	value         map[[2]string]float64
	lessIsBetter  map[string]bool
}

func newResults() *results {
	return &results{value: map[[2]string]float64{}, lessIsBetter: map[string]bool{}}
}

func (t *results) add(server, row string, value float64, lessIsBetter bool) {
	if !slices.Contains(t.rows, row) {
		t.rows = append(t.rows, row)
	}
	if !slices.Contains(t.servers, server) {
		t.servers = append(t.servers, server)
	}
	t.value[[2]string{server, row}] = value
	t.lessIsBetter[row] = lessIsBetter
}

// ratio is how many times the first server is better than the best of the rest.
func (t *results) ratio(row string) string {
	first := t.value[[2]string{t.servers[0], row}]
	best := 0.0
	for _, s := range t.servers[1:] {
		v := t.value[[2]string{s, row}]
		if best == 0 || t.lessIsBetter[row] && v < best || !t.lessIsBetter[row] && v > best {
			best = v
		}
	}
	switch {
	case best == 0 || first == 0:
		return ""
	case t.lessIsBetter[row]:
		return fmt.Sprintf("%.1f×", best/first)
	}
	return fmt.Sprintf("%.1f×", first/best)
}

// String is the table in Markdown.
func (t *results) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | ratio to the best other |\n|---|%s---|\n", strings.Join(t.servers, " | "), strings.Repeat("---|", len(t.servers)))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, s := range t.servers {
			fmt.Fprintf(&b, " %.4g |", t.value[[2]string{s, row}])
		}
		fmt.Fprintf(&b, " %s |\n", t.ratio(row))
	}
	return b.String()
}
