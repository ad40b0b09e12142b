package rollout

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Scale says how many instances a deployment has and when that changes: the rules of an
// autoscale setting of Azure Monitor, in short.
type Scale struct {
	Min, Max, Default int
	Rules             []Rule
	Profiles          []Profile // other bounds at certain hours, with the same rules
}

// Rule changes the number of instances.
type Rule struct {
	Metric   string  // CpuUtilizationPercentage and the like of the deployment; RequestLatency and the like of the endpoint
	Endpoint bool    // the metric is the endpoint's
	Above    bool    // it fires above Limit, else below
	Limit    float64 // percent, milliseconds or a number, as the metric counts
	Over     time.Duration
	Change   int // instances more, or fewer below 0
	Cooldown time.Duration
}

// Profile is a time of the week with its own bounds.
type Profile struct {
	Name, TimeZone    string // of Windows, as Azure has them; UTC when empty
	Days              []string
	From, To          string // 15:04
	Min, Max, Default int
}

// usual are the rules of Azure's documentation for online endpoints: two more above
// 70 % of the processor, one fewer below 25 %, one more above 70 ms.
func usual() []Rule {
	return []Rule{
		{Metric: "CpuUtilizationPercentage", Above: true, Limit: 70, Over: 5 * time.Minute, Change: 2, Cooldown: 5 * time.Minute},
		{Metric: "CpuUtilizationPercentage", Limit: 25, Over: 5 * time.Minute, Change: -1, Cooldown: 5 * time.Minute},
		{Metric: "RequestLatency", Endpoint: true, Above: true, Limit: 70, Over: 5 * time.Minute, Change: 1, Cooldown: 5 * time.Minute},
	}
}

// ParseScale reads MIN:MAX, which stands for the usual rules between these bounds.
func ParseScale(text string) (*Scale, error) {
	low, high, ok := strings.Cut(text, ":")
	a, err1 := strconv.Atoi(low)
	b, err2 := strconv.Atoi(high)
	if !ok || err1 != nil || err2 != nil || a < 1 || b < a {
		return nil, errs.New(errs.Usage, "--autoscale %s: write MIN:MAX, such as 1:5, or a YAML file of rules", text)
	}
	return &Scale{Min: a, Max: b, Default: a, Rules: usual()}, nil
}

// scaleFile is the form of a file of rules.
type scaleFile struct {
	Min     int `yaml:"min_instances"`
	Max     int `yaml:"max_instances"`
	Default int `yaml:"default_instances"`
	Rules   []struct {
		Metric   string   `yaml:"metric"`
		Of       string   `yaml:"of"`
		Above    *float64 `yaml:"above"`
		Below    *float64 `yaml:"below"`
		Over     string   `yaml:"over"`
		Change   int      `yaml:"change"`
		Cooldown string   `yaml:"cooldown"`
	} `yaml:"rules"`
	Profiles []struct {
		Name     string   `yaml:"name"`
		TimeZone string   `yaml:"time_zone"`
		Days     []string `yaml:"days"`
		From     string   `yaml:"from"`
		To       string   `yaml:"to"`
		Min      int      `yaml:"min_instances"`
		Max      int      `yaml:"max_instances"`
		Default  int      `yaml:"default_instances"`
	} `yaml:"profiles"`
}

// ReadScale reads a file of rules; without any, the usual ones. Faults are of kind
// Invalid and name the line and the field.
func ReadScale(text []byte, file string) (*Scale, error) {
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var f scaleFile
	var tree yaml.Node
	if err := d.Decode(&f); err != nil && err != io.EOF {
		return nil, errs.New(errs.Invalid, "%s: %s; write min_instances, max_instances, default_instances, rules and profiles", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	_ = yaml.Unmarshal(text, &tree) // it was read above
	bad := func(field, problem, mend string) error {
		return &errs.Input{File: file, Row: lineOf(&tree, strings.FieldsFunc(field, func(r rune) bool { return strings.ContainsRune(".[]", r) })), Column: field, Problem: problem, Mend: mend}
	}
	s := &Scale{Min: f.Min, Max: f.Max, Default: f.Default, Rules: usual()}
	if err := bounds(&s.Min, &s.Max, &s.Default, "", bad); err != nil {
		return nil, err
	}
	if f.Rules != nil {
		s.Rules = nil
	}
	for i, r := range f.Rules {
		rule, at := Rule{Metric: r.Metric, Change: r.Change}, fmt.Sprintf("rules[%d]", i)
		switch r.Metric {
		case "cpu":
			rule.Metric = "CpuUtilizationPercentage"
		case "memory":
			rule.Metric = "MemoryUtilizationPercentage"
		case "latency":
			rule.Metric, rule.Endpoint = "RequestLatency", true
		case "":
			return nil, bad(at+".metric", "the rule names no metric", "write cpu, memory, latency, or a metric of Azure Monitor by its name")
		}
		switch r.Of {
		case "endpoint":
			rule.Endpoint = true
		case "deployment":
			rule.Endpoint = false
		case "":
		default:
			return nil, bad(at+".of", strconv.Quote(r.Of)+" has no metrics here", "write endpoint or deployment")
		}
		switch {
		case (r.Above == nil) == (r.Below == nil):
			return nil, bad(at, "a rule fires above or below a limit", "write one of above and below")
		case r.Above != nil:
			rule.Above, rule.Limit = true, *r.Above
		default:
			rule.Limit = *r.Below
		}
		if math.IsNaN(rule.Limit) || math.IsInf(rule.Limit, 0) {
			return nil, bad(at, "the limit is no number", "write such as above: 70")
		}
		if r.Change == 0 || (r.Change > 0) != rule.Above {
			return nil, bad(at+".change", fmt.Sprintf("a change of %d", r.Change), "above a limit adds instances, below one takes them away: write 1 or -1")
		}
		var err error
		if rule.Over, err = lasts(r.Over, 5*time.Minute); err != nil || rule.Over < 5*time.Minute {
			return nil, bad(at+".over", strconv.Quote(r.Over)+" is no time of 5m or more", "write such as 10m")
		}
		if rule.Cooldown, err = lasts(r.Cooldown, 5*time.Minute); err != nil || rule.Cooldown < time.Minute {
			return nil, bad(at+".cooldown", strconv.Quote(r.Cooldown)+" is no time of 1m or more", "write such as 5m")
		}
		s.Rules = append(s.Rules, rule)
	}
	return s, s.profiles(f, bad)
}

func (s *Scale) profiles(f scaleFile, bad func(field, problem, mend string) error) error {
	for i, p := range f.Profiles {
		at, out := fmt.Sprintf("profiles[%d]", i), Profile{Name: p.Name, TimeZone: p.TimeZone, Days: p.Days, From: p.From, To: p.To, Min: p.Min, Max: p.Max, Default: p.Default}
		if p.Name == "" {
			return bad(at+".name", "the profile has no name", "give it one")
		}
		if err := bounds(&out.Min, &out.Max, &out.Default, at+".", bad); err != nil {
			return err
		}
		for j, day := range p.Days {
			out.Days[j] = strings.ToUpper(day[:min(1, len(day))]) + strings.ToLower(day[min(1, len(day)):])
			if !strings.Contains(" Monday Tuesday Wednesday Thursday Friday Saturday Sunday ", " "+out.Days[j]+" ") {
				return bad(at+".days", strconv.Quote(day)+" is no day", "write monday to sunday")
			}
		}
		from, err1 := time.Parse("15:04", p.From)
		to, err2 := time.Parse("15:04", p.To)
		if err1 != nil || err2 != nil || len(p.Days) == 0 || !from.Before(to) {
			return bad(at, "a profile needs days, and hours from and to of one day", "write days: [monday], from: \"08:00\", to: \"18:00\"")
		}
		s.Profiles = append(s.Profiles, out)
	}
	return nil
}

func bounds(low, high, usual *int, at string, bad func(field, problem, mend string) error) error {
	if *usual == 0 {
		*usual = *low
	}
	if *low < 1 || *high < *low || *usual < *low || *usual > *high {
		return bad(at+"min_instances", fmt.Sprintf("%d to %d instances, usually %d, are no bounds", *low, *high, *usual), "let 1 ≤ min_instances ≤ default_instances ≤ max_instances")
	}
	return nil
}

func lasts(text string, other time.Duration) (time.Duration, error) {
	if text == "" {
		return other, nil
	}
	return time.ParseDuration(text)
}

// lineOf is the line of a field, or of what is nearest above it.
func lineOf(n *yaml.Node, path []string) int {
	if n.Kind == yaml.DocumentNode && len(n.Content) > 0 {
		n = n.Content[0]
	}
	line := n.Line
	for _, key := range path {
		var next *yaml.Node
		if i, err := strconv.Atoi(key); err == nil && n.Kind == yaml.SequenceNode && i < len(n.Content) {
			next = n.Content[i]
		}
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				next = n.Content[i+1]
			}
		}
		if next == nil {
			break
		}
		n, line = next, next.Line
	}
	return line
}
