package dataver

import (
	"crypto/md5"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// Entry is one file of a directory.
type Entry struct {
	Path string // slash-separated, from the directory
	OID  OID
}

// EncodeList returns the text of a directory's object, and its name. The text is
// byte for byte what Python's json.dumps(…, sort_keys=True) makes of it: sorted by
// path, ", " and ": " between items, only ASCII. The entries are sorted in place.
func EncodeList(entries []Entry) ([]byte, OID) {
	slices.SortFunc(entries, func(a, b Entry) int { return strings.Compare(a.Path, b.Path) })
	text := make([]byte, 0, 2+len(entries)*80)
	text = append(text, '[')
	for i, e := range entries {
		if i > 0 {
			text = append(text, ", "...)
		}
		text = append(text, `{"md5": "`...)
		text = append(text, e.OID...)
		text = append(text, `", "relpath": `...)
		text = appendJSON(text, e.Path)
		text = append(text, '}')
	}
	text = append(text, ']')
	return text, oidOf(md5.Sum(text)) + dirSuffix
}

var shortEscapes = map[rune]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\b': `\b`, '\f': `\f`}

// appendJSON quotes s in ASCII only.
func appendJSON(text []byte, s string) []byte {
	text = append(text, '"')
	for _, r := range s {
		switch {
		case shortEscapes[r] != "":
			text = append(text, shortEscapes[r]...)
		case r >= ' ' && r <= '~' || r == 0x7f:
			text = append(text, byte(r))
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			text = fmt.Appendf(text, `\u%04x\u%04x`, high, low)
		default:
			text = fmt.Appendf(text, `\u%04x`, r)
		}
	}
	return append(text, '"')
}

// DecodeList reads the text of a directory's object. A path that could lead out
// of the directory, that is there twice, or that is both a file and a folder, is
// errs.Invalid.
func DecodeList(text []byte) ([]Entry, error) {
	entries, ok := decodePlain(string(text))
	if !ok {
		var err error
		if entries, err = decodeJSON(text); err != nil {
			return nil, err
		}
	}
	for _, e := range entries {
		if err := checkRelative(e.Path); err != nil {
			return nil, err
		}
	}
	byPath := func(a, b Entry) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(entries, byPath) {
		slices.SortFunc(entries, byPath)
	}
	return entries, checkDistinct(entries)
}

// decodePlain reads a list as DVC and EncodeList write it when no path needs an
// escape; ok is false for any other text.
func decodePlain(text string) (entries []Entry, ok bool) {
	const head, middle, tail, between = `{"md5": "`, `", "relpath": "`, `"}`, ", "
	text, ok = strings.CutPrefix(text, "[")
	if !ok || text == "]" {
		return nil, ok
	}
	entries = make([]Entry, 0, len(text)/(len(head)+hexDigits+len(middle)+len(tail)+len(between)))
	for {
		var sum, name string
		if text, ok = strings.CutPrefix(text, head); !ok {
			return nil, false
		}
		if sum, text, ok = strings.Cut(text, middle); !ok {
			return nil, false
		}
		if name, text, ok = strings.Cut(text, tail); !ok || !unescaped(name) {
			return nil, false
		}
		oid, err := ParseOID(sum)
		if err != nil || oid.IsDir() {
			return nil, false
		}
		entries = append(entries, Entry{name, oid})
		if text == "]" {
			return entries, true
		}
		if text, ok = strings.CutPrefix(text, between); !ok {
			return nil, false
		}
	}
}

// unescaped tells whether a text is its own quotation in JSON.
func unescaped(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == '"' || s[i] == '\\' {
			return false
		}
	}
	return true
}

func decodeJSON(text []byte) ([]Entry, error) {
	var raw []struct {
		MD5     string  `json:"md5"`
		RelPath *string `json:"relpath"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return nil, errs.New(errs.Invalid, "the list of a directory's files is not JSON: %w", err)
	}
	entries := make([]Entry, len(raw))
	for i, r := range raw {
		oid, err := ParseOID(r.MD5)
		if err != nil || oid.IsDir() || r.RelPath == nil {
			return nil, errs.New(errs.Invalid, "entry %d of a directory's list has no usable md5 or relpath", i+1)
		}
		entries[i] = Entry{*r.RelPath, oid}
	}
	return entries, nil
}

// checkDistinct refuses sorted entries that cannot be files of one directory.
func checkDistinct(entries []Entry) error {
	for i := 1; i < len(entries); i++ {
		if entries[i].Path == entries[i-1].Path {
			return errs.New(errs.Invalid, "a directory's list names %q twice", entries[i].Path)
		}
	}
	for _, e := range entries {
		for at := strings.IndexByte(e.Path, '/'); at >= 0; {
			folder := e.Path[:at]
			if _, ok := slices.BinarySearchFunc(entries, folder, func(e Entry, p string) int { return strings.Compare(e.Path, p) }); ok {
				return errs.New(errs.Invalid, "a directory's list has %q both as a file and as a folder", folder)
			}
			next := strings.IndexByte(e.Path[at+1:], '/')
			if next < 0 {
				break
			}
			at += 1 + next
		}
	}
	return nil
}

// checkRelative refuses paths that are not plainly below a folder, on any system.
func checkRelative(p string) error {
	bad := p == "" || !utf8.ValidString(p) || strings.ContainsAny(p, "\x00\\") || strings.ContainsRune(p, utf8.RuneError) || hasDrive(p)
	for _, part := range strings.Split(p, "/") {
		bad = bad || part == "" || part == "." || part == ".."
	}
	if bad {
		return errs.New(errs.Invalid, "the path %q leads out of its folder, or is no path on every system", p)
	}
	return nil
}

// hasDrive reports whether a path begins with a drive of Windows: C:/x, and there
// also C:x.
func hasDrive(p string) bool {
	return len(p) > 1 && p[1] == ':' && (len(p) == 2 || p[2] == '/' || runtime.GOOS == "windows")
}
