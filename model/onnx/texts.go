package onnx

import (
	"math"
	"slices"
)

// Text says that a column holds text, and which values the graph knows: Scores
// takes the value's place in the list instead, -1 for another text, NaN for none.
type Text struct {
	Column int
	Values []string
}

// unknownText stands for a text that no node of the graph names.
const unknownText = "\x00unknown"

// knownTexts returns every text that some node compares with, ascending.
func (g *graph) knownTexts() []string {
	var out []string
	for i := range g.nodes {
		n := &g.nodes[i]
		for _, name := range []string{"cats_strings", "keys_strings", "replaced_value_string", "string_vocabulary"} {
			a := n.get(name)
			out = append(out, a.strings...)
			if a.s != "" {
				out = append(out, a.s)
			}
		}
		if t := n.get("keys_tensor").t; t != nil {
			out = append(out, t.strings...)
		}
	}
	for i := range g.consts {
		out = append(out, g.consts[i].strings...)
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return slices.DeleteFunc(out, func(s string) bool { return s == "" })
}

// spelled returns the texts of a column's codes.
func spelled(codes []float64, values []string) []string {
	out := make([]string, len(codes))
	for i, v := range codes {
		switch {
		case math.IsNaN(v):
		case v >= 0 && v < float64(len(values)):
			out[i] = values[int(v)]
		default:
			out[i] = unknownText
		}
	}
	return out
}
