package feature

import (
	"bufio"
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
