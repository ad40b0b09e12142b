package main

import (
	"os"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/train"
	"github.com/drivecast/drivecast/smart"
)

// completeAlarms reads the flags of the default recipe.
func (o *trainOptions) completeAlarms(recipe bool) error {
	for _, f := range [][2]string{{"until", o.until}, {"alarm-budget", o.budget}, {"costs", o.costs}, {"compare-with", o.compare}} {
		if f[1] != "" && !recipe {
			return errs.New(errs.Usage, "--%s belongs to the default recipe; leave --learner out", f[0])
		}
	}
	if o.budget != "" && o.costs != "" {
		return errs.New(errs.Usage, "--alarm-budget and --costs both set the threshold; give one of them")
	}
	var err error
	if o.until != "" {
		if o.spec.Until, err = parseDay("until", o.until); err != nil {
			return err
		}
	}
	if o.budget != "" {
		if o.spec.Alarms.PerYear, err = parseBudget(o.budget); err != nil {
			return err
		}
	}
	if o.costs != "" {
		o.spec.Alarms, err = parseCosts(o.costs)
	}
	return err
}

func parseDay(flag, s string) (smart.Date, error) {
	d, err := smart.ParseDate(s)
	if err != nil {
		return 0, errs.New(errs.Usage, "--%s %q is no day; write it like 2025-01-31", flag, s)
	}
	return d, nil
}

// parseBudget reads "1 per 24 drives per year" as false alarms a drive and year.
func parseBudget(s string) (float64, error) {
	bad := errs.New(errs.Usage, "--alarm-budget %q is not like \"1 per 24 drives per year\" (or month, week, day)", s)
	days := map[string]float64{"year": 365, "month": 365. / 12, "week": 7, "day": 1}
	parts := strings.SplitN(strings.Join(strings.Fields(s), " "), " per ", 3)
	if len(parts) != 3 {
		return 0, bad
	}
	alarms, err := strconv.ParseFloat(parts[0], 64)
	count, _, _ := strings.Cut(parts[1], " ")
	if count == "drive" {
		count = "1"
	}
	drives, err2 := strconv.ParseFloat(count, 64)
	span, ok := days[parts[2]]
	if err != nil || err2 != nil || !ok || !(alarms > 0) || !(drives > 0) {
		return 0, bad
	}
	return alarms / drives * 365 / span, nil
}

// parseCosts reads miss=500,alarm=40, or a file with such lines.
func parseCosts(s string) (train.Alarms, error) {
	text := s
	if !strings.Contains(s, "=") {
		file, err := os.ReadFile(s)
		if err != nil {
			return train.Alarms{}, errs.Wrap(err, "--costs")
		}
		text = string(file)
	}
	var a train.Alarms
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == '\n' || r == '\r' }) {
		name, value, _ := strings.Cut(part, "=")
		v, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(v > 0) || v > 1e15 {
			return a, errs.New(errs.Usage, "--costs: %q is not miss=500 or alarm=40", part)
		}
		switch strings.TrimSpace(name) {
		case "miss":
			a.Miss = v
		case "alarm":
			a.Alarm = v
		default:
			return a, errs.New(errs.Usage, "--costs: %q is neither miss nor alarm", part)
		}
	}
	if a.Miss == 0 || a.Alarm == 0 {
		return a, errs.New(errs.Usage, "--costs %q lacks miss or alarm; write miss=500,alarm=40", s)
	}
	return a, nil
}
