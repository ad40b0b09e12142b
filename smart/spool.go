package smart

import (
	"encoding/binary"
	"io"
	"math"
	"os"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// spool keeps, in a temporary file that has no name any more where systems allow
// that, the readings of files that hold several days.
type spool struct {
	file *os.File
	end  int64
	buf  []byte
}

// piece is where readings of one day lie.
type piece struct {
	from, size int64
	readings   int
}

func newSpool() (*spool, error) {
	f, err := os.CreateTemp("", "drivecast-days-")
	if err != nil {
		return nil, errs.Wrap(err, "make a temporary file for days that share a file (TMPDIR names another folder)")
	}
	os.Remove(f.Name()) // some systems do that only when it is closed: close does it again
	return &spool{file: f}, nil
}

func (s *spool) close() {
	s.file.Close()
	os.Remove(s.file.Name())
}

// put appends readings.
func (s *spool) put(list []Reading) (piece, error) {
	b := s.buf[:0]
	for i := range list {
		r := &list[i]
		for _, text := range []string{r.Serial, r.Model, r.WWN, r.Firmware} {
			b = binary.AppendUvarint(b, uint64(len(text)))
			b = append(b, text...)
		}
		flags := byte(0)
		if r.Failed {
			flags |= 1
		}
		if !r.Time.IsZero() {
			flags |= 2
		}
		b = append(b, byte(r.Protocol), byte(r.Medium), flags)
		if flags&2 != 0 {
			b = binary.AppendVarint(b, r.Time.UnixNano())
		}
		b = binary.AppendVarint(b, int64(r.Day))
		b = binary.AppendUvarint(b, uint64(r.Line))
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(r.CapacityBytes))
		for _, v := range r.Values {
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
		}
	}
	p := piece{s.end, int64(len(b)), len(list)}
	if _, err := s.file.WriteAt(b, s.end); err != nil {
		return p, errs.Wrap(err, "keep days that share a file in a temporary file (TMPDIR names another folder)")
	}
	s.end, s.buf = s.end+p.size, b[:0]
	return p, nil
}

// get reads the readings of a piece behind those of p. It may be called side by
// side.
func (s *spool) get(p *parser, at piece) error {
	b := make([]byte, at.size)
	if _, err := io.ReadFull(io.NewSectionReader(s.file, at.from, at.size), b); err != nil {
		return errs.Wrap(err, "read the temporary file of days that share a file")
	}
	in := spooled{b: b, shared: map[string]string{}}
	for range at.readings {
		r := Reading{Serial: in.text(), Model: in.known(), WWN: in.text(), Firmware: in.known()}
		r.Protocol, r.Medium = Protocol(in.next(1)[0]), Medium(in.next(1)[0])
		flags := in.next(1)[0]
		r.Failed = flags&1 != 0
		if flags&2 != 0 {
			r.Time = time.Unix(0, in.signed()).UTC()
		}
		r.Day, r.Line, r.CapacityBytes = Date(in.signed()), int32(in.unsigned()), in.float()
		r.Values = p.room()
		for i := range r.Values {
			r.Values[i] = in.float()
		}
		p.values = p.values[len(p.wanted):]
		p.out = append(p.out, r)
	}
	return nil
}

// spooled is a place in what put wrote.
type spooled struct {
	b      []byte
	at     int
	shared map[string]string // texts that many readings have
}

func (s *spooled) next(n int) []byte {
	s.at += n
	return s.b[s.at-n : s.at]
}

func (s *spooled) unsigned() uint64 {
	v, n := binary.Uvarint(s.b[s.at:])
	s.at += n
	return v
}

func (s *spooled) signed() int64 {
	v, n := binary.Varint(s.b[s.at:])
	s.at += n
	return v
}

func (s *spooled) float() float64 {
	return math.Float64frombits(binary.LittleEndian.Uint64(s.next(8)))
}

func (s *spooled) text() string { return string(s.next(int(s.unsigned()))) }

// known is text for texts that come again and again.
func (s *spooled) known() string {
	b := s.next(int(s.unsigned()))
	text, ok := s.shared[string(b)]
	if !ok {
		text = string(b)
		s.shared[text] = text
	}
	return text
}
