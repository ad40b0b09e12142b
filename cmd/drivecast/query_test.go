package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestQuery(t *testing.T) {
	v := []any{map[string]any{"name": "a", "n": 1, "tags": map[string]any{"x": "y"}}, map[string]any{"name": "b", "n": 2.5}}
	for _, c := range []struct{ query, form, want string }{
		{"[0].name", "tsv", "a\n"},
		{"[].name", "tsv", "a\nb\n"},
		{"[].[name, n]", "tsv", "a\t1\nb\t2.5\n"},
		{"[?n > `2`].name | [0]", "table", "b\n"},
		{"[0].tags.x", "table", "y\n"},
		{"[1].tags", "tsv", ""},
		{"[9].name", "tsv", ""},
		{"length(@)", "tsv", "2\n"},
	} {
		var out bytes.Buffer
		if err := (&app{stdout: &out}).answer(answer{c.form, c.query}, v, nil); err != nil || out.String() != c.want {
			t.Errorf("--query %s -o %s printed %q, %v; want %q", c.query, c.form, out.String(), err, c.want)
		}
	}
	var out bytes.Buffer
	if err := (&app{stdout: &out}).answer(answer{"json", "[].name"}, v, nil); err != nil || strings.Join(strings.Fields(out.String()), "") != `["a","b"]` {
		t.Errorf("-o json printed %q, %v", out.String(), err)
	}
	if err := (&app{stdout: &out}).answer(answer{"tsv", "[0"}, v, nil); !errs.Is(err, errs.Usage) {
		t.Errorf("a broken expression gives %v", err)
	}
}
