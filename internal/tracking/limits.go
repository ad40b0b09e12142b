package tracking

import (
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
)

// The limits of the API, in characters unless said otherwise.
const (
	MaxKey            = 250
	MaxParamValue     = 6000
	MaxRunTagValue    = 8000
	MaxExpTagValue    = 5000
	MaxExperimentName = 500
	MaxLocation       = 2048
	MaxBatchMetrics   = 1000
	MaxBatchParams    = 100
	MaxBatchTags      = 100
	MaxBatch          = 1000 // metrics, params and tags together
	MaxRunsPage       = 50000
)

var (
	runIDForm        = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9][\w-]{0,255}$`) })
	experimentIDForm = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[a-zA-Z0-9][\w-]{0,63}$`) })
)

// CheckRunID refuses ids that no run can have.
func CheckRunID(id string) error {
	if !runIDForm().MatchString(id) {
		return errs.New(errs.Invalid, "Invalid run ID: '%s'", clip(id))
	}
	return nil
}

// CheckExperimentID refuses ids that no experiment can have.
func CheckExperimentID(id string) error {
	if !experimentIDForm().MatchString(id) {
		return errs.New(errs.Invalid, "Invalid experiment ID: '%s'", clip(id))
	}
	return nil
}

// clip shortens a text for use in a message.
func clip(s string) string {
	if utf8.RuneCountInString(s) <= 200 {
		return s
	}
	return string([]rune(s)[:200]) + "..."
}

// checkKey refuses keys of metrics, parameters and tags that are too long, hold
// other characters than words, '_', '-', '.', ':', '/' and spaces, or read like
// a path that leads elsewhere. where is the field's name in the request.
func checkKey(kind, where, key string) error {
	if key == "" {
		return errs.New(errs.Invalid, "Missing value for required parameter '%s'. See the API docs for more information about request parameters.", where)
	}
	for _, r := range key {
		if !keyRune(r) {
			return errs.New(errs.Invalid, "Invalid value %s for parameter '%s' supplied: Names may only contain alphanumerics, underscores (_), dashes (-), periods (.), spaces ( ), colon(:) and slashes (/).", strconv.Quote(clip(key)), where)
		}
	}
	if key == "." || path.Clean(key) != key || strings.HasPrefix(key, "..") || strings.HasPrefix(key, "/") {
		return errs.New(errs.Invalid, "Invalid value %s for parameter '%s' supplied: Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to '%s'", strconv.Quote(clip(key)), where, path.Clean(key))
	}
	if n := utf8.RuneCountInString(key); n > MaxKey {
		return errs.New(errs.Invalid, "'%s' exceeds the maximum length of %d characters: %s key '%s' had length %d, which exceeded length limit of %d", where, MaxKey, kind, clip(key), n, MaxKey)
	}
	return nil
}

func keyRune(r rune) bool {
	switch r {
	case '_', '-', '.', ' ', '/', ':':
		return true
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.Is(unicode.Mn, r) || unicode.Is(unicode.Mc, r))
}

func checkLength(what, s string, limit int) error {
	if len(s) <= limit {
		return nil
	}
	if n := utf8.RuneCountInString(s); n > limit {
		return errs.New(errs.Invalid, "%s '%s' had length %d, which exceeded length limit of %d", what, clip(s), n, limit)
	}
	return nil
}

// truncate cuts s to limit characters, as clients of the API expect of long
// values.
func truncate(s string, limit int) string {
	if len(s) <= limit || utf8.RuneCountInString(s) <= limit {
		return s
	}
	return string([]rune(s)[:limit])
}
