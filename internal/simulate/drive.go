package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// damage is the kind of what goes wrong, which decides what is seen of it.
type damage uint8

const (
	media damage = iota
	heads
	mechanics
)

// drive is one drive with its hidden condition and its visible counters.
type drive struct {
	*rand.Rand
	family *family
	serial string
	born   float64 // day of its first power-on, negative before the first day
	place  float64 // °C above the room's temperature where it sits
	heat   float64 // the factor that follows from place
	cable  float64 // CRC errors a day
	now    condition
	kind   damage
	pace   float64 // how loudly damage speaks
	gone   bool

	hours, cycles, loads                          float64
	errRate, reallocated, seeks, spin             float64
	reported, timeouts, pending, uncorrected, crc float64
	temperature                                   float64
}

// newDrive draws a drive. Each has a generator of its own, seeded by the fleet's
// seed and the drive's number, so that no drive disturbs another.
func newDrive(seed uint64, number, day int, fresh bool) *drive {
	d := &drive{Rand: rand.New(rand.NewPCG(seed, uint64(number)+1))}
	d.family = &families[newest]
	age := 3 * d.Float64()
	if !fresh {
		at := d.Float64()
		for i := range families {
			if at -= families[i].share; at < 0 {
				d.family = &families[i]
				break
			}
		}
		age = d.family.meanAge * math.Exp(.35*d.NormFloat64())
	}
	d.born = float64(day) - age
	d.serial = fmt.Sprintf("%s%06d", map[bool]string{true: "ZSM", false: "SIM"}[d.family.seagate], number)
	d.place = 5 + 4*d.NormFloat64()
	d.heat = math.Pow(1.35, (d.place-5)/8)
	if d.Float64() < .03 {
		d.cable = .05 * d.ExpFloat64()
	}
	d.hours = 24 * age
	d.cycles = 4 + math.Floor(age/200*d.ExpFloat64())
	d.loads = math.Floor(age * 20 * d.ExpFloat64())
	d.seeks = math.Floor(age * 2e5 * (1 + d.ExpFloat64()))
	d.scars(min(1, age/900))
	return d
}

// scars gives a drive what happened to it before the first day. years is how
// much of that its age makes likely, 0 to 1.
func (d *drive) scars(likely float64) {
	some := func(p, size float64) float64 {
		if d.Float64() > p*likely {
			return 0
		}
		return math.Ceil(size * math.Exp(1.2*d.NormFloat64()))
	}
	d.reallocated = some(.07, 12)
	d.reported = some(.04, 3)
	d.pending = some(.015, 4)
	d.uncorrected = min(d.pending, some(.3, 2))
	d.timeouts = some(.06, 2)
	d.crc = some(.08, 15)
}

func (d *drive) ageAt(day int) float64 { return max(0, float64(day)-d.born) }

// advance moves the drive to its condition on day, draws what is seen of it, and
// reports whether it fails that day.
func (d *drive) advance(day int, room float64) bool {
	f := d.factor(day)
	was, at := d.now, d.Float64()
	for c, p := range move(f)[was] {
		if at -= p; at < 0 {
			d.now = condition(c)
			break
		}
	}
	if d.now == wearing && was != wearing {
		d.kind = damage(d.IntN(int(mechanics) + 1))
		d.pace = math.Exp(.8 * d.NormFloat64())
	}
	d.speak()
	d.live(room)
	return d.Float64() < death(f)[d.now]
}

// speak lets damage show.
func (d *drive) speak() {
	loud := 0.0
	switch d.now {
	case wearing:
		loud = .25 * d.pace
	case failing:
		loud = 1.3 * d.pace
	default:
		return
	}
	switch d.kind {
	case media:
		d.reallocated += 8 * d.poisson(.6*loud)
		if grown := 8 * d.poisson(.35*loud); grown > 0 {
			d.pending += grown
			d.uncorrected += math.Floor(grown * d.Float64())
		} else if d.Float64() < .2 {
			d.reallocated += math.Floor(d.pending / 2)
			d.pending, d.uncorrected = 0, 0
		}
		d.reported += d.poisson(.3 * loud)
	case heads:
		d.reported += d.poisson(.5 * loud)
		d.timeouts += d.poisson(.6 * loud)
		d.errRate += 40 * d.poisson(loud)
	case mechanics:
		d.spin += d.poisson(.12 * loud)
		d.seeks += 5e4 * d.poisson(loud)
		d.loads += 200 * d.poisson(loud)
	}
}

// live lets a day pass as it does for every drive.
func (d *drive) live(room float64) {
	d.hours += 24
	d.cycles += d.poisson(.006)
	if d.family.loads {
		d.loads += d.poisson(15)
	}
	d.seeks += 2e5 * (.5 + d.Float64())
	d.crc += d.poisson(d.cable)
	d.reallocated += 8 * d.poisson(.0006)
	d.reported += d.poisson(.0003)
	d.timeouts += d.poisson(.0012)
	if d.Float64() < .0009 {
		d.pending += 8
	} else if d.pending > 0 && d.now == quiet && d.Float64() < .08 {
		d.pending, d.uncorrected = 0, 0
	}
	d.errRate = math.Floor(d.errRate / 2)
	warm := 0.0
	if d.now == failing && d.kind == mechanics {
		warm = 2.5
	}
	d.temperature = math.Round(room + d.place + warm + .8*d.NormFloat64())
}

// poisson draws a count with the given mean, below about 30 (Knuth's method).
func (d *drive) poisson(mean float64) float64 {
	limit, product, n := math.Exp(-mean), d.Float64(), 0.0
	for product > limit {
		product *= d.Float64()
		n++
	}
	return n
}
