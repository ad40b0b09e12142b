package route

import (
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"
)

// Record is a request that was answered, for the inference log.
type Record struct {
	Time           time.Time
	ID             string // correlation id
	Model, Version string
	Route          string // "" without routes
	Shadow         bool   // the answer was not returned
	Took           time.Duration
	Key            string   // the drive that the route was picked by
	Keys           []string // the drive of each row; nil: Key is that of all
	Rows           int
	Inputs         []Input
	Decisions      []string  // of each row, as JSON: the class, or the value of a regressor
	Scores         []float64 // of each row: the probability of the last class, or the value of a regressor
	Chance         bool      // Scores are probabilities
}

// Input is one column of a request.
type Input struct {
	Name  string
	Nums  []float64 // NaN is missing or text
	Texts []string  // nil of a column of numbers
}

// text returns a value as text; a missing one is "".
func (in *Input) text(row int) string {
	switch {
	case in.Texts != nil:
		return in.Texts[row]
	case in.Nums[row] != in.Nums[row]:
		return ""
	}
	return strconv.FormatFloat(in.Nums[row], 'g', -1, 64)
}

// Column returns the texts of an input; nil when the request has none of that name.
func (r *Record) Column(name string) []string {
	for i := range r.Inputs {
		if in := &r.Inputs[i]; in.Name == name {
			out := make([]string, r.Rows)
			for row := range out {
				out[row] = in.text(row)
			}
			return out
		}
	}
	return nil
}

// key returns the drive of a row.
func (r *Record) key(row int) string {
	if r.Keys != nil && r.Keys[row] != "" {
		return r.Keys[row]
	}
	return r.Key
}

// size is about how many bytes the record holds on to.
func (r *Record) size() int64 {
	n := 200 + len(r.ID) + 40*r.Rows
	for i := range r.Inputs {
		n += 64 + 8*len(r.Inputs[i].Nums)
		for _, t := range r.Inputs[i].Texts {
			n += 16 + len(t)
		}
	}
	return int64(n)
}

// NewID makes a correlation id: 32 random hexadecimal digits.
func NewID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, by its own word
	return hex.EncodeToString(b[:])
}
