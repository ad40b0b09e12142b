package simulate

import "math"

// condition is what a drive hides.
type condition uint8

const (
	quiet condition = iota
	wearing
	failing
	scarred
	conditions
)

// family is a model of drive. The names are made up; the vendors' way of
// reporting is not.
type family struct {
	name     string
	capacity int64
	share    float64 // of the first day's fleet
	factor   float64 // of the hazard
	meanAge  float64 // days, on the first day
	seagate  bool    // 1 and 7 packed, 188 packed, 187 present
	loads    bool    // parks its heads: 193 grows
}

var families = []family{
	{"ST4000SM001", 4000787030016, .34, 1.25, 1100, true, true},
	{"ST12000SM0007", 12000138625024, .20, 1.0, 420, true, true},
	{"HGST SM5C4040ALE640", 4000787030016, .22, .55, 1300, false, false},
	{"WDC WD60SMRZ", 6001175126016, .14, 1.9, 800, false, true},
	{"TOSHIBA SM07ACA14TA", 14000519643136, .10, .8, 150, false, false},
}

// newest is the family that arriving drives mostly belong to.
const newest = 4

// factor is f of the package comment.
func (d *drive) factor(day int) float64 {
	age := d.ageAt(day)
	bathtub := 1 + 1.5*math.Exp(-age/90) + math.Pow(age/1400, 2)
	return d.family.factor * bathtub * d.heat
}

// move holds the probabilities of a day's move, from row to column, for f.
func move(f float64) [conditions][conditions]float64 {
	onset := min(.5, 5e-4*f)
	return [conditions][conditions]float64{
		quiet:   {quiet: 1 - onset, wearing: onset},
		wearing: {wearing: 1 - .035 - .03, failing: .035, scarred: .03},
		failing: {failing: 1 - .015, scarred: .015},
		scarred: {scarred: 1 - onset, wearing: onset},
	}
}

// death holds the probability of failing on a day, by condition, for f.
func death(f float64) [conditions]float64 {
	return [conditions]float64{quiet: min(.5, 6e-5*f), scarred: min(.5, 9e-5*f), wearing: .004, failing: .085}
}

// risk returns the probability that a drive in condition c on day fails on that
// day or on one of the horizon days after it: the sum over all courses that its
// condition can take.
func (d *drive) risk(c condition, day, horizon int) float64 {
	var p [conditions]float64 // of failing from the day in hand to the last
	for t := day + horizon; t >= day; t-- {
		f := d.factor(t)
		die, go1 := death(f), move(d.factor(t+1))
		var before [conditions]float64
		for a := range conditions {
			later := 0.0
			for b := range conditions {
				later += go1[a][b] * p[b]
			}
			before[a] = die[a] + (1-die[a])*later
		}
		p = before
	}
	return p[c]
}
