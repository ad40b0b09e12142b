package feature

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"hash/crc32"
	"io"
	"math"
	"runtime"
	"sync"
	"sync/atomic"

	"github.com/drivecast/drivecast/errs"
)

// LoadFold reads what Save wrote. Errors are of kind Invalid when it is damaged
// or something else, Unsupported when it or its features are of another version.
func LoadFold(r io.Reader) (*Fold, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, errs.Wrap(err, "load history")
	}
	return loadFold(text)
}

func damaged(what string) error {
	return errs.New(errs.Invalid, "the saved history is damaged (%s); make it anew from the data", what)
}

func loadFold(text []byte) (*Fold, error) {
	head, rest, err := loadHead(text)
	if err != nil {
		return nil, err
	}
	f, err := NewFold(head.Spec)
	if err != nil {
		return nil, errs.Wrap(err, "load history")
	}
	models := f.restore(&head)
	if len(f.models) != len(models) {
		return nil, damaged("a model occurs twice")
	}
	if err := f.loadDrives(rest, head.Drives, models); err != nil {
		return nil, err
	}
	return f, nil
}

// loadHead reads the part of a state that is no drive, and returns the rest.
func loadHead(text []byte) (head stateHead, rest []byte, err error) {
	body, ok := bytes.CutPrefix(text, []byte(stateMagic))
	if !ok {
		if bytes.HasPrefix(text, []byte("drivecast fold ")) {
			return head, nil, errs.New(errs.Unsupported, "the history was saved by another version of drivecast, in a form not known here; make it anew from the data")
		}
		return head, nil, errs.New(errs.Invalid, "this is not a saved history; name a file that --state wrote")
	}
	first, rest, err := cutSection(body)
	if err != nil {
		return head, nil, err
	}
	if err := json.Unmarshal(first, &head); err != nil {
		return head, nil, damaged(err.Error())
	}
	if len(head.Spec.Attributes) > math.MaxUint16 {
		return head, nil, damaged("too many attributes")
	}
	return head, rest, nil
}

// cutSection takes a section from the front of b and checks it.
func cutSection(b []byte) (text, rest []byte, err error) {
	if len(b) < sectionHead {
		return nil, nil, damaged("it ends too early")
	}
	n, sum := int64(binary.LittleEndian.Uint32(b)), binary.LittleEndian.Uint32(b[4:])
	if b = b[sectionHead:]; n > int64(len(b)) {
		return nil, nil, damaged("it ends too early")
	}
	if text = b[:n]; crc32.Checksum(text, castagnoli) != sum {
		return nil, nil, damaged("a check sum differs")
	}
	return text, b[n:], nil
}

// restore takes over what a head holds, and returns its models.
func (f *Fold) restore(head *stateHead) []*model {
	f.first, f.today, f.stats = head.First, head.Today, head.Stats
	f.total = model{days: head.Total.Days, failures: head.Total.Failures}
	models := make([]*model, len(head.Models))
	for i, s := range head.Models {
		m := f.model(s.Name)
		m.days, m.failures, m.today, m.failed = s.Days, s.Failures, s.Today, s.Failed
		if m.waiting = s.Today > 0; m.waiting {
			f.pending = append(f.pending, m)
		}
		models[i] = m
	}
	return models
}

// loadDrives reads the blocks of drives side by side.
func (f *Fold) loadDrives(b []byte, drives int, models []*model) error {
	var blocks [][]byte
	for from := 0; from < drives; from += blockDrives {
		if len(b) < sectionHead {
			return damaged("drives are missing")
		}
		n := sectionHead + int64(binary.LittleEndian.Uint32(b))
		least := min(blockDrives, drives-from) * (6 + len(f.plan.columns)) // bytes
		if n > int64(len(b)) || n < int64(least) {
			return damaged("drives are missing")
		}
		blocks = append(blocks, b[:n])
		b = b[n:]
	}
	if drives < 0 || len(b) > 0 {
		return damaged("it goes on behind its end")
	}
	f.drives = make([]drive, drives)
	failed := make([]error, len(blocks))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(blocks)) {
		wg.Go(func() {
			for n := int(next.Add(1)) - 1; n < len(blocks); n = int(next.Add(1)) - 1 {
				failed[n] = f.loadBlock(blocks[n], f.drives[n*blockDrives:min((n+1)*blockDrives, drives)], models)
			}
		})
	}
	wg.Wait()
	for _, err := range failed {
		if err != nil {
			return err
		}
	}
	f.index = make(map[string]int32, drives+drives/8)
	for i := range f.drives {
		f.index[f.drives[i].serial] = int32(i)
	}
	if len(f.index) != drives {
		return damaged("a drive occurs twice")
	}
	return nil
}

// loadBlock fills drives from a section. The past of a trace stays in the section
// until it grows.
func (f *Fold) loadBlock(section []byte, drives []drive, models []*model) error {
	text, _, err := cutSection(section)
	if err != nil {
		return err
	}
	in := &stateReader{b: text}
	n := len(f.plan.columns)
	traces := make([]trace, n*len(drives))
	for i := range traces {
		traces[i] = newTrace()
	}
	serials, ends := make([]byte, 0, 16*len(drives)), make([]int, len(drives))
	for i := range drives {
		d := &drives[i]
		d.call, d.traces = -1, traces[i*n:(i+1)*n:(i+1)*n]
		serial, m := in.drive(d, len(models))
		if in.bad || d.last > f.today || len(serial) == 0 {
			return damaged("a drive is not readable")
		}
		d.model = models[m]
		serials = append(serials, serial...)
		ends[i] = len(serials)
	}
	if len(in.b) > 0 {
		return damaged("a block goes on behind its end")
	}
	all, from := string(serials), 0
	for i := range drives {
		drives[i].serial = all[from:ends[i]]
		from = ends[i]
	}
	return nil
}
