package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/drivecast/drivecast/errs"
)

// Cost of a password hash: argon2id with 46 MiB and one pass, the first of the
// settings that OWASP's cheat sheet on password storage names.
const (
	hashMemory = 46 << 10 // KiB
	hashPasses = 1
	hashLanes  = 1
	saltSize   = 16
	keySize    = 32
)

// MinPassword and MaxPassword bound the length of passwords, in characters.
const (
	MinPassword = 12
	MaxPassword = 1024
)

// CheckPassword refuses passwords that are too short, too long, or made of one
// character.
func CheckPassword(password string) error {
	n := utf8.RuneCountInString(password)
	switch {
	case n < MinPassword:
		return errs.New(errs.Invalid, "Password must be at least %d characters.", MinPassword)
	case n > MaxPassword:
		return errs.New(errs.Invalid, "Password must be at most %d characters.", MaxPassword)
	case strings.Count(password, password[:1]) == len(password):
		return errs.New(errs.Invalid, "Password must have more than one character that differs.")
	}
	return nil
}

// HashPassword returns the argon2id hash of a password in PHC form
// ($argon2id$v=19$m=…,t=…,p=…$salt$key). It takes tens of milliseconds and
// 46 MiB on purpose.
func HashPassword(password string) string {
	salt := make([]byte, saltSize)
	rand.Read(salt)
	key := argon2.IDKey([]byte(password), salt, hashPasses, hashMemory, hashLanes, keySize)
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, hashMemory, hashPasses, hashLanes, b64.EncodeToString(salt), b64.EncodeToString(key))
}

// matches reports whether a password has that hash. Hashes that ask for more
// than 1 GiB or 16 passes match nothing.
func matches(hash, password string) bool {
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false
	}
	var memory, passes uint32
	var lanes uint8
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &memory, &passes, &lanes); err != nil {
		return false
	}
	if memory > 1<<20 || passes < 1 || passes > 16 || lanes < 1 {
		return false
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	want, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(want) < 16 || len(want) > 128 {
		return false
	}
	got := argon2.IDKey([]byte(password), salt, passes, memory, lanes, uint32(len(want)))
	return subtle.ConstantTimeCompare(got, want) == 1
}
