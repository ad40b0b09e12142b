// Package beside collects what a benchmark measured of several programs into one table.
package beside

import (
	"fmt"
	"slices"
	"strings"
)

// Results is what was measured: rows by servers.
type Results struct {
	rows, servers []string
	value         map[[2]string]float64
	lessIsBetter  map[string]bool
	aside         map[string]bool
}

// New makes an empty table.
func New() *Results {
	return &Results{value: map[[2]string]float64{}, lessIsBetter: map[string]bool{}, aside: map[string]bool{}}
}

// Aside leaves a server out of the ratios.
func (t *Results) Aside(server string) { t.aside[server] = true }

// Add notes a value. The first server that is added is the one that the others are
// compared with.
func (t *Results) Add(server, row string, value float64, lessIsBetter bool) {
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
func (t *Results) ratio(row string) string {
	first := t.value[[2]string{t.servers[0], row}]
	best := 0.0
	for _, s := range t.servers[1:] {
		v := t.value[[2]string{s, row}]
		if v == 0 || t.aside[s] {
			continue
		}
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
func (t *Results) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "| | %s | ratio to the best other |\n|---|%s---|\n", strings.Join(t.servers, " | "), strings.Repeat("---|", len(t.servers)))
	for _, row := range t.rows {
		fmt.Fprintf(&b, "| %s |", row)
		for _, s := range t.servers {
			if v, measured := t.value[[2]string{s, row}]; measured {
				fmt.Fprintf(&b, " %.4g |", v)
			} else {
				b.WriteString(" |")
			}
		}
		fmt.Fprintf(&b, " %s |\n", t.ratio(row))
	}
	return b.String()
}
