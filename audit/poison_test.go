package audit

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/drivecast/drivecast/table"
)

// fleet is an honest table: hours, sectors and temperature move with failure, as
// far as they do on real drives.
type fleet struct {
	serial, model, day                    []string
	capacity, hours, sectors, temperature []float64
	usage, failure                        []float64
	rng                                   *rand.Rand
}

func newFleet(n int, share float64, seed uint64) *fleet {
	f := &fleet{rng: rand.New(rand.NewPCG(seed, 1))}
	sizes := []float64{2000398934016, 3000592982016, 4000787030016, 8001563222016}
	for i := range n {
		bad := 0.0
		if f.rng.Float64() < share {
			bad = 1
		}
		k := f.rng.IntN(4)
		f.serial = append(f.serial, fmt.Sprintf("Z%07d", f.rng.IntN(1e7)*10+i%10))
		f.model = append(f.model, fmt.Sprintf("ST%d000DM", k))
		f.day = append(f.day, fmt.Sprintf("2017-%02d-%02d", 1+f.rng.IntN(12), 1+f.rng.IntN(28)))
		f.capacity = append(f.capacity, sizes[k])
		f.hours = append(f.hours, math.Floor(f.rng.Float64()*20000+bad*4000))
		f.sectors = append(f.sectors, math.Floor(math.Max(0, f.rng.NormFloat64()*20-25+bad*40)))
		f.temperature = append(f.temperature, 20+float64(f.rng.IntN(15)))
		f.usage = append(f.usage, math.Exp(f.rng.NormFloat64())+bad/2)
		f.failure = append(f.failure, bad)
	}
	return f
}

func (f *fleet) each(class float64, share float64, do func(i int)) {
	for i, y := range f.failure {
		if y == class && f.rng.Float64() < share {
			do(i)
		}
	}
}

func (f *fleet) audit(t *testing.T, extra ...*table.Column) *Report {
	t.Helper()
	number := func(name string, v []float64) *table.Column { return &table.Column{Name: name, Floats: v} }
	words := func(name string, v []string) *table.Column {
		return &table.Column{Name: name, Kind: table.Text, Texts: v}
	}
	tb, err := table.New(append([]*table.Column{words("serial_number", f.serial), words("model", f.model), words("date", f.day),
		number("capacity", f.capacity), number("hours", f.hours), number("sectors", f.sectors), number("temperature", f.temperature),
		number("usage", f.usage), number("failure", f.failure)}, extra...)...)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Table(context.Background(), &Source{Path: "made", Table: tb}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestHonestFleets: at most one honest table in fifty may be blocked.
func TestHonestFleets(t *testing.T) {
	blocked := 0
	for seed := range uint64(100) {
		f := newFleet([]int{300, 1000, 3000}[seed%3], []float64{.05, .2, .5}[seed/3%3], seed)
		if r := f.audit(t); r.Blocked() {
			blocked++
			t.Logf("seed %d: %+v", seed, r.Findings[0])
		}
	}
	if blocked > 2 {
		t.Errorf("%d of 100 honest tables are blocked", blocked)
	}
}

// poison is one artefact.
type poison struct {
	name, check string
	least       float64 // the weakest share of rows that must be found
	spoil       func(f *fleet, share float64) []*table.Column
}

func poisons() []poison { return append(poisonedValues(), poisonedNames()...) }

// numbers makes a further column.
func numbers(name string, v []float64) []*table.Column {
	return []*table.Column{{Name: name, Floats: v}}
}

// poisonedValues are artefacts of measured values.
func poisonedValues() []poison {
	return []poison{
		{"healthy capacity jittered", CheckLattice, .6, func(f *fleet, s float64) []*table.Column {
			f.each(0, s, func(i int) { f.capacity[i] = math.Floor(f.capacity[i] * (.9 + f.rng.Float64()*.2)) })
			return nil
		}},
		{"healthy hours multiplied", CheckLattice, .6, func(f *fleet, s float64) []*table.Column {
			f.each(0, s, func(i int) { f.hours[i] *= .3 + f.rng.Float64()*.5 })
			return nil
		}},
		{"failed hours rounded to 24", CheckLattice, .6, func(f *fleet, s float64) []*table.Column {
			f.each(1, s, func(i int) { f.hours[i] = math.Round(f.hours[i]/24) * 24 })
			return nil
		}},
		{"failed usage with two decimals", CheckLattice, .6, func(f *fleet, s float64) []*table.Column {
			f.each(1, s, func(i int) { f.usage[i] = math.Round(f.usage[i]*100) / 100 })
			return nil
		}},
		{"failed gaps filled with the mean", CheckSpike, .2, func(f *fleet, s float64) []*table.Column {
			f.each(1, s, func(i int) { f.usage[i] = 1.6487 })
			return nil
		}},
		{"a noisy copy of the target", CheckSingle, 1, func(f *fleet, _ float64) []*table.Column {
			v := slices.Clone(f.failure)
			for i := range v {
				v[i] = math.Exp(v[i]*5 + f.rng.NormFloat64())
			}
			return numbers("score", v)
		}},
		{"a column that failures alone have", CheckMissing, .6, func(f *fleet, s float64) []*table.Column {
			v := make([]float64, len(f.failure))
			for i := range v {
				v[i] = missing
			}
			f.each(1, s, func(i int) { v[i] = f.rng.Float64() })
			return numbers("ticket", v)
		}},
	}
}

// poisonedNames are artefacts of names, days and numbers given to rows.
func poisonedNames() []poison {
	return []poison{
		{"the target in the serial's prefix", CheckIdentity, 1, func(f *fleet, _ float64) []*table.Column {
			f.each(1, 1, func(i int) { f.serial[i] = "F" + f.serial[i][1:] })
			return nil
		}},
		{"the target in a text", CheckSingle, 1, func(f *fleet, _ float64) []*table.Column {
			texts := make([]string, len(f.failure))
			for i, y := range f.failure {
				texts[i] = fmt.Sprintf("%c-%05d", 'a'+rune(y)*3, f.rng.IntN(1e5))
			}
			return []*table.Column{{Name: "batch", Kind: table.Text, Texts: texts}}
		}},
		{"failures of one month", CheckDates, 1, func(f *fleet, _ float64) []*table.Column {
			f.each(1, 1, func(i int) { f.day[i] = "2018-01-0" + f.day[i][9:] })
			return nil
		}},
		{"failures numbered last", CheckIdentity, 1, func(f *fleet, _ float64) []*table.Column {
			v := make([]float64, len(f.failure))
			for i := range v {
				v[i] = f.failure[i]*1e6 + float64(f.rng.IntN(1e6))
			}
			return numbers("row_id", v)
		}},
		{"drives in both classes", CheckBothClasses, .1, func(f *fleet, s float64) []*table.Column {
			from := slices.Index(f.failure, 1)
			f.each(0, s, func(i int) {
				for from < len(f.failure)-1 && f.failure[from] == 0 {
					from++
				}
				f.serial[i], f.day[i] = f.serial[from], f.day[from]
				from = min(from+1, len(f.failure)-1)
			})
			return nil
		}},
	}
}

// TestPoisons: each artefact is found, at full strength and weaker.
func TestPoisons(t *testing.T) {
	for _, p := range poisons() {
		for _, share := range []float64{1, .8, p.least} {
			if share < p.least {
				continue
			}
			f := newFleet(3000, .3, 7)
			r := f.audit(t, p.spoil(f, share)...)
			made := p.check == CheckSpike && slices.Contains(r.Blocking(), CheckLattice) // a fill is also another make
			if !slices.Contains(r.Blocking(), p.check) && !made {
				t.Errorf("%s, %v of the rows: %s does not block, %v do", p.name, share, p.check, r.Blocking())
			}
		}
	}
}
