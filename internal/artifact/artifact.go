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
	"time"
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

// Part is one part of an upload in parts: where a client sends it, with what
// headers.
type Part struct {
	Number  int // from 1
	URL     string
	Headers map[string]string
}

// Sent is a part that a client sent: the ETag that the store answered with, and
// the URL that it was sent to.
type Sent struct {
	Number int
	ETag   string
	URL    string
}

// Multipart is a Store that takes large files in parts, straight from clients.
type Multipart interface {
	Store
	// Begin starts an upload of n parts, at least 1, and returns where they go.
	Begin(ctx context.Context, p string, n int) (id string, parts []Part, err error)
	// Finish makes the file of the parts that were sent, in the order of their
	// numbers.
	Finish(ctx context.Context, p, id string, parts []Sent) error
	// Abort forgets an upload and what was sent of it.
	Abort(ctx context.Context, p, id string) error
}

// Presigner is a Store that hands out URLs which anyone may use until they
// expire.
type Presigner interface {
	Store
	// SignedGet returns a URL of an existing file and the file's size.
	SignedGet(ctx context.Context, p string, valid time.Duration) (url string, size int64, err error)
	// SignedPut returns a URL that a file may be sent to, and the headers that
	// must go with it.
	SignedPut(ctx context.Context, p string, valid time.Duration) (url string, headers map[string]string, err error)
}

// Walk calls f for every file below the folder p with its path, by name.
func Walk(ctx context.Context, s Store, p string, f func(p string, e Entry) error) error {
	list, err := s.List(ctx, p)
	if err != nil {
		return err
	}
	for _, e := range list {
		at := path.Join(p, e.Name)
		if e.Dir {
			err = Walk(ctx, s, at, f)
		} else {
			err = f(at, e)
		}
		if err != nil {
			return err
		}
	}
	return nil
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
