package ci

import (
	"fmt"
	"html"
	"math"
	"strings"
)

// The sizes that GitHub accepts, in bytes: of a step's summary, and of a comment,
// whose 65,536 characters are counted as bytes to be safe.
const (
	SummaryLimit = 1 << 20
	CommentLimit = 65_536
)

// Markdown writes the decision as GitHub shows it, in at most limit bytes: what
// comes last is left out first, with a line that says so. Text of models and data is
// escaped: it makes no table cell, tag, link or mention.
func (d *Decision) Markdown(limit int) string {
	const cut = "\n_The report is longer than GitHub shows; the decision's JSON has the rest._\n"
	var b strings.Builder
	for _, part := range []func() string{d.head, d.rules, d.metrics, d.confusion, d.audited, d.Runs.markdown, d.charts} {
		text := part()
		if b.Len()+len(text)+len(cut) > limit {
			return b.String() + shorten(cut, limit-b.Len())
		}
		b.WriteString(text)
	}
	lines := d.slices()
	for i, line := range lines {
		more := fmt.Sprintf("\n_and %d more_\n", len(lines)-i)
		if b.Len()+len(line)+len(more) > limit {
			return b.String() + shorten(more, limit-b.Len())
		}
		b.WriteString(line)
	}
	return b.String()
}

func shorten(s string, n int) string {
	if len(s) > n {
		return ""
	}
	return s
}

// cell escapes what others wrote for a place in the text or in a table, and cuts it.
func cell(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		s = string(r[:most]) + "…"
	}
	var b strings.Builder
	for _, r := range html.EscapeString(s) {
		switch {
		case r < ' ' || r == 0x7f:
			b.WriteByte(' ')
		case strings.ContainsRune("|`*_[]()@\\~!:", r): // : makes a bare address a link
			fmt.Fprintf(&b, "&#%d;", r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (d *Decision) head() string {
	word := map[string]string{Passed: "✅ accepted", Failed: "❌ refused"}[d.Verdict]
	against := "no champion"
	if d.Champion != "" {
		against = "champion " + cell(d.Champion)
	}
	drives := ""
	if d.Drives > 0 {
		drives = fmt.Sprintf(" of %d drives", d.Drives)
	}
	return fmt.Sprintf("## drivecast: %s\n\n**%s** against %s, on %d rows%s with %d failures of %s (`%.12s`).\n\n**Decision:** %s.\n\n",
		word, cell(d.Candidate), against, d.Rows, drives, d.Failures, cell(d.Data), plainHash(d.DataHash), reasons(d.Reason))
}

// reasons is cell without the cut: the reason names every rule.
func reasons(s string) string {
	var parts []string
	for part := range strings.SplitSeq(s, "; ") {
		parts = append(parts, cell(part))
	}
	return strings.Join(parts, "; ")
}

func plainHash(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("0123456789abcdef", r) {
			return r
		}
		return -1
	}, strings.ToLower(s[strings.LastIndexByte(s, ':')+1:]))
}

func (d *Decision) rules() string {
	var b strings.Builder
	b.WriteString("| rule | value | bound | verdict | reason |\n|---|---:|---|---|---|\n")
	for _, o := range d.Rules {
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", cell(o.Rule), o.Value, cell(o.Bound), cell(o.Verdict), cell(o.Reason))
	}
	return b.String() + "\n"
}

func (d *Decision) metrics() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Metrics\n\nIn brackets: %g %% intervals, by bootstrap. Of brier and ece, less is better.\n\n| metric | candidate | champion | difference |\n|---|---|---|---|\n", 100*d.Confidence)
	for _, m := range d.Metrics {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", cell(m.Name), m.Candidate.text(), m.Champion.text(), m.Difference.text())
	}
	return b.String() + "\n"
}

func (s *Span) text() string {
	if s == nil {
		return "–"
	}
	return fmt.Sprintf("%s (%s to %s)", s.Value, s.Low, s.High)
}

func (d *Decision) confusion() string {
	c := d.Confusion
	return fmt.Sprintf("### Confusion matrix at probability %s\n\n| | called failing | called healthy |\n|---|---:|---:|\n| **failed** | %d | %d |\n| **healthy** | %d | %d |\n\n",
		c.Threshold, c.TruePositive, c.FalseNegative, c.FalsePositive, c.TrueNegative)
}

func (d *Decision) audited() string {
	var b strings.Builder
	fmt.Fprintf(&b, "### Audit of data and leakage: %s\n\n", cell(d.Audit.Verdict))
	const most = 20
	for i, f := range d.Audit.Findings {
		if i == most {
			fmt.Fprintf(&b, "- and %d more\n", len(d.Audit.Findings)-most)
			break
		}
		fmt.Fprintf(&b, "- %s\n", cell(f))
	}
	if len(d.Audit.Findings) == 0 {
		b.WriteString("Nothing was found.\n")
	}
	return b.String() + "\n"
}

func (d *Decision) charts() string {
	return chart("Calibration: observed by predicted probability", "predicted", "observed", d.Calibration) +
		chart("Precision by recall", "recall", "precision", d.Precision)
}

// chart draws points whose y is known as Mermaid's xychart. Its x axis takes names,
// so that points stand at equal distances.
func chart(title, x, y string, points []Point) string {
	var xs, ys []string
	for _, p := range points {
		if v := float64(p.X + p.Y); !math.IsNaN(v) && !math.IsInf(v, 0) {
			xs, ys = append(xs, fmt.Sprintf("\"%.3g\"", float64(p.X))), append(ys, fmt.Sprintf("%.4f", float64(p.Y)))
		}
	}
	if len(xs) == 0 {
		return ""
	}
	return fmt.Sprintf("```mermaid\nxychart-beta\n    title \"%s\"\n    x-axis \"%s\" [%s]\n    y-axis \"%s\" 0 --> 1\n    line [%s]\n```\n\n",
		title, x, strings.Join(xs, ", "), y, strings.Join(ys, ", "))
}

// slices returns the lines of the table of slices, the first with its head.
func (d *Decision) slices() []string {
	var out []string
	for i, s := range d.Slices {
		line := ""
		if i == 0 {
			line = fmt.Sprintf("### Slices by %s\n\n| %s | rows | failures | roc_auc | champion | judged |\n|---|---:|---:|---:|---:|---|\n", cell(d.SliceColumn), cell(d.SliceColumn))
		}
		judged := map[bool]string{true: "yes", false: "too few failures"}[s.Judged]
		out = append(out, line+fmt.Sprintf("| %s | %d | %d | %s | %s | %s |\n", cell(s.Value), s.Rows, s.Failures, s.AUC, s.Champion, judged))
	}
	return out
}
