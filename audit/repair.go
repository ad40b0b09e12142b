package audit

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/table"
)

// Fix is one repair: COLUMN=HOW.
type Fix struct{ Column, How string }

// Repaired says what a fix did.
type Repaired struct {
	Column  string `json:"column"`
	How     string `json:"how"`
	Changed int    `json:"changed"` // values, or rows, that are another now
	Says    string `json:"says"`
}

// hows lists what Fix.How takes.
const hows = "nominal, days, hours, whole, step:S, scale:K, grid:OFFSET+STEP, unfill[:VALUE], drop; or rows=distinct"

// ParseFix reads COLUMN=HOW. Faults are of kind Usage.
func ParseFix(s string) (Fix, error) {
	i := strings.LastIndex(s, "=")
	if i < 1 || i == len(s)-1 {
		return Fix{}, errs.New(errs.Usage, "--fix %q is not COLUMN=HOW; HOW is %s", s, hows)
	}
	return Fix{s[:i], s[i+1:]}, nil
}

// Repair returns the source with the fixes applied, in order; s stays as it is.
// A column is named in full, in any case, or by a beginning that only one column
// has: capacity is capacity_bytes where no other column begins so.
func Repair(s *Source, fixes []Fix, opt Options) (*Source, []Repaired, error) {
	all := make([]int, s.Table.Rows())
	for i := range all {
		all[i] = i
	}
	out, err := s.Take(all)
	if err != nil {
		return nil, nil, err
	}
	var done []Repaired
	for _, f := range fixes {
		d, err := prepare(out, opt)
		if err != nil {
			return nil, nil, err
		}
		out = d.Source
		var r Repaired
		if strings.EqualFold(f.Column, "rows") && f.How == "distinct" {
			if out, r, err = d.distinct(); err != nil {
				return nil, nil, err
			}
			done = append(done, r)
			continue
		}
		name, err := columnOf(out.Table, f.Column)
		if err != nil {
			return nil, nil, err
		}
		if name == d.target {
			return nil, nil, errs.New(errs.Usage, "--fix names the target %s; a label is mended at its source", name)
		}
		if r, err = d.fix(name, f.How); err != nil {
			return nil, nil, err
		}
		if f.How == "drop" {
			keep := slices.DeleteFunc(slices.Clone(out.Table.Columns), func(c *table.Column) bool { return c.Name == name })
			if out.Table, err = table.New(keep...); err != nil {
				return nil, nil, err
			}
		}
		done = append(done, r)
	}
	return out, done, nil
}

// columnOf finds a column by name, or by a beginning that is its alone.
func columnOf(t *table.Table, name string) (string, error) {
	var fits []string
	for _, n := range t.Names() {
		switch {
		case n == name:
			return n, nil
		case strings.HasPrefix(strings.ToLower(n), strings.ToLower(name)):
			fits = append(fits, n)
		}
	}
	for _, n := range fits {
		if strings.EqualFold(n, name) {
			return n, nil
		}
	}
	if len(fits) == 1 {
		return fits[0], nil
	}
	if len(fits) > 1 {
		return "", errs.New(errs.Usage, "--fix %s could be %s; write the column's whole name", name, strings.Join(fits, " or "))
	}
	return "", errs.New(errs.Usage, "--fix names %q, which the data has not; its columns are %s", name, strings.Join(t.Names(), ", "))
}

// distinct drops rows that are others again.
func (d *data) distinct() (*Source, Repaired, error) {
	h := d.hashes(func(c *table.Column) bool { return c.Name != "" && !countsRows(c) })
	seen := map[uint64]bool{}
	var keep []int
	for i, v := range h {
		if !seen[v] {
			seen[v] = true
			keep = append(keep, i)
		}
	}
	out, err := d.Source.Take(keep)
	n := len(h) - len(keep)
	return out, Repaired{Column: "rows", How: "distinct", Changed: n, Says: fmt.Sprintf("%d rows dropped that were others again", n)}, err
}

func (d *data) fix(name, how string) (Repaired, error) {
	c := d.Table.Column(name)
	r := Repaired{Column: name, How: how}
	if how == "drop" {
		r.Changed, r.Says = c.Len(), "the column is left out"
		return r, nil
	}
	if c.Kind != table.Number {
		return r, errs.New(errs.Usage, "--fix %s=%s: the column is text; only drop can be done with it", name, how)
	}
	to, says, err := d.change(c, how)
	if err != nil {
		return r, errs.Wrap(err, "--fix %s=%s", name, how)
	}
	for i, v := range c.Floats {
		w := to(v)
		if w != v && !(math.IsNaN(w) && math.IsNaN(v)) {
			r.Changed++
		}
		c.Floats[i] = w
	}
	r.Says = fmt.Sprintf("%s: %d of %d values changed", says, r.Changed, c.Len())
	return r, nil
}

// change returns what a fix does to a value.
func (d *data) change(c *table.Column, how string) (to func(float64) float64, says string, err error) {
	kind, arg, _ := strings.Cut(how, ":")
	switch kind {
	case "nominal":
		return d.nominal(c)
	case "days", "hours", "whole":
		return d.wholeUnits(c, kind)
	case "step", "scale":
		x, err := strconv.ParseFloat(arg, 64)
		if err != nil || !(x > 0) || math.IsInf(x, 0) {
			return nil, "", errs.New(errs.Usage, "%q is no number above 0", arg)
		}
		if kind == "scale" {
			return func(v float64) float64 { return math.Round(v*x) / x }, "rounded to whole numbers over " + arg, nil
		}
		return func(v float64) float64 { return math.Round(v/x) * x }, "rounded to multiples of " + arg, nil
	case "grid":
		a, b, _ := strings.Cut(arg, "+")
		offset, e1 := strconv.ParseFloat(a, 64)
		step, e2 := strconv.ParseFloat(b, 64)
		if e1 != nil || e2 != nil || !(step > 0) {
			return nil, "", errs.New(errs.Usage, "%q is not OFFSET+STEP", arg)
		}
		return func(v float64) float64 { return offset + math.Round((v-offset)/step)*step }, "put on the grid", nil
	case "unfill":
		fill, err := strconv.ParseFloat(arg, 64)
		if arg != "" && err != nil {
			return nil, "", errs.New(errs.Usage, "%q is no number", arg)
		}
		return func(v float64) float64 {
			if arg != "" && v == fill || arg == "" && corrupt(v) {
				return missing
			}
			return v
		}, "made missing", nil
	}
	return nil, "", errs.New(errs.Usage, "there is no such repair; there are %s", hows)
}

// nominal snaps to the nearest size that the data itself has again and again, or,
// when it has none, to the nearest size that drives are sold in.
func (d *data) nominal(c *table.Column) (func(float64) float64, string, error) {
	counted := countRuns(c.Floats, d.y)
	var sizes []float64
	for _, r := range counted.runs {
		if r.n[0]+r.n[1] >= max(3, (counted.n[0]+counted.n[1])/2000) {
			sizes = append(sizes, r.v)
		}
	}
	says := fmt.Sprintf("snapped to the nearest of %d sizes that occur again and again", len(sizes))
	if len(sizes) == 0 && len(counted.runs) > 0 && counted.runs[len(counted.runs)/2].v > 1e9 {
		sizes, says = soldSizes(), "snapped to the nearest size that drives are sold in (IDEMA LBA1-03)"
	}
	if len(sizes) == 0 {
		return nil, "", errs.New(errs.Invalid, "no value of %s occurs again, so that no nominal size can be told", c.Name)
	}
	return func(v float64) float64 {
		if v != v {
			return v
		}
		i, _ := slices.BinarySearch(sizes, v)
		if i == len(sizes) || i > 0 && v-sizes[i-1] <= sizes[i]-v {
			i--
		}
		return sizes[i]
	}, says, nil
}

// soldSizes are the byte counts of drives by IDEMA's formula LBA1-03, from 80 GB
// to 32 TB.
func soldSizes() []float64 {
	var out []float64
	for _, gb := range []float64{80, 120, 160, 200, 250, 320, 400, 480, 500, 640, 750, 960} {
		out = append(out, 512*(97696368+1953504*(gb-50)))
	}
	for _, tb := range []float64{1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 32} {
		out = append(out, 512*(97696368+1953504*(tb*1000-50)))
	}
	return out
}

// wholeUnits undoes a scale: it looks for the number that makes the values of a
// class whole, and rounds all values there.
func (d *data) wholeUnits(c *table.Column, unit string) (func(float64) float64, string, error) {
	counted := countRuns(c.Floats, d.y)
	best, share := 0, 0.0
	for class := range 2 {
		sample := counted.sample(class)
		if whole(sample) && len(sample) > 0 {
			return math.Round, "rounded to whole " + unit, nil
		}
		k := divisor(sample)
		if k < 2 {
			continue
		}
		on := 0
		for _, v := range sample {
			if onGrid(v, 0, 1/float64(k)) {
				on++
			}
		}
		if s := float64(on) / float64(len(sample)); s > share {
			best, share = k, s
		}
	}
	if share < .5 {
		return nil, "", errs.New(errs.Invalid, "no scale makes the values of %s whole; name it as scale:K", c.Name)
	}
	k := float64(best)
	return func(v float64) float64 { return math.Round(v*k) / k }, fmt.Sprintf("rounded to whole %s, which are 1/%d of a unit", unit, best), nil
}
