package eval

import (
	"encoding/json"
	"math"
)

// MarshalJSON writes bounds that are not numbers as null.
func (i Interval) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Value *float64 `json:"value"`
		Low   *float64 `json:"low"`
		High  *float64 `json:"high"`
	}{number(i.Value), number(i.Low), number(i.High)})
}

// MarshalJSON writes a lead time that is not known as null.
func (c Caught) MarshalJSON() ([]byte, error) {
	type plain Caught
	lead := c.Lead
	c.Lead = 0
	return json.Marshal(struct {
		plain
		Lead *float64 `json:"lead_days"`
	}{plain(c), number(lead)})
}

func number(v float64) *float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return nil
	}
	return &v
}
