package ci

import (
	"fmt"
	"math"
	"strings"
	"testing"
)

func decided() *Decision {
	nan := Number(math.NaN())
	return &Decision{Verdict: Failed, Reason: "champion (roc_auc is worse)", Candidate: "models:/hdd/3", Champion: "models:/hdd@champion",
		Data: "heldout.csv", DataHash: "sha256:0123456789abcdef0123", Target: "failure", Rows: 100, Failures: 20, Drives: 50, Confidence: .95,
		Rules:       []Outcome{{"champion", -.1, "roc_auc", Failed, "worse"}},
		Metrics:     []Measure{{"roc_auc", Span{.8, .7, .9}, &Span{.9, .8, .95}, &Span{-.1, nan, nan}}},
		Confusion:   Counts{.5, 12, 3, 77, 8},
		Calibration: []Point{{.1, .12}, {.6, .55}, {.9, nan}},
		Precision:   []Point{{.5, .9}, {1, .4}}, SliceColumn: "family",
		Slices: []Slice{{"Alpha", 60, 12, .82, .9, true}, {"Beta", 40, 8, nan, nan, false}}, Audit: Audited{Verdict: "clean"}}
}

func TestMarkdownSaysAll(t *testing.T) {
	text := decided().Markdown(SummaryLimit)
	for _, want := range []string{
		"## drivecast: ❌ refused", "100 rows of 50 drives with 20 failures", "`0123456789ab`",
		"| champion | -0.1000 | roc&#95;auc | fail | worse |",
		"| roc&#95;auc | 0.8000 (0.7000 to 0.9000) | 0.9000 (0.8000 to 0.9500) | -0.1000 (– to –) |",
		"| **failed** | 12 | 8 |\n| **healthy** | 3 | 77 |", "Audit of data and leakage: clean",
		"```mermaid\nxychart-beta\n    title \"Calibration",
		`x-axis "predicted" ["0.1", "0.6"]`, "| Alpha | 60 | 12 | 0.8200 | 0.9000 | yes |", "| Beta | 40 | 8 | – | – | too few failures |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
}

func TestMarkdownKeepsToItsLimit(t *testing.T) {
	d := decided()
	for i := range 40_000 {
		d.Slices = append(d.Slices, Slice{Value: fmt.Sprintf("Family %d with a name that takes place", i), Rows: 10, Failures: 1, AUC: .5})
	}
	for _, limit := range []int{0, 50, 300, 2000, CommentLimit, SummaryLimit} {
		text := d.Markdown(limit)
		if len(text) > limit {
			t.Errorf("limit %d: %d bytes", limit, len(text))
		}
		if limit >= 300 && !strings.Contains(text, "more_") && !strings.Contains(text, "longer than GitHub shows") {
			t.Errorf("limit %d: it does not say that something is left out", limit)
		}
	}
	if text := d.Markdown(CommentLimit); len(text) < CommentLimit-300 {
		t.Errorf("only %d of %d bytes are used", len(text), CommentLimit)
	}
}

func TestMarkdownEscapes(t *testing.T) {
	d := decided()
	evil := "a|b\n<script>`x` @everyone [c](http://x) <!-- drivecast-report:gate -->"
	d.Candidate, d.Champion, d.Data, d.Reason, d.SliceColumn, d.Slices[0].Value = evil, evil, evil, evil, evil, evil
	d.Rules[0].Reason, d.Audit.Findings, d.DataHash = evil, []string{evil}, "`|"
	text := d.Markdown(SummaryLimit)
	for _, bad := range []string{"<script", "@everyone", "](", "<!--", "http:", "a|b"} {
		if strings.Contains(text, bad) {
			t.Errorf("%q is not escaped in\n%s", bad, text)
		}
	}
}
