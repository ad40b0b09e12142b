package table

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"

	"github.com/drivecast/drivecast/errs"
)

// Member is one CSV stream inside a file: the file itself, what a gzip file
// unpacks to, one member of a zip archive, or the rows of a Parquet file.
type Member struct {
	Name string // for messages: the path, and for a zip member its name in the archive behind it
	Base string // the last element of the name: 2013-04-10.csv
	Size int64  // bytes that reading it takes from the disk

	path string // the file on disk
	kind packing
	item string // name in the archive
}

type packing uint8

const (
	plain packing = iota
	gzipped
	zipped
	columnar
)

// Members looks into the file at path, by its first bytes and not by its name,
// and returns the CSV streams in it, sorted by name. A zip archive with a member
// that would climb out of a folder is refused as a whole. Errors are of kind
// Invalid and name the file.
func Members(path string) ([]Member, error) {
	f, size, err := openFile(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return nil, errs.Wrap(err, "read %s", path)
	}
	if head = head[:n]; n == 0 {
		return nil, &errs.Input{File: path, Problem: "the file is empty", Mend: "hand over a CSV file with a header line"}
	}
	m := Member{Name: path, Base: base(path), Size: size, path: path}
	switch {
	case strings.HasPrefix(string(head), "\x1f\x8b"):
		m.kind, m.Base = gzipped, strings.TrimSuffix(m.Base, ".gz")
	case string(head) == "PAR1" || string(head) == "PARE":
		m.kind = columnar
	case string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06":
		return zipMembers(f, path, size)
	}
	return []Member{m}, nil
}

// Open begins to read the member. Each read reports the bytes it took from the
// disk to count, which may be nil.
func (m Member) Open(count func(n int64)) (io.ReadCloser, error) { return m.OpenColumns(count, nil) }

// OpenColumns is Open for a reader that looks only at the columns for which keep
// is true: where columns are stored apart, as in Parquet, the others are not read
// and their fields are empty. A nil keep stands for all.
func (m Member) OpenColumns(count func(n int64), keep func(column string) bool) (io.ReadCloser, error) {
	f, size, err := openFile(m.path)
	if err != nil {
		return nil, err
	}
	c := &counted{ReaderAt: f, Reader: f, count: count}
	switch m.kind {
	case columnar:
		t, err := openParquet(c, size, m.Name, keep)
		if err != nil {
			f.Close()
			return nil, err
		}
		return &stack{t, []io.Closer{t, f}}, nil
	case gzipped:
		z, err := gzip.NewReader(c)
		if err != nil {
			f.Close()
			return nil, &errs.Input{File: m.Name, Problem: "the gzip header is damaged", Mend: "copy or download the file again"}
		}
		return &stack{z, []io.Closer{z, f}}, nil
	case zipped:
		r, err := openItem(c, size, m.item)
		if err != nil {
			f.Close()
			return nil, errs.Wrap(err, "open %s", m.Name)
		}
		return &stack{r, []io.Closer{r, f}}, nil
	}
	return &stack{c, []io.Closer{f}}, nil
}

func openFile(path string) (*os.File, int64, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, 0, &errs.Input{File: path, Problem: "there is no such file", Mend: "check the path"}
	} else if err != nil {
		return nil, 0, errs.Wrap(err, "open data")
	}
	st, err := f.Stat()
	if err == nil && st.IsDir() {
		err = &errs.Input{File: path, Problem: "this is a folder, not a file", Mend: "name one file in it"}
	}
	if err != nil {
		f.Close()
		return nil, 0, err
	}
	return f, st.Size(), nil
}

func base(name string) string {
	return name[strings.LastIndexAny(name, `/\`)+1:]
}

// counted reports the bytes read through it.
type counted struct {
	io.ReaderAt
	io.Reader
	count func(n int64)
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.Reader.Read(p)
	if c.count != nil {
		c.count(int64(n))
	}
	return n, err
}

func (c *counted) ReadAt(p []byte, at int64) (int, error) {
	n, err := c.ReaderAt.ReadAt(p, at)
	if c.count != nil {
		c.count(int64(n))
	}
	return n, err
}

// stack is a reader with the closers of everything below it, top first.
type stack struct {
	io.Reader
	closers []io.Closer
}

func (s *stack) Close() error {
	var first error
	for _, c := range s.closers {
		if err := c.Close(); err != nil && first == nil {
			first = err
		}
	}
	return first
}
