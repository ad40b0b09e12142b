package forecast

import (
	"math"
	"sort"
	"strconv"

	"github.com/drivecast/drivecast/smart"
)

// Answer is what the model says of one drive on one day.
type Answer struct {
	Probability float64 // of failing within the horizon
	Low, High   float64 // see FitBand
	Risk        string  // "low", "medium" or "high"
	Reason      string  // why the model abstains; empty when it does not
}

// Abstained reports whether the model would rather not be asked. Its probability
// then ranks the drive, and promises nothing.
func (a *Answer) Abstained() bool { return a.Reason != "" }

// Drive is what a reading says beside its vector.
type Drive struct {
	Model string
	Known int // attributes of the spec that the reading holds
}

// Known counts the attributes of a reading that have a value.
func Known(r *smart.Reading) int {
	n := 0
	for _, v := range r.Values {
		if v == v {
			n++
		}
	}
	return n
}

// Answers writes the answer for each vector of x (row-major) to dst.
func (m *Model) Answers(dst []Answer, x []float64, drives []Drive) {
	z := make([]float64, len(dst))
	m.Raw(z, x)
	for i := range dst {
		at := m.Line.LogOdds(z[i])
		a := Answer{Probability: expit(at), Risk: "low"}
		a.Low, a.High = m.Band.Around(at)
		switch {
		case a.Probability >= m.Limits.High:
			a.Risk = "high"
		case a.Probability >= m.Limits.Medium:
			a.Risk = "medium"
		}
		a.Reason = m.doubt(drives[i], x[i*len(m.names):(i+1)*len(m.names)])
		dst[i] = a
	}
}

// doubt returns why the model should not be asked of a drive.
func (m *Model) doubt(d Drive, row []float64) string {
	f := m.Limits.Families
	i := sort.Search(len(f), func(i int) bool { return f[i].Name >= d.Model })
	seen := 0
	if i < len(f) && f[i].Name == d.Model {
		seen = f[i].Drives
	}
	all := len(m.Spec.Attributes)
	lost, missed := row[m.lost], row[m.missed]
	switch {
	case seen < m.Limits.MinDrives:
		return "not trained for this family: " + strconv.Itoa(seen) + " drives of this model were learned from"
	case missed > float64(m.Spec.Memory):
		return "stale: no reading in the " + strconv.Itoa(int(missed)) + " days before"
	case float64(d.Known) >= m.Limits.MinKnown*float64(all):
		return ""
	case !math.IsNaN(lost) && float64(d.Known)+lost >= m.Limits.MinKnown*float64(all):
		return "stale: " + strconv.Itoa(all-d.Known) + " of " + strconv.Itoa(all) + " attributes have no value of this day"
	}
	return "too few attributes: " + strconv.Itoa(d.Known) + " of " + strconv.Itoa(all) + " are known"
}
