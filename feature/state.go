package feature

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// A saved state is the line stateMagic, the length of a JSON head as a uvarint,
// the head, the drives one behind the other, and the CRC-32 (IEEE) of all that, 4
// bytes little-endian. In a drive, days are uvarints counted back from its last
// one, plus 1, with 0 for none; values are uvarints, 0 for NaN, 1 before the 8
// bytes of a float64, else a whole number in zigzag form plus 2.
const stateMagic = "drivecast fold 1\n"

const (
	maxHead   = 64 << 20
	maxSerial = 1 << 10
)

// stateHead is the part of a state that is no drive.
type stateHead struct {
	Spec   Spec         `json:"spec"`
	First  smart.Date   `json:"first"`
	Today  smart.Date   `json:"today"`
	Stats  FoldStats    `json:"stats"`
	Total  modelState   `json:"total"`
	Models []modelState `json:"models"`
	Drives int          `json:"drives"`
}

type modelState struct {
	Name     string  `json:"name"`
	Days     float64 `json:"days"`
	Failures float64 `json:"failures"`
	Today    float64 `json:"today"`
	Failed   float64 `json:"failed"`
}

// Save writes the history to w. A fold that LoadFold makes of it goes on as this
// one would.
func (f *Fold) Save(w io.Writer) error {
	sum := crc32.NewIEEE()
	out := bufio.NewWriterSize(io.MultiWriter(w, sum), 1<<18)
	head := stateHead{Spec: f.spec, First: f.first, Today: f.today, Stats: f.stats, Total: f.total.state(), Drives: len(f.drives)}
	number := map[*model]int{}
	for i := range f.drives { // in the order of first appearance
		m := f.drives[i].model
		if _, ok := number[m]; !ok {
			number[m] = len(head.Models)
			head.Models = append(head.Models, m.state())
		}
	}
	text, err := json.Marshal(head)
	if err != nil {
		return errs.Wrap(err, "save history")
	}
	b := binary.AppendUvarint([]byte(stateMagic), uint64(len(text)))
	out.Write(append(b, text...))
	for i := range f.drives {
		b = f.drives[i].append(b[:0], number[f.drives[i].model])
		out.Write(b)
	}
	if err := out.Flush(); err != nil {
		return errs.Wrap(err, "save history")
	}
	_, err = w.Write(binary.LittleEndian.AppendUint32(nil, sum.Sum32()))
	return errs.Wrap(err, "save history")
}

func (m *model) state() modelState {
	return modelState{m.name, m.days, m.failures, m.today, m.failed}
}

func (d *drive) append(b []byte, model int) []byte {
	b = binary.AppendUvarint(b, uint64(len(d.serial)))
	b = append(b, d.serial...)
	b = binary.AppendUvarint(b, uint64(model))
	b = binary.AppendVarint(b, int64(d.last))
	b = appendDay(b, d.last, d.first)
	b = binary.AppendUvarint(b, uint64(d.missed))
	b = binary.AppendUvarint(b, uint64(d.lost))
	b = appendValue(b, d.capacity)
	for i := range d.traces {
		t := &d.traces[i]
		b = appendValue(b, t.max)
		b = appendDay(b, d.last, t.nonzero)
		b = appendDay(b, d.last, t.rose)
		b = appendDay(b, d.last, t.since)
		b = appendValue(b, t.value)
		b = binary.AppendUvarint(b, uint64(len(t.past)))
		for _, p := range t.past {
			b = appendDay(b, d.last, p.day)
			b = appendValue(b, p.v)
		}
	}
	return b
}

func appendDay(b []byte, last, day smart.Date) []byte {
	if day == smart.NoDate {
		return append(b, 0)
	}
	return binary.AppendUvarint(b, uint64(last-day)+1)
}

func appendValue(b []byte, v float64) []byte {
	if v != v {
		return append(b, 0)
	}
	if n := int64(v); v > -1e15 && v < 1e15 && float64(n) == v && (n != 0 || !math.Signbit(v)) {
		return binary.AppendUvarint(b, (uint64(n)<<1^uint64(n>>63))+2)
	}
	return binary.LittleEndian.AppendUint64(append(b, 1), math.Float64bits(v))
}

// LoadFold reads what Save wrote. Errors are of kind Invalid when it is damaged
// or something else, Unsupported when its features are of another version.
func LoadFold(r io.Reader) (*Fold, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, errs.Wrap(err, "load history")
	}
	body, ok := bytes.CutPrefix(text, []byte(stateMagic))
	if !ok || len(body) < 4 {
		return nil, errs.New(errs.Invalid, "this is not a saved history; name the file that --state wrote")
	}
	end := len(text) - 4
	if crc32.ChecksumIEEE(text[:end]) != binary.LittleEndian.Uint32(text[end:]) {
		return nil, errs.New(errs.Invalid, "the saved history is damaged; make it anew from the data")
	}
	in := &stateReader{b: body[:len(body)-4]}
	var head stateHead
	if err := json.Unmarshal(in.take(in.count(maxHead)), &head); err != nil {
		return nil, errs.New(errs.Invalid, "the saved history is damaged: %v", err)
	}
	f, err := NewFold(head.Spec)
	if err != nil {
		return nil, errs.Wrap(err, "load history")
	}
	f.first, f.today, f.stats = head.First, head.Today, head.Stats
	f.total = model{days: head.Total.Days, failures: head.Total.Failures}
	models := make([]*model, len(head.Models))
	for i, s := range head.Models {
		m := f.model(s.Name)
		m.days, m.failures, m.today, m.failed = s.Days, s.Failures, s.Today, s.Failed
		if m.waiting = s.Today > 0 && !m.waiting; m.waiting {
			f.pending = append(f.pending, m)
		}
		models[i] = m
	}
	for range head.Drives {
		if in.bad {
			break
		}
		f.loadDrive(in, models)
	}
	if in.bad || len(in.b) > 0 {
		return nil, errs.New(errs.Invalid, "the saved history is damaged; make it anew from the data")
	}
	return f, nil
}

func (f *Fold) loadDrive(in *stateReader, models []*model) {
	d := drive{serial: string(in.take(in.count(maxSerial))), call: -1, traces: f.newTraces()}
	n := in.count(len(models) - 1)
	if in.bad {
		return
	}
	d.model = models[n]
	d.last = smart.Date(in.varint())
	d.first = in.day(d.last)
	d.missed, d.lost = int32(in.count(math.MaxInt32)), int32(in.count(math.MaxInt32))
	d.capacity = in.value()
	for i := range d.traces {
		t := &d.traces[i]
		t.max = in.value()
		t.nonzero, t.rose = in.day(d.last), in.day(d.last)
		t.since, t.value = in.day(d.last), in.value()
		if n := in.count(len(in.b) / 2); n > 0 {
			t.past = make([]point, n)
		}
		for k := range t.past {
			t.past[k] = point{in.day(d.last), in.value()}
		}
	}
	f.index[d.serial] = int32(len(f.drives))
	f.drives = append(f.drives, d)
}

// stateReader takes a state apart. bad is set by the first thing that does not
// fit, and stays.
type stateReader struct {
	b   []byte
	bad bool
}

func (r *stateReader) take(n int) []byte {
	if r.bad || n > len(r.b) {
		r.bad = true
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

// count reads a number from 0 to most.
func (r *stateReader) count(most int) int {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 || most < 0 || v > uint64(most) {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return int(v)
}

func (r *stateReader) varint() int64 {
	v, n := binary.Varint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	return v
}

// day reads what appendDay writes.
func (r *stateReader) day(last smart.Date) smart.Date {
	back := r.count(math.MaxInt32)
	if back == 0 {
		return smart.NoDate
	}
	return last - smart.Date(back-1)
}

// value reads what appendValue writes.
func (r *stateReader) value() float64 {
	v, n := binary.Uvarint(r.b)
	if r.bad || n <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[n:]
	switch v {
	case 0:
		return math.NaN()
	case 1:
		if b := r.take(8); b != nil {
			return math.Float64frombits(binary.LittleEndian.Uint64(b))
		}
		return 0
	}
	v -= 2
	return float64(int64(v>>1) ^ -int64(v&1))
}
