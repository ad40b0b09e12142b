package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"os"
)

const (
	chunk = 1 << 20 // is read, hashed and written at a time
	burst = 8 << 20 // bytes that the disk is given while more are read
)

// spill is a copy on its way to a file.
type spill struct {
	out    *os.File
	size   int       // of a buffer
	sum    hash.Hash // nil when nobody asks for it
	jobs   chan []byte
	free   chan []byte
	done   chan struct{}
	offset int64
}

// copyTo copies r, of size bytes (-1: unknown), to a file and returns the length
// and, when asked, the SHA-256 in hexadecimal. Contents are hashed beside the
// writing, and reach the disk while more comes, so that little waits for the sync.
func copyTo(out *os.File, r io.Reader, size int64, hashed bool) (n int64, sum string, err error) {
	buffer := chunk
	if size >= 0 && size < chunk {
		buffer = int(size) + 1 // one more shows what is too long
	}
	s := &spill{out: out, size: buffer, jobs: make(chan []byte, 2), free: make(chan []byte, 3), done: make(chan struct{})}
	if hashed {
		s.sum = sha256.New()
	}
	go s.hash()
	err = s.read(r)
	close(s.jobs)
	<-s.done
	if hashed && err == nil {
		sum = hex.EncodeToString(s.sum.Sum(nil))
	}
	return s.offset, sum, err
}

// hash takes chunks that were written, in their order.
func (s *spill) hash() {
	defer close(s.done)
	for b := range s.jobs {
		if s.sum != nil {
			s.sum.Write(b)
		}
		s.free <- b[:cap(b)]
	}
}

// buffer is one that the hash has done with, or one of the three that there are.
func (s *spill) buffer(made *int) []byte {
	select {
	case b := <-s.free:
		return b
	default:
	}
	if *made < cap(s.free) {
		*made++
		return make([]byte, s.size)
	}
	return <-s.free
}

func (s *spill) read(r io.Reader) error {
	made, started := 0, int64(0)
	for {
		b := s.buffer(&made)
		n, err := fill(r, b)
		if n > 0 {
			if _, e := s.out.Write(b[:n]); e != nil {
				return e
			}
			s.offset += int64(n)
			s.jobs <- b[:n]
		}
		if s.offset-started >= burst {
			writeBack(s.out, started, s.offset-started)
			started = s.offset
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// fill reads until b is full; unlike io.ReadFull it leaves the reader's error as it is.
func fill(r io.Reader, b []byte) (n int, err error) {
	for n < len(b) && err == nil {
		var m int
		m, err = r.Read(b[n:])
		n += m
	}
	return n, err
}
