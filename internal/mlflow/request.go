package mlflow

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/tracking"
)

// call is one request to a JSON route and the way to answer it.
type call struct {
	h    *Handler
	w    http.ResponseWriter
	r    *http.Request
	raw  map[string]json.RawMessage // the fields of the body or the query
	path []string                   // what the variable parts of the path are
}

// read parses the body, or the query of a GET request.
func (c *call) read(f fields) error {
	if c.r.Method == http.MethodGet && c.r.URL.RawQuery != "" {
		return c.readQuery(f)
	}
	if err := c.checkContentType(); err != nil {
		return err
	}
	if c.r.ContentLength != 0 {
		defer hurry(c.w, bodyTime)()
	}
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, c.h.cfg.MaxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errs.New(errs.TooLarge, "The request body has more than %d bytes; split it up", c.h.cfg.MaxBody)
	case err != nil:
		return errs.New(errs.Usage, "The request body ended early: %w", err)
	}
	if body = bytes.TrimSpace(body); len(body) == 0 || c.r.Method == http.MethodGet && body[0] != '{' {
		return nil
	}
	for range 2 { // old clients send JSON text inside a JSON string
		if body[0] != '"' {
			break
		}
		var inner string
		if err := json.Unmarshal(body, &inner); err != nil || inner == "" {
			return errs.New(errs.Usage, "The request body is not JSON")
		}
		body = []byte(inner)
	}
	if !utf8.Valid(body) {
		return errs.New(errs.Usage, "The request body is not valid UTF-8")
	}
	if err := json.Unmarshal(body, &c.raw); err != nil {
		return errs.New(errs.Usage, "The request body is not a JSON object: %w", err)
	}
	if countKeys(body) != len(c.raw) {
		return errs.New(errs.Usage, "The request body has a key twice")
	}
	return nil
}

// countKeys returns how many keys the outermost object of sound JSON has.
func countKeys(b []byte) int {
	depth, n := 0, 0
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		case ':':
			if depth == 1 {
				n++
			}
		case '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		}
	}
	return n
}

// checkContentType refuses bodies that a foreign page could send without asking.
func (c *call) checkContentType() error {
	if c.r.Method != http.MethodPost && c.r.Method != http.MethodPut {
		return nil
	}
	kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return errs.New(errs.Usage, "Bad Request. Content-Type must be application/json.")
	}
	return nil
}

// readQuery takes the fields from the query: texts, or lists of texts where the
// route wants lists.
func (c *call) readQuery(f fields) error {
	q, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil || !utf8.ValidString(fmt.Sprint(q)) {
		return errs.New(errs.Usage, "The query of the request is garbled")
	}
	c.raw = make(map[string]json.RawMessage, len(q))
	for _, s := range f {
		list := q[s.name]
		if s.name == "run_id" && len(list) == 0 {
			list = q["run_uuid"]
		}
		if len(list) == 0 {
			continue
		}
		var v any = list[0]
		if s.kind == "strings" || s.kind == "array" {
			v = list
		}
		text, err := json.Marshal(v)
		if err != nil {
			return err
		}
		c.raw[s.name] = text
	}
	return nil
}

// has reports whether a field was sent and is not null.
func (c *call) has(name string) bool {
	v, ok := c.raw[name]
	return ok && !bytes.Equal(v, []byte("null"))
}

// str returns a text field, "" when it was not sent. The route's fields were
// checked before.
func (c *call) str(name string) string {
	var s string
	json.Unmarshal(c.raw[name], &s)
	return s
}

// runID returns run_id, or its old name.
func (c *call) runID() string {
	if id := c.str("run_id"); id != "" {
		return id
	}
	return c.str("run_uuid")
}

// strs returns a field that is a list of texts.
func (c *call) strs(name string) []string {
	var list []string
	if json.Unmarshal(c.raw[name], &list) != nil {
		if s := c.str(name); s != "" {
			return []string{s}
		}
	}
	return list
}

// num returns a whole number.
func (c *call) num(name string) int64 {
	var n number
	if c.has(name) {
		json.Unmarshal(c.raw[name], &n)
	}
	return int64(n)
}

// flag returns a boolean.
func (c *call) flag(name string) bool {
	return strings.EqualFold(strings.Trim(string(c.raw[name]), `"`), "true")
}

// decode reads a list or an object into v.
func (c *call) decode(name string, v any) error {
	if !c.has(name) {
		return nil
	}
	if err := json.Unmarshal(c.raw[name], v); err != nil {
		var bad *fieldError
		if errors.As(err, &bad) {
			return errs.New(errs.Invalid, "Invalid value %s for parameter '%s' supplied. See the API docs for more information about request parameters.", bad.value, name+"."+bad.field)
		}
		return invalid(name, c.raw[name])
	}
	return nil
}

// enum returns a field that is a name or a number of names; "" when it was not
// sent.
func (c *call) enum(name string, names map[string]string) (string, error) {
	if !c.has(name) {
		return "", nil
	}
	text := strings.Trim(string(c.raw[name]), `"`)
	for number, n := range names {
		if text == number || text == n {
			return n, nil
		}
	}
	return "", invalid(name, c.raw[name])
}

var viewNames = map[string]string{"1": "ACTIVE_ONLY", "2": "DELETED_ONLY", "3": "ALL"}

func (c *call) view(name string) (tracking.View, error) {
	v, err := c.enum(name, viewNames)
	switch v {
	case "DELETED_ONLY":
		return tracking.DeletedOnly, err
	case "ALL":
		return tracking.All, err
	}
	return tracking.ActiveOnly, err
}

var statusNames = map[string]string{"1": tracking.Running, "2": tracking.Scheduled, "3": tracking.Finished, "4": tracking.Failed, "5": tracking.Killed}

// number is an int64 that clients send as a number or as a text.
type number int64

// UnmarshalJSON reads 12, 12.0, "12" and null.
func (n *number) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	if v, err := strconv.ParseInt(text, 10, 64); err == nil {
		*n = number(v)
		return nil
	}
	if text == "null" {
		return nil
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return &fieldError{value: string(b)}
	}
	*n = number(f)
	return nil
}

// real is a float64 that clients send as a number or as a text, NaN and
// infinities among them.
type real float64

// UnmarshalJSON reads 1.5, "1.5", "NaN", "Infinity" and "-Infinity".
func (r *real) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return &fieldError{value: string(b)}
	}
	*r = real(v)
	return nil
}

// fieldError is a value of the wrong type inside a list.
type fieldError struct{ field, value string }

// Error names the value.
func (e *fieldError) Error() string { return "invalid value " + e.value }
