package simulate

import (
	"math"
	"math/rand/v2"
)

// fleet is the drives and what became of them.
type fleet struct {
	opt    Options
	rng    *rand.Rand
	drives []*drive
	made   int
	due    map[int]int // day → drives that arrive as replacements

	rows, failures, unwarned, left int
	seen                           []judged
	ends                           map[string]end
	text                           []byte
}

// judged is one row as the oracle sees it.
type judged struct {
	serial string
	day    int
	risk   float64
}

// end is how a drive ended.
type end struct {
	day    int
	failed bool
}

func newFleet(opt Options) *fleet {
	f := &fleet{opt: opt, rng: rand.New(rand.NewPCG(opt.Seed, 0)), due: map[int]int{}, ends: map[string]end{}}
	for range opt.Drives {
		f.add(0, false)
	}
	return f
}

func (f *fleet) add(day int, fresh bool) {
	f.drives = append(f.drives, newDrive(f.opt.Seed, f.made, day, fresh))
	f.made++
}

// live passes one day and returns its file.
func (f *fleet) live(day int, date string) []byte {
	arrivals := f.due[day]
	if day > 0 && f.rng.Float64() < 2.0/120 { // a new shelf, now and then
		arrivals += max(1, f.opt.Drives/80)
	}
	for range arrivals {
		f.add(day, true)
	}
	f.text = append(f.text[:0], header...)
	room := 24 + 3*math.Sin(2*math.Pi*float64(f.opt.Start.YearDay()+day-110)/365) + .5*f.rng.NormFloat64()
	clearing := day == f.opt.Days*2/3 // the oldest of one family are taken out of service
	alive := f.drives[:0]
	for _, d := range f.drives {
		failed := d.advance(day, room)
		leaves := d.Float64() < 1e-4 || clearing && d.family == &families[2] && d.ageAt(day) > 1900
		if leaves && !failed {
			f.end(d, day, false)
			continue
		}
		if failed || d.Float64() > .002 { // some days are missing
			f.text = d.append(f.text, date, failed)
			f.rows++
			f.seen = append(f.seen, judged{d.serial, day, d.risk(d.now, day, f.opt.Horizon)})
		}
		if failed {
			f.end(d, day, true)
			continue
		}
		alive = append(alive, d)
	}
	clear(f.drives[len(alive):])
	f.drives = alive
	return f.text
}

func (f *fleet) end(d *drive, day int, failed bool) {
	f.ends[d.serial] = end{day, failed}
	if failed {
		f.failures++
		if d.now == quiet || d.now == scarred {
			f.unwarned++
		}
	} else {
		f.left++
	}
	if f.rng.Float64() < .7 {
		f.due[day+2+f.rng.IntN(12)]++
	}
}

func (f *fleet) report() Report {
	r := Report{Options: f.opt, Rows: f.rows, Drives: f.made, Failures: f.failures, Unwarned: f.unwarned, Left: f.left}
	r.OracleAUC, r.Labelled = f.oracle()
	return r
}
