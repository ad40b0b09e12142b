// Package artifact keeps the files of runs and models. A file is known by a path
// below the store's root, such as 3/8f…/artifacts/model/MLmodel; strings that
// clients send as locations are never opened as they are.
package artifact

import (
	"context"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// Store keeps files. Paths are those that Clean returns; "" is the root.
type Store interface {
	// Put stores what r yields under p, whole or not at all. size is its length,
	// or -1 when that is not known beforehand; a length that differs is
	// errs.Invalid.
	Put(ctx context.Context, p string, r io.Reader, size int64) error
	// Open returns a file for reading, or errs.NotFound.
	Open(ctx context.Context, p string) (File, error)
	// List returns what the folder p holds, sorted by name; a folder that does
	// not exist is empty.
	List(ctx context.Context, p string) ([]Entry, error)
	// Delete removes the file or folder p; what does not exist is removed already.
	Delete(ctx context.Context, p string) error
}

// File is an open file.
type File interface {
	io.ReadSeekCloser
	// Size returns its length in bytes.
	Size() int64
}

// Entry is one file or folder in a folder.
type Entry struct {
	Name string // without its folder
	Dir  bool
	Size int64 // of files
}

// The limits on paths, in bytes.
const (
	MaxPath    = 4096
	MaxSegment = 255
)

// Clean checks a path that a client sent and returns it without needless
// slashes. It refuses, with errs.Invalid and the text "Invalid path", whatever
// could name something outside its folder on any system, also after decoding
// percent signs any number of times.
func Clean(p string) (string, error) {
	if strings.ContainsFunc(p, unicode.IsControl) || !utf8.ValidString(p) || len(p) > MaxPath {
		return "", errInvalid()
	}
	text := p
	for range 16 {
		if !safe(text) {
			return "", errInvalid()
		}
		next := unescape(text)
		if next == text {
			return path.Clean("/" + p)[1:], nil
		}
		text = next
	}
	return "", errInvalid()
}

func errInvalid() error { return errs.New(errs.Invalid, "Invalid path") }

// unescape decodes the percent signs that two hexadecimal digits follow, and
// leaves the others as they are.
func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+3], 16, 8); err == nil {
				b.WriteByte(byte(n))
				i += 2
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func safe(p string) bool {
	if strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\#?\x00\t\r\n") {
		return false
	}
	if !utf8.ValidString(p) || strings.Contains(p, "//") || strings.HasPrefix(strings.ToLower(p), "file:") {
		return false
	}
	for seg := range strings.SplitSeq(p, "/") {
		if seg == ".." || len(seg) > MaxSegment {
			return false
		}
		if len(seg) >= 2 && seg[1] == ':' && unicode.IsLetter(rune(seg[0])) { // a drive letter
			return false
		}
	}
	return true
}
