package sweep

import (
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/search"
)

func TestPolicies(t *testing.T) {
	trials := []Trial{
		{Name: "done", Values: []float64{0.5, 0.7, 0.8}}, {Name: "good", Values: []float64{0.6, 0.75}, Running: true},
		{Name: "poor", Values: []float64{0.3, 0.5}, Running: true}, {Name: "late", Values: []float64{0.1}, Running: true},
		{Name: "mute", Running: true},
	}
	negated := []Trial{}
	for _, x := range trials {
		y := x
		y.Values = nil
		for _, v := range x.Values {
			y.Values = append(y.Values, -v)
		}
		negated = append(negated, y)
	}
	for _, c := range []struct {
		p    Policy
		want string
	}{
		{Policy{}, ""},
		{Policy{Kind: "bandit", Amount: 0.1}, "late poor"},
		{Policy{Kind: "bandit", Factor: 0.1}, "late poor"}, // 0.8/1.1 = 0.727
		{Policy{Kind: "bandit", Factor: 0.1, Delay: 2}, "poor"},
		{Policy{Kind: "bandit", Factor: 0.1, Interval: 3}, ""},
		{Policy{Kind: "median_stopping"}, "late poor"},
		{Policy{Kind: "median_stopping", Interval: 2}, "poor"},
		{Policy{Kind: "truncation_selection", Percent: 50, Interval: 2}, "poor"},
		{Policy{Kind: "truncation_selection", Percent: 30, Interval: 2}, ""},
		{Policy{Kind: "truncation_selection", Percent: 34, Interval: 2, Finished: true}, "poor"},
	} {
		if got := strings.Join(c.p.Stop(search.Maximize, trials), " "); got != c.want {
			t.Errorf("%+v stops %q, want %q", c.p, got, c.want)
		}
		if c.p.Factor > 0 {
			continue // a share of the best is not symmetric
		}
		if got := strings.Join(c.p.Stop(search.Minimize, negated), " "); got != c.want {
			t.Errorf("%+v, minimizing, stops %q, want %q", c.p, got, c.want)
		}
	}
}
