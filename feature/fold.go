package feature

import (
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/drivecast/drivecast/smart"
)

// Fold carries the history of a fleet. It is given days in order by Day and is
// not safe for concurrent use.
type Fold struct {
	spec   Spec
	plan   *plan
	first  smart.Date // first day ever
	today  smart.Date // the last day that was given
	index  map[string]int32
	drives []drive
	spare  []trace
	next   int32 // guess for the next reading's drive: fleets are written in one order

	models  map[string]*model
	total   model // of the fleet
	pending []*model
	stats   FoldStats
	present []int32 // the drives of the day in hand
	calls   int32
}

// FoldStats counts what a Fold was given.
type FoldStats struct {
	Readings   int // taken into the history
	Drives     int // seen so far
	Duplicates int // a second reading of a drive for a day, of which the first counts
	Replayed   int // readings of a day given again
	Late       int // readings older than the drive's last one, passed over
	Missed     int // days without a reading between two readings of a drive
	Nameless   int // readings without a serial number, passed over
}

// drive is what is kept of one drive.
type drive struct {
	serial string
	model  *model
	first  smart.Date
	last   smart.Date
	call   int32   // the call of Day that gave the last reading
	missed int32   // days missing before the last reading
	lost   int32   // attributes that the last reading lacks
	traces []trace // one an attribute

	capacity float64 // in TB, the last one known
}

// NewFold begins a history. Errors are those of Spec.Names.
func NewFold(spec Spec) (*Fold, error) {
	p, err := spec.plan()
	if err != nil {
		return nil, err
	}
	return &Fold{spec: spec, plan: p, first: smart.NoDate, today: smart.NoDate, index: map[string]int32{}, models: map[string]*model{}}, nil
}

// Spec returns what the fold was made for.
func (f *Fold) Spec() Spec { return f.spec }

// Names returns the features in the order of a vector.
func (f *Fold) Names() []string { return f.plan.names }

// Today returns the last day given, NoDate before the first.
func (f *Fold) Today() smart.Date { return f.today }

// Stats returns the counts so far.
func (f *Fold) Stats() FoldStats { return f.stats }

// Rows holds vectors of a day, to be reused from day to day.
type Rows struct {
	X       []float64 // row by row, one column a feature
	Reading []int     // for each row, the position of its reading in the day
	Drive   []int32   // for each row, the number of its drive in the fold
}

// Day takes a day into the history and writes the vector of each reading to
// rows, replacing what is there. The attributes say what the readings hold; those
// that the spec has not are passed over, those it has and they have not are
// missing. wants, when it is not nil, says of which readings a vector is wanted:
// the others go into the history all the same.
//
// Of two readings of one drive on one day the first counts. A day given again
// changes nothing and gives the same vectors. A reading older than the drive's
// last one is counted and gets no vector.
func (f *Fold) Day(day *smart.Day, attributes []smart.Attribute, rows *Rows, wants func(*smart.Reading) bool) {
	rows.X, rows.Reading, rows.Drive = rows.X[:0], rows.Reading[:0], rows.Drive[:0]
	f.begin(day.Date)
	at := f.positions(attributes)
	f.calls++
	if len(f.drives) == 0 {
		f.drives = slices.Grow(f.drives, len(day.Readings)+len(day.Readings)/8)
	}
	f.present = f.present[:0]
	for i := range day.Readings {
		r := &day.Readings[i]
		n, ok := f.take(r, day.Date, at)
		if !ok {
			continue
		}
		f.present = append(f.present, n)
		if wants == nil || wants(r) {
			rows.Reading = append(rows.Reading, i)
			rows.Drive = append(rows.Drive, n)
		}
	}
	if len(rows.Drive) == 0 {
		return
	}
	heats, off, width := f.heats(day, at), f.outages(f.present), len(f.plan.names)
	if n := width * len(rows.Drive); cap(rows.X) >= n {
		rows.X = rows.X[:n]
		clear(rows.X)
	} else {
		rows.X = make([]float64, n)
	}
	spread(len(rows.Drive), func(lo, hi int) {
		for i := lo; i < hi; i++ {
			f.vector(rows.X[i*width:(i+1)*width], &f.drives[rows.Drive[i]], &day.Readings[rows.Reading[i]], at, heats, off)
		}
	})
}

// spread calls work for pieces of 0..n-1, side by side when there are many.
func spread(n int, work func(lo, hi int)) {
	const piece = 8192
	var wg sync.WaitGroup
	workers := min(runtime.GOMAXPROCS(0), n/piece)
	for k := 1; k < workers; k++ {
		wg.Go(func() { work(n*k/workers, n*(k+1)/workers) })
	}
	work(0, n/max(1, workers))
	wg.Wait()
}

// begin closes the day before, when a later one begins.
func (f *Fold) begin(day smart.Date) {
	if f.first == smart.NoDate {
		f.first = day
	}
	if day > f.today {
		f.today = day
		f.close()
	}
}

// positions returns, for each column of the plan, where the readings hold it, or
// -1.
func (f *Fold) positions(attributes []smart.Attribute) []int {
	at := make([]int, len(f.plan.columns))
	for i, c := range f.plan.columns {
		at[i] = -1
		for j, a := range attributes {
			if a == c.Attribute {
				at[i] = j
			}
		}
	}
	return at
}

// take brings a reading into its drive's history. It reports false when no
// vector is due.
func (f *Fold) take(r *smart.Reading, day smart.Date, at []int) (int32, bool) {
	if r.Serial == "" {
		f.stats.Nameless++
		return 0, false
	}
	n := f.find(r, day)
	d := &f.drives[n]
	switch {
	case day < d.last:
		f.stats.Late++
		return 0, false
	case day == d.last && d.call == f.calls:
		f.stats.Duplicates++
		return 0, false
	case day == d.last:
		f.stats.Replayed++
		d.call = f.calls
		return n, true
	}
	if d.last != smart.NoDate {
		d.missed = int32(day-d.last) - 1
		f.stats.Missed += int(d.missed)
	}
	d.last, d.call = day, f.calls
	f.stats.Readings++
	d.model.seen(f, r.Failed)
	if c := r.CapacityBytes; c > 0 {
		d.capacity = math.Round(c/1e10) / 100 // the same for 3.00E+12 and 3000592982016
	}
	d.lost = 0
	for i := range d.traces {
		v := smart.Missing()
		if at[i] >= 0 {
			v = r.Values[at[i]]
		}
		if !d.traces[i].add(day, v, f.plan.columns[i].reach) {
			d.lost++
		}
	}
	return n, true
}

// newTraces returns the traces of a new drive, cut from a larger piece so that
// drives lie side by side.
func (f *Fold) newTraces() []trace {
	n := len(f.plan.columns)
	if len(f.spare) < n {
		f.spare = make([]trace, n*max(1, min(1024, len(f.drives)/4)))
		for i := range f.spare {
			f.spare[i] = newTrace()
		}
	}
	out := f.spare[:n:n]
	f.spare = f.spare[n:]
	return out
}

// find returns the drive of a reading, new when it was never seen.
func (f *Fold) find(r *smart.Reading, day smart.Date) int32 {
	if g := f.next; int(g) < len(f.drives) && f.drives[g].serial == r.Serial {
		f.next++
		return g
	}
	n, ok := f.index[r.Serial]
	if !ok {
		n = int32(len(f.drives))
		serial := strings.Clone(r.Serial)
		f.index[serial] = n
		f.drives = append(f.drives, drive{serial: serial, model: f.model(r.Model), first: day, last: smart.NoDate, capacity: math.NaN(),
			traces: f.newTraces()})
		f.stats.Drives++
	}
	f.next = n + 1
	return n
}
