// Package feature turns a drive's history into one vector, and the history of a
// fleet into a training set.
//
// One Fold does it for training, for batch scoring and for live readings: it is
// given the days of a fleet in order, keeps a small state for each drive, and
// writes the vector of each drive as of that day. Nothing in a vector comes from
// a later day. The state grows with the drives and not with the days, and can be
// saved.
//
// # The features
//
// A Spec fixes which features there are and in which order. N is an attribute's
// number; an attribute without one has its name in place of smart_N, and of
// smart_N_raw. Values are
// unpacked as package smart does it.
//
//	smart_N_raw          the last known value
//	smart_N_delta_Wd     that value less the one known W days before, or less the
//	                     first one when the drive was not yet seen then
//	smart_N_max          the largest value seen
//	smart_N_days_nonzero days since it was first seen above zero, that day counting
//	                     as 1; 0 when it never was
//	smart_N_days_calm    days since it last rose; M when it never did
//	smart_9_run_Wd       power-on hours gained a day over the last W days, or since it
//	                     was first seen when that is less; 24 on the first day
//	smart_9_days_still   days on which the power-on hours stood still, up to this
//	                     day: what a drive shows that no longer answers. When five or
//	                     more of one model stop alike on one day, a machine is off and
//	                     not a drive: they count as running
//	smart_194_over_fleet °C above the mean of the fleet that day
//	smart_194_over_model °C above the mean of the drives of its model that day
//	age_days             power-on time
//	capacity_tb          nominal size, to a hundredth
//	days_seen            days since it was first seen; M for drives of the first day,
//	                     whose arrival nobody saw
//	days_missed          days without a reading before this one
//	attributes_lost      attributes it reported before and does not report today
//	model_failure_ratio  failure rate of its model over that of the fleet, up to the
//	                     day before, drawn to 1 while failures are few
//
// M is the spec's memory in days: no window is longer, and no number of days is
// larger. What was already so on the first day of all counts as M days old. So a
// fleet that is watched since last week and one that is watched for years give
// vectors that mean the same, but for values and maxima.
//
// A value is NaN when the drive never reported the attribute. A value that is
// missing today keeps the last one known.
package feature

import (
	"slices"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// Spec fixes the vector of a model: the attributes it is made from. It is stored
// with the model, so that a vector is made in the same way ever after.
type Spec struct {
	Version    int      `json:"version"`    // of the meaning of the features; see SpecVersion
	Attributes []string `json:"attributes"` // as smart.Attribute writes them, in order; none is normalized
	Memory     int      `json:"memory"`     // days back that a vector looks, 1..MaxMemory
}

// SpecVersion is the version that NewSpec gives. A Fold makes the features of
// this version only.
const SpecVersion = 2

// MaxMemory is the longest memory of a Spec, in days, and that of NewSpec.
const MaxMemory = 30

// NewSpec makes the spec for attributes, with the longest memory; normalized ones
// are left out.
func NewSpec(attributes []smart.Attribute) Spec {
	s := Spec{Version: SpecVersion, Memory: MaxMemory}
	for _, a := range attributes {
		if !a.IsNormalized() && !slices.Contains(s.Attributes, a.String()) {
			s.Attributes = append(s.Attributes, a.String())
		}
	}
	return s
}

// role says which features are made of an attribute.
type role uint8

const (
	counter  role = iota // errors that add up, or come and go
	workload             // grows as the drive is used
	clock                // power-on hours
	heat                 // °C
)

func roleOf(a smart.Attribute) role {
	switch a {
	case smart.PowerOnHours:
		return clock
	case smart.TemperatureCelsius:
		return heat
	case smart.PowerCycles, smart.SparePercent, smart.BytesRead, smart.BytesWritten:
		return workload
	}
	switch a.ID() {
	case 9:
		return clock
	case 190, 194:
		return heat
	case 4, 12, 192, 193, 240, 241, 242:
		return workload
	}
	return counter
}

// windows holds the days over which differences are taken, by role, the shortest
// first.
var windows = [...][]int{
	counter:  {1, 3, 7, 14, 30},
	workload: {1, 7, 30},
	clock:    {1, 3, 7, 14, 30},
	heat:     {1, 7},
}

// reach returns the longest of a role's windows within memory, 0 when it has none.
func (p *plan) reach(r role) int {
	if w := p.windows[r]; len(w) > 0 {
		return w[len(w)-1]
	}
	return 0
}

// column is one attribute of a spec.
type column struct {
	smart.Attribute
	role  role
	from  int // position of its first feature
	reach int // days of its longest window
}

// plan is a spec made ready: its attributes, and the names of its features.
type plan struct {
	columns []column
	names   []string
	general int // position of the first feature that is of no attribute
	memory  smart.Date
	windows [heat + 1][]int // those within memory, by role
}

func (s Spec) plan() (*plan, error) {
	if s.Version != SpecVersion {
		return nil, errs.New(errs.Unsupported, "features of version %d are not known here, only of version %d", s.Version, SpecVersion)
	}
	if s.Memory < 1 || s.Memory > MaxMemory {
		return nil, errs.New(errs.Invalid, "a memory of %d days is not from 1 to %d", s.Memory, MaxMemory)
	}
	p := &plan{memory: smart.Date(s.Memory)}
	for r, all := range windows {
		for _, w := range all {
			if w <= s.Memory {
				p.windows[r] = append(p.windows[r], w)
			}
		}
	}
	for _, text := range s.Attributes {
		a, ok := smart.ParseAttribute(text)
		if !ok || a.IsNormalized() {
			return nil, errs.New(errs.Invalid, "%q is neither a raw SMART attribute nor another number of a drive", text)
		}
		r := roleOf(a)
		c := column{a, r, len(p.names), p.reach(r)}
		p.columns = append(p.columns, c)
		p.names = append(p.names, p.namesOf(c)...)
	}
	p.general = len(p.names)
	p.names = append(p.names, "age_days", "capacity_tb", "days_seen", "days_missed", "attributes_lost", "model_failure_ratio")
	return p, nil
}

func (p *plan) namesOf(c column) []string {
	stem, out, change := strings.TrimSuffix(c.String(), "_raw"), []string{c.String()}, "_delta_"
	if c.role == clock {
		out, change = nil, "_run_" // age_days says the value
	}
	for _, w := range p.windows[c.role] {
		out = append(out, stem+change+strconv.Itoa(w)+"d")
	}
	switch c.role {
	case counter:
		out = append(out, stem+"_max", stem+"_days_nonzero", stem+"_days_calm")
	case clock:
		out = append(out, stem+"_days_still")
	case heat:
		out = append(out, stem+"_max", stem+"_over_fleet", stem+"_over_model")
	}
	return out
}

// Names returns the features in order. It returns an error of kind Unsupported
// for a spec of another version, Invalid for an attribute that is none.
func (s Spec) Names() ([]string, error) {
	p, err := s.plan()
	if err != nil {
		return nil, err
	}
	return p.names, nil
}
