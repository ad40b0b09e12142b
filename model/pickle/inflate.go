package pickle

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"github.com/drivecast/drivecast/errs"
)

// A compressed file may unfold to inflateBase plus inflateRate bytes for each of
// its own, and never above inflateMax.
const (
	inflateBase = 64 << 20
	inflateRate = 250
	inflateMax  = 4 << 30
)

// compression returns the name of the compression that a file begins with, or
// "".
func compression(head []byte) string {
	switch {
	case len(head) > 1 && head[0] == 0x1f && head[1] == 0x8b:
		return "gzip"
	case len(head) > 1 && head[0] == 0x78 && (uint(head[0])<<8|uint(head[1]))%31 == 0:
		return "zlib"
	case bytes.HasPrefix(head, []byte("BZh")):
		return "bzip2"
	case bytes.HasPrefix(head, []byte{0xfd, '7', 'z', 'X', 'Z', 0}):
		return "xz"
	case bytes.HasPrefix(head, []byte{0x5d, 0, 0}):
		return "lzma"
	case bytes.HasPrefix(head, []byte{0x04, 0x22, 0x4d, 0x18}):
		return "lz4"
	}
	return ""
}

// inflate returns the content of a compressed file, any other file unchanged.
func inflate(data []byte) ([]byte, error) {
	kind := compression(data)
	if kind == "" {
		return data, nil
	}
	in := bufio.NewReader(bytes.NewReader(data))
	var r io.Reader
	var err error
	switch kind {
	case "gzip":
		r, err = gzip.NewReader(in)
	case "zlib":
		r, err = zlib.NewReader(in)
	case "bzip2":
		r = bzip2.NewReader(in)
	case "xz":
		r, err = xz.ReaderConfig{DictCap: 1 << 16}.NewReader(in)
	case "lzma":
		r, err = lzma.ReaderConfig{DictCap: 1 << 27}.NewReader(in)
	case "lz4":
		r = lz4.NewReader(in)
	}
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s: %w", kind, err)
	}
	limit := min(int64(inflateBase)+inflateRate*int64(len(data)), inflateMax)
	var out bytes.Buffer
	out.Grow(min(4*len(data), inflateBase))
	n, err := out.ReadFrom(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s: truncated or damaged: %w", kind, err)
	}
	if n > limit {
		return nil, errs.New(errs.TooLarge, "%s: the file unfolds to more than %d bytes", kind, limit)
	}
	return out.Bytes(), nil
}

// Looks reports whether a file that begins with head is a pickle or a compressed
// one.
func Looks(head []byte) bool {
	if compression(head) != "" {
		return true
	}
	if len(head) < 2 {
		return false
	}
	if head[0] == 0x80 {
		return head[1] >= 2 && head[1] <= 5
	}
	return head[0] == 'c' && bytes.HasPrefix(head, []byte("ccopy_reg\n")) || bytes.HasPrefix(head, []byte("csklearn.")) ||
		bytes.HasPrefix(head, []byte("ccopyreg\n"))
}
