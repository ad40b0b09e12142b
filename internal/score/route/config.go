package route

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
)

// Champion is the name of the route that answers what no challenger does.
const Champion = "champion"

// Config says which models share the requests of one.
type Config struct {
	Champion    string       `yaml:"champion"` // model; "": the first one that is served
	Key         string       `yaml:"key"`      // column or parameter that holds the drive's id; "": serial_number
	Challengers []Challenger `yaml:"challengers"`
	Rollback    Rollback     `yaml:"rollback"`
}

// Challenger is a model that gets a share of the requests, or a copy of them.
type Challenger struct {
	Name   string  `yaml:"name"`
	Model  string  `yaml:"model"`  // path or URI
	Weight float64 `yaml:"weight"` // per cent of the drives, 0 to 100
	Shadow bool    `yaml:"shadow"` // asked about every request, never answering
}

// Rollback says when a challenger loses its share to the champion, and when it
// gets it back.
type Rollback struct {
	ErrorRate float64       `yaml:"error_rate"` // share of requests that only the challenger fails, 0 to 1; 0: .05
	Latency   time.Duration `yaml:"latency"`    // limit of the 95th percentile; 0: none
	Window    time.Duration `yaml:"window"`     // over which both are measured; 0: 1 min
	Least     int           `yaml:"least"`      // requests in the window before it is judged; 0: 20
	Hold      time.Duration `yaml:"hold"`       // how long it stays away at least; 0: 10 min; negative: for good
}

// ReadConfig reads a file of routes. Unknown keys are refused, by line.
func ReadConfig(path string) (Config, error) {
	var c Config
	text, err := os.ReadFile(path)
	if err != nil {
		return c, errs.Wrap(err, "read the routes")
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(&c); err != nil && !errors.Is(err, io.EOF) {
		return c, &errs.Input{File: path, Problem: strings.ReplaceAll(strings.TrimPrefix(err.Error(), "yaml: "), "\n", ""), Mend: "write champion, key, challengers (name, model, weight, shadow) and rollback"}
	}
	return c, errs.Wrap(c.Check(), "%s", path)
}

// ParseChallenger reads the value of a flag: [NAME=]MODEL[,weight=N][,shadow].
func ParseChallenger(arg string) (Challenger, error) {
	var c Challenger
	parts := strings.Split(arg, ",")
	c.Model = parts[0]
	if name, uri, ok := strings.Cut(parts[0], "="); ok && !strings.ContainsAny(name, "/:@\\") {
		c.Name, c.Model = name, uri
	}
	for _, p := range parts[1:] {
		key, value, _ := strings.Cut(p, "=")
		switch key {
		case "weight":
			w, err := strconv.ParseFloat(strings.TrimSuffix(value, "%"), 64)
			if err != nil {
				return c, errs.New(errs.Usage, "the weight %q of a challenger is no number; write weight=10 for ten per cent", value)
			}
			c.Weight = w
		case "shadow":
			c.Shadow = true
		default:
			return c, errs.New(errs.Usage, "a challenger has no %q; write NAME=MODEL,weight=10 or NAME=MODEL,shadow", key)
		}
	}
	return c, nil
}

// Check fills in what is left out and refuses what cannot be; errors are of kind
// Invalid.
func (c *Config) Check() error {
	if c.Key == "" {
		c.Key = "serial_number"
	}
	seen := map[string]bool{Champion: true}
	sum := 0.0
	for i := range c.Challengers {
		ch := &c.Challengers[i]
		if ch.Name == "" {
			ch.Name = "challenger"
			if i > 0 {
				ch.Name += strconv.Itoa(i + 1)
			}
		}
		switch {
		case ch.Model == "":
			return errs.New(errs.Invalid, "challenger %s has no model", ch.Name)
		case seen[ch.Name]:
			return errs.New(errs.Invalid, "two routes have the name %s", ch.Name)
		case !(ch.Weight >= 0 && ch.Weight <= 100):
			return errs.New(errs.Invalid, "challenger %s has weight %v; weights are per cent, 0 to 100", ch.Name, ch.Weight)
		case ch.Shadow && ch.Weight > 0:
			return errs.New(errs.Invalid, "challenger %s is a shadow and has weight %v; a shadow never answers: leave one of them out", ch.Name, ch.Weight)
		}
		seen[ch.Name] = true
		sum += ch.Weight
	}
	if sum > 100 {
		return errs.New(errs.Invalid, "the weights of the challengers add up to %v per cent; at most 100 leave the rest to the champion", sum)
	}
	return c.Rollback.check()
}

func (r *Rollback) check() error {
	if !(r.ErrorRate >= 0 && r.ErrorRate <= 1) || r.Latency < 0 || r.Window < 0 || r.Least < 0 {
		return errs.New(errs.Invalid, "rollback: error_rate is a share from 0 to 1; latency, window and least are not negative")
	}
	if r.ErrorRate == 0 {
		r.ErrorRate = .05
	}
	if r.Window == 0 {
		r.Window = time.Minute
	}
	if r.Least == 0 {
		r.Least = 20
	}
	if r.Hold == 0 {
		r.Hold = 10 * time.Minute
	}
	return nil
}
