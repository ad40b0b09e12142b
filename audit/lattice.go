package audit

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// How far the make of numbers may differ between the classes.
const (
	latticeRows  = 20  // rows of each class that must be comparable
	latticeWarn  = .62 // AUC within strata of the value's size
	latticeBlock = .70
)

// property is something about how a number is made, not how large it is.
type property struct {
	what string // completes "the values are …"
	fix  string // what Repair calls its undoing; "" when nothing does
	step bool   // a grid, which the commonest value may lie on by chance
	has  func(r run) bool
}

// checkLattice looks for a property of numbers whose share differs between the
// classes among values of one size: being a multiple of a step, having few
// decimals, occurring exactly again.
func (d *data) checkLattice(name string, c counts) []Finding {
	if len(c.runs) < 40 || c.n[0] < latticeRows || c.n[1] < latticeRows {
		return nil
	}
	strata, common := c.strata(), c.commonest()
	var best contrast
	var of property
	score := 0.0
	for _, p := range append(c.steps(), c.repeats()...) {
		x := contrastOf(strata, p, common)
		s := math.Abs(x.auc - .5)
		if x.n[0] >= latticeRows && x.n[1] >= latticeRows && s > score+.002 {
			best, of, score = x, p, s
		}
	}
	a := .5 + score
	// Two thirds of a class must be comparable with the other, or some hundreds of rows.
	enough := [2]bool{best.n[0]*3 >= c.n[0] || best.n[0] >= 300, best.n[1]*3 >= c.n[1] || best.n[1] >= 300}
	low := a - 3.3*math.Sqrt(.25/float64(max(1, min(best.n[0], best.n[1]))))
	if a < latticeWarn || low <= .5 || !enough[0] && !enough[1] {
		return nil
	}
	f := Finding{Check: CheckLattice, Severity: Warn, Column: name, Figures: map[string]float64{"auc_within_strata": a,
		"share_" + d.classes[0]: best.share[0], "share_" + d.classes[1]: best.share[1]}}
	if a >= latticeBlock && low >= .55 {
		f.Severity = Block
	}
	k := 1
	if best.auc < .5 {
		k = 0
	}
	f.Says = fmt.Sprintf("%s of the rows with %s=%s %s, and %s of those with %s=%s of the same size; that property alone divides them with an AUC of %.3f",
		percent(best.share[k]), d.target, d.classes[k], of.what, percent(best.share[1-k]), d.target, d.classes[1-k], a)
	f.Means = fmt.Sprintf("the values of one class were rounded, scaled, jittered or made up in another way than those of the other; a model learns the make of the numbers, not the drives (rows of %s=%s look like the altered ones)", d.target, d.classes[1-k])
	f.Mend = "take both classes from one source with one treatment, or leave the column out"
	if of.fix != "" {
		f.Fix = name + "=" + of.fix
		f.Mend += "; --fix " + f.Fix + " puts both classes back on one grid"
	}
	col := d.Table.Column(name).Floats
	f.Evidence = d.examples(3, func(i int) bool {
		v := col[i]
		if math.IsNaN(v) || v == 0 {
			return false
		}
		j, ok := slices.BinarySearchFunc(c.runs, v, func(r run, v float64) int {
			switch {
			case r.v < v:
				return -1
			case r.v > v:
				return 1
			}
			return 0
		})
		return ok && of.has(c.runs[j]) == (int(d.y[i]) == k)
	}, name)
	return []Finding{f}
}

func percent(s float64) string {
	return strconv.FormatFloat(100*s, 'f', 2, 64) + " %"
}

// repeats is the property of occurring exactly again, for columns so fine that
// most values of one class do not: there it tells copies and noise from what was
// measured.
func (c counts) repeats() []property {
	var single [2]int
	for _, r := range c.runs {
		if r.n[0]+r.n[1] == 1 {
			single[0] += r.n[0]
			single[1] += r.n[1]
		}
	}
	if len(c.runs) < 200 || single[0]*2 < c.n[0] && single[1]*2 < c.n[1] {
		return nil
	}
	if whole(c.sample(0)) && whole(c.sample(1)) && !c.fewValues(0) && !c.fewValues(1) {
		return nil // whole numbers meet by chance, the more so on one day
	}
	few := max(3, (c.n[0]+c.n[1])/2000)
	return []property{{"hold a value that occurs exactly again", "nominal", false, func(r run) bool { return r.n[0]+r.n[1] >= few }}}
}

// fewValues reports whether a class has at most one distinct value in ten rows.
func (c counts) fewValues(class int) bool {
	n := 0
	for _, r := range c.runs {
		if r.n[class] > 0 {
			n++
		}
	}
	return n*10 <= c.n[class]
}

// steps returns the grids that the values of a class may be on.
func (c counts) steps() []property {
	var out []property
	for class := range 2 {
		sample := c.sample(class)
		if len(sample) < latticeRows {
			continue
		}
		if whole(sample) {
			if class == 1 && len(out) == len(wholeSteps) {
				continue
			}
			for _, s := range wholeSteps {
				out = append(out, multiple(s))
			}
			continue
		}
		for e := -9; e <= 6; e++ {
			out = append(out, multipleOfTen(e))
		}
		if k := divisor(sample); k > 1 {
			out = append(out, scaled(k))
		}
		if offset, step, ok := spacing(sample); ok {
			out = append(out, spaced(offset, step))
		}
	}
	return out
}

// wholeSteps are the steps tried for whole numbers: small ones, powers of ten and
// two, and those of time.
var wholeSteps = func() []float64 {
	var out []float64
	for n := 2; n <= 64; n++ {
		out = append(out, float64(n))
	}
	for v := 128.0; v <= 1<<40; v *= 2 {
		out = append(out, v)
	}
	for v := 100.0; v <= 1e12; v *= 10 {
		out = append(out, v, v/2, v/4)
	}
	return append(out, 168, 365, 720, 730, 1440, 3600, 8760, 86400)
}()

// sample returns up to two thousand values of a class, spread over its rows, zero
// left out.
func (c counts) sample(class int) []float64 {
	var out []float64
	n := 0
	for _, r := range c.runs {
		if r.v != 0 {
			n += r.n[class]
		}
	}
	every := max(1, float64(n)/2000)
	next, at := 0.0, 0.0
	for _, r := range c.runs {
		if r.v == 0 {
			continue
		}
		at += float64(r.n[class])
		for r.n[class] > 0 && next < at {
			out = append(out, r.v)
			next += every
		}
	}
	return out
}

func whole(v []float64) bool {
	n := 0
	for _, x := range v {
		if x == math.Trunc(x) {
			n++
		}
	}
	return n*20 >= len(v)*19
}

func multiple(step float64) property {
	return property{"are multiples of " + strconv.FormatFloat(step, 'f', -1, 64), "step:" + strconv.FormatFloat(step, 'g', -1, 64), true,
		func(r run) bool {
			if math.Abs(r.v) < 1<<62 {
				return r.v == math.Trunc(r.v) && int64(r.v)%int64(step) == 0
			}
			return math.Mod(r.v, step) == 0
		}}
}

// multipleOfTen is the property of needing no digit below 10^e.
func multipleOfTen(e int) property {
	what, unit := "need no more than "+strconv.Itoa(-e)+" decimals", math.Pow(10, float64(e))
	if e >= 0 {
		what = "are multiples of " + strconv.FormatFloat(unit, 'f', -1, 64)
	}
	back := math.Pow(10, float64(-e))
	return property{what, "step:" + strconv.FormatFloat(unit, 'g', -1, 64), true, func(r run) bool {
		x := r.v * back
		return math.Abs(x) < 1<<52 && math.Abs(x-math.Round(x)) <= 1e-15*math.Abs(x)*4
	}}
}

// scaled is the property of being a whole number after multiplication with k.
func scaled(k int) property {
	s := strconv.Itoa(k)
	return property{"are whole numbers when multiplied by " + s, "days", true, func(r run) bool { return onGrid(r.v, 0, 1/float64(k)) }}
}

func spaced(offset, step float64) property {
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	exact := strings.Join([]string{strconv.FormatFloat(offset, 'g', -1, 64), strconv.FormatFloat(step, 'g', -1, 64)}, "+")
	return property{"lie on a grid of step " + g(step) + " from " + g(offset), "grid:" + exact, true,
		func(r run) bool { return onGrid(r.v, offset, step) }}
}

// onGrid reports whether v is a whole number of steps from offset, as far as
// float64 can tell after the arithmetic that scaling takes.
func onGrid(v, offset, step float64) bool {
	x := (v - offset) / step
	return math.Abs(x) < 1e9 && math.Abs(x-math.Round(x)) < 1e-6+math.Abs(x)*1e-9
}

// divisor returns the smallest k up to 100,000 for which a good part of the
// values are n/k, found from the denominators of their continued fractions; 0
// when there is none.
func divisor(sample []float64) int {
	const limit = 100_000
	seen := map[int]int{}
	fit := 0
	for _, v := range sample {
		if q := denominator(v, limit); q > 1 {
			seen[q]++
			fit++
		}
	}
	if fit*5 < len(sample) {
		return 0
	}
	var qs []int
	for q := range seen {
		qs = append(qs, q)
	}
	slices.SortFunc(qs, func(a, b int) int {
		if seen[a] != seen[b] {
			return seen[b] - seen[a]
		}
		return a - b
	})
	k := 1
	for _, q := range qs {
		if seen[q] < 2 {
			break
		}
		if l := k / gcd(k, q) * q; l <= limit {
			k = l
		}
	}
	return k
}

// denominator returns the smallest q up to limit with |v - p/q| within rounding,
// or 0. A random number passes once in some thousand.
func denominator(v float64, limit int) int {
	x := math.Abs(v)
	h0, h1, k0, k1 := 0.0, 1.0, 1.0, 0.0
	for range 20 {
		a := math.Floor(x)
		h0, h1 = h1, a*h1+h0
		k0, k1 = k1, a*k1+k0
		if k1 > float64(limit) {
			return 0
		}
		if math.Abs(math.Abs(v)-h1/k1) <= 1e-13*max(1, math.Abs(v)) {
			return int(k1)
		}
		if x == a {
			return 0
		}
		x = 1 / (x - a)
	}
	return 0
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// spacing looks for a grid with an offset, as standardised whole numbers have it:
// the least distance between values that occur again.
func spacing(sample []float64) (offset, step float64, ok bool) {
	var atoms []float64
	for i := 1; i < len(sample); i++ {
		if sample[i] == sample[i-1] && (len(atoms) == 0 || atoms[len(atoms)-1] != sample[i]) {
			atoms = append(atoms, sample[i])
		}
	}
	if len(atoms) < 10 {
		return 0, 0, false
	}
	offset, step = atoms[0], math.Inf(1)
	for i := 1; i < len(atoms); i++ {
		step = min(step, atoms[i]-atoms[i-1])
	}
	span := atoms[len(atoms)-1] - offset
	n := math.Round(span / step)
	if n > 1e5 {
		return 0, 0, false
	}
	step = span / n
	on := 0
	for _, a := range atoms {
		if onGrid(a, offset, step) {
			on++
		}
	}
	return offset, step, on*10 >= len(atoms)*9
}
