package feature

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"runtime"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/smart"
)

// A saved state is the line stateMagic, then sections: a JSON head, and the drives
// in blocks of blockDrives (the last one holds the rest). A section is the length of its text in 4
// bytes, the CRC-32C of the text in 4 bytes, both little-endian, and the text.
// What a drive's text is, see drive.append.
const stateMagic = "drivecast fold 2\n"

const (
	blockDrives = 2048
	maxHead     = 64 << 20
	maxSerial   = 1 << 10
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

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
// one would. The bytes depend on the history alone.
func (f *Fold) Save(w io.Writer) error {
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
	section := append([]byte(stateMagic), make([]byte, sectionHead)...)
	section = append(section, text...)
	seal(section[len(stateMagic):])
	if _, err := w.Write(section); err != nil {
		return errs.Wrap(err, "save history")
	}
	return errs.Wrap(f.saveDrives(w, number), "save history")
}

const sectionHead = 8

// seal fills in the head of a section, for which its first 8 bytes were left.
func seal(section []byte) {
	text := section[sectionHead:]
	binary.LittleEndian.PutUint32(section, uint32(len(text)))
	binary.LittleEndian.PutUint32(section[4:], crc32.Checksum(text, castagnoli))
}

// saveDrives makes the blocks side by side and writes them in order.
func (f *Fold) saveDrives(w io.Writer, number map[*model]int) error {
	blocks := (len(f.drives) + blockDrives - 1) / blockDrives
	workers := min(runtime.GOMAXPROCS(0), blocks)
	made := make([]chan []byte, workers)  // worker k makes blocks k, k+workers, …
	spent := make([]chan []byte, workers) // buffers to be used again; closed to end the worker
	for k := range workers {
		made[k], spent[k] = make(chan []byte, 2), make(chan []byte, 2)
		spent[k] <- nil
		spent[k] <- nil
		go func() {
			for n := k; n < blocks; n += workers {
				b, ok := <-spent[k]
				if !ok {
					return
				}
				b = append(b[:0], make([]byte, sectionHead)...)
				for i := n * blockDrives; i < min((n+1)*blockDrives, len(f.drives)); i++ {
					d := &f.drives[i]
					b = d.append(b, number[d.model], f.plan.columns)
				}
				seal(b)
				made[k] <- b
			}
		}()
	}
	var err error
	for n := 0; n < blocks && err == nil; n++ {
		b := <-made[n%workers]
		_, err = w.Write(b)
		spent[n%workers] <- b
	}
	for k := range workers {
		close(spent[k])
	}
	return err
}

func (m *model) state() modelState {
	return modelState{m.name, m.days, m.failures, m.today, m.failed}
}
