package table

import (
	"archive/zip"
	"compress/flate"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Member is one CSV stream inside a file: the file itself, what a gzip file
// unpacks to, or one member of a zip archive.
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
	case string(head) == "PK\x03\x04" || string(head) == "PK\x05\x06":
		return zipMembers(f, path, size)
	}
	return []Member{m}, nil
}

// Open begins to read the member. Each read reports the bytes it took from the
// disk to count, which may be nil.
func (m Member) Open(count func(n int64)) (io.ReadCloser, error) {
	f, size, err := openFile(m.path)
	if err != nil {
		return nil, err
	}
	c := &counted{ReaderAt: f, Reader: f, count: count}
	switch m.kind {
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

func zipMembers(f *os.File, name string, size int64) ([]Member, error) {
	z, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, &errs.Input{File: name, Problem: "the zip archive is damaged", Mend: "copy or download the file again"}
	}
	var out []Member
	for _, item := range z.File {
		if climbs(item.Name) {
			return nil, &errs.Input{File: name, Problem: "the archive has a member that climbs out of its folder: " + item.Name,
				Mend: "do not trust this archive"}
		}
		low := strings.ToLower(item.Name)
		hidden := strings.HasPrefix(base(item.Name), ".") || strings.HasPrefix(item.Name, "__MACOSX/")
		if hidden || !strings.HasSuffix(low, ".csv") || item.UncompressedSize64 == 0 {
			continue
		}
		out = append(out, Member{Name: name + "/" + item.Name, Base: base(item.Name), Size: int64(item.CompressedSize64),
			path: name, kind: zipped, item: item.Name})
	}
	if len(out) == 0 {
		return nil, &errs.Input{File: name, Problem: "the archive holds no .csv file", Mend: "put the CSV files into it, or unpack it"}
	}
	slices.SortFunc(out, func(a, b Member) int { return strings.Compare(a.item, b.item) })
	return out, nil
}

func openItem(r io.ReaderAt, size int64, item string) (io.ReadCloser, error) {
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return nil, err
	}
	for _, f := range z.File {
		if f.Name == item {
			return f.Open()
		}
	}
	return nil, errs.New(errs.NotFound, "the archive no longer has %s", item)
}

// climbs reports whether a name in an archive points outside the folder that
// the archive would be unpacked to.
func climbs(name string) bool {
	slashed := strings.ReplaceAll(name, `\`, "/")
	return !fs.ValidPath(path.Clean(slashed)) || len(slashed) > 1 && slashed[1] == ':'
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

// damage says in words what is wrong with a packed stream, "" when err is not
// about that.
func damage(err error) string {
	var corrupt flate.CorruptInputError
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "the packed data ends too early here"
	case errors.As(err, &corrupt), errors.Is(err, gzip.ErrChecksum), errors.Is(err, gzip.ErrHeader),
		errors.Is(err, zip.ErrChecksum), errors.Is(err, zip.ErrFormat), errors.Is(err, zip.ErrAlgorithm):
		return "the packed data is damaged here"
	}
	return ""
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
