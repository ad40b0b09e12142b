package dataver

import (
	"crypto/md5"
	"encoding/hex"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// OID names an object: 32 hexadecimal digits, the MD5 of its content, followed by
// ".dir" for the list of a directory's files.
type OID string

const (
	dirSuffix = ".dir"
	hexDigits = 2 * md5.Size
	objects   = "files/md5" // where objects are in a cache and in a remote
)

// ParseOID checks that s is the name of an object; anything else, which might be
// a path that leads elsewhere, is errs.Invalid.
func ParseOID(s string) (OID, error) {
	digits := strings.TrimSuffix(s, dirSuffix)
	if len(digits) != hexDigits || strings.Trim(digits, "0123456789abcdef") != "" {
		return "", errs.New(errs.Invalid, "%q is no MD5 in 32 lower-case hexadecimal digits", s)
	}
	return OID(s), nil
}

// IsDir reports whether the object is the list of a directory's files.
func (o OID) IsDir() bool { return strings.HasSuffix(string(o), dirSuffix) }

// path is where the object is, from the root of a cache or remote.
func (o OID) path() string { return objects + "/" + string(o[:2]) + "/" + string(o[2:]) }

func oidOf(sum [md5.Size]byte) OID { return OID(hex.EncodeToString(sum[:])) }

// sum is the reverse of oidOf; the OID has been checked.
func (o OID) sum() (s [md5.Size]byte) {
	_, _ = hex.Decode(s[:], []byte(o[:hexDigits])) // an OID has only such digits
	return s
}
