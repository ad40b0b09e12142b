package search

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// form says how a kind of distribution is written.
type form struct {
	kind, shape string
	least, most int // values that it takes
}

var forms = []form{
	{"choice", "choice(A,B,…)", 1, math.MaxInt},
	{"int", "int(LOW,HIGH) or int(LOW,HIGH,STEP)", 2, 3},
	{"logint", "logint(LOW,HIGH)", 2, 2},
	{"uniform", "uniform(LOW,HIGH)", 2, 2},
	{"loguniform", "loguniform(LOW,HIGH)", 2, 2},
	{"quniform", "quniform(LOW,HIGH,STEP)", 3, 3},
	{"qloguniform", "qloguniform(LOW,HIGH,STEP)", 3, 3},
	{"normal", "normal(MEAN,DEVIATION)", 2, 2},
	{"lognormal", "lognormal(MEAN,DEVIATION)", 2, 2},
	{"qnormal", "qnormal(MEAN,DEVIATION,STEP)", 3, 3},
	{"qlognormal", "qlognormal(MEAN,DEVIATION,STEP)", 3, 3},
	{"randint", "randint(N)", 1, 1},
}

// maxWhole is the largest whole number of which every smaller one is a float64.
const maxWhole = 1 << 53

// ParseSpace reads texts such as
//
//	max_depth=int(3,12)
//	learning_rate=loguniform(0.01,0.3)
//	max_features=choice(sqrt,log2,None,0.5)
//
// into a space. The bounds of loguniform and its kin are values, not logarithms;
// mean and deviation of lognormal are of the logarithm, as numpy has them. A
// choice is kept as it is written. Faults are of kind Usage.
func ParseSpace(texts []string) (Space, error) {
	out := Space{}
	for _, text := range texts {
		name, rest, ok := strings.Cut(text, "=")
		name = strings.TrimSpace(name)
		if !ok || name == "" {
			return nil, errs.New(errs.Usage, "search space: %q is not NAME=KIND(…), such as max_depth=int(3,12)", text)
		}
		if _, twice := out[name]; twice {
			return nil, errs.New(errs.Usage, "search space: %s is given twice", name)
		}
		d, err := ParseDistribution(rest)
		if err != nil {
			return nil, errs.Wrap(err, "search space: %s", name)
		}
		out[name] = d
	}
	if len(out) == 0 {
		return nil, errs.New(errs.Usage, "the search space is empty; give a hyperparameter such as max_depth=int(3,12)")
	}
	return out, nil
}

// ParseDistribution reads one distribution, such as int(3,12); see ParseSpace.
func ParseDistribution(text string) (Distribution, error) {
	kind, rest, ok := strings.Cut(strings.TrimSpace(text), "(")
	kind = strings.TrimSpace(kind)
	i := slices.IndexFunc(forms, func(f form) bool { return f.kind == kind })
	if i < 0 {
		known := make([]string, len(forms))
		for k, f := range forms {
			known[k] = f.kind
		}
		return Distribution{}, errs.New(errs.Usage, "%q is no distribution; there are %s, as in int(3,12)", kind, strings.Join(known, ", "))
	}
	f := forms[i]
	inner, closed := strings.CutSuffix(strings.TrimSpace(rest), ")")
	if !ok || !closed {
		return Distribution{}, errs.New(errs.Usage, "%q wants its values in brackets: %s", text, f.shape)
	}
	args, err := arguments(inner)
	if err != nil {
		return Distribution{}, err
	}
	if len(args) < f.least || len(args) > f.most {
		return Distribution{}, errs.New(errs.Usage, "%s has %d values; write %s", text, len(args), f.shape)
	}
	if kind == "choice" {
		return choices(args)
	}
	x := make([]float64, len(args))
	for k, a := range args {
		if x[k], err = strconv.ParseFloat(a, 64); err != nil || math.IsInf(x[k], 0) || math.IsNaN(x[k]) {
			return Distribution{}, errs.New(errs.Usage, "%q in %s is no number; write %s", a, text, f.shape)
		}
	}
	d, wanted := numbers(kind, x)
	if wanted != "" {
		return Distribution{}, errs.New(errs.Usage, "%s: %s", strings.TrimSpace(text), wanted)
	}
	return d, nil
}

// String writes the distribution as ParseDistribution reads it.
func (d Distribution) String() string {
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	var args []string
	base, quantized := strings.CutPrefix(d.Kind, "q")
	switch base {
	case "choice":
		for _, v := range d.Values {
			args = append(args, choiceText(v))
		}
	case "randint":
		args = []string{strconv.Itoa(d.Upper)}
	case "normal", "lognormal":
		args = []string{number(d.Mu), number(d.Sigma)}
	case "loguniform": // its ends are kept as logarithms
		args = []string{strconv.FormatFloat(math.Exp(d.Min), 'g', 12, 64), strconv.FormatFloat(math.Exp(d.Max), 'g', 12, 64)}
	default:
		args = []string{number(d.Min), number(d.Max)}
	}
	if quantized || d.Kind == "int" && d.Quantum > 0 {
		args = append(args, number(d.Quantum))
	}
	return d.Kind + "(" + strings.Join(args, ",") + ")"
}

// arguments parts a text at its commas, but not within quotes and brackets.
func arguments(s string) ([]string, error) {
	var out []string
	var open []byte
	quote, from := byte(0), 0
	take := func(to int) error {
		a := strings.TrimSpace(s[from:to])
		if a == "" {
			return errs.New(errs.Usage, "a value is missing in (%s)", s)
		}
		out, from = append(out, a), to+1
		return nil
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '\'' || c == '"':
			quote = c
		case strings.IndexByte("([{", c) >= 0:
			open = append(open, c)
		case strings.IndexByte(")]}", c) >= 0:
			if len(open) == 0 {
				return nil, errs.New(errs.Usage, "a bracket is closed that was not opened, in (%s)", s)
			}
			open = open[:len(open)-1]
		case c == ',' && len(open) == 0:
			if err := take(i); err != nil {
				return nil, err
			}
		}
	}
	if quote != 0 || len(open) > 0 {
		return nil, errs.New(errs.Usage, "a quote or bracket is not closed in (%s)", s)
	}
	return out, take(len(s))
}

func choices(args []string) (Distribution, error) {
	d := Distribution{Kind: "choice"}
	for i, a := range args {
		if slices.Contains(args[:i], a) {
			return d, errs.New(errs.Usage, "choice has %s twice", a)
		}
		raw, err := json.Marshal(a)
		if err != nil {
			return d, errs.New(errs.Usage, "choice %q: %w", a, err)
		}
		d.Values = append(d.Values, raw)
	}
	return d, nil
}

// numbers makes a distribution of its numbers, or says what is wrong with them.
func numbers(kind string, x []float64) (d Distribution, wrong string) {
	d = Distribution{Kind: kind}
	base, quantized := strings.CutPrefix(kind, "q")
	if quantized {
		if d.Quantum = x[len(x)-1]; d.Quantum <= 0 {
			return d, "the step must be above 0"
		}
	}
	switch base {
	case "randint":
		d.Upper = int(x[0])
		if x[0] != math.Trunc(x[0]) || x[0] < 1 || x[0] > math.MaxInt32 {
			return d, "N must be a whole number from 1"
		}
	case "normal", "lognormal":
		if d.Mu, d.Sigma = x[0], x[1]; d.Sigma <= 0 {
			return d, "the deviation must be above 0"
		}
	case "int", "logint":
		d.Min, d.Max = x[0], x[1]
		if len(x) == 3 {
			d.Quantum = x[2]
		}
		return d, wholeBounds(kind, x)
	case "uniform":
		if d.Min, d.Max = x[0], x[1]; d.Min >= d.Max || math.IsInf(d.Max-d.Min, 0) {
			return d, "the low end must be below the high end"
		}
	case "loguniform":
		if x[0] <= 0 || x[0] >= x[1] {
			return d, "the low end must be above 0 and below the high end"
		}
		d.Min, d.Max = math.Log(x[0]), math.Log(x[1])
	}
	return d, ""
}

func wholeBounds(kind string, x []float64) string {
	for _, v := range x {
		if v != math.Trunc(v) || math.Abs(v) > maxWhole {
			return "bounds and step must be whole numbers"
		}
	}
	switch {
	case x[0] >= x[1]:
		return "the low end must be below the high end"
	case kind == "logint" && x[0] < 1:
		return "the low end must be at least 1"
	case len(x) == 3 && (x[2] < 1 || x[2] > x[1]-x[0]):
		return "the step must be from 1 to the distance of the ends"
	case kind == "int" && x[1]-x[0] > math.MaxInt32:
		return "the ends are too far apart; take uniform"
	}
	return ""
}
