// Package errs gives every failure in drivecast a kind that callers can name.
//
// A kind says what the reader of the error can do about it: mend the command
// line, mend the input, look for another name, try again later. Each protocol
// (command line, MLflow REST, scoring) translates kinds to its own codes in one
// table of its own; no other place inspects error texts.
//
// Errors are wrapped once with what was being done:
//
//	return errs.Wrap(err, "read %s", path)       // keeps the kind of err
//	return errs.New(errs.NotFound, "no run %s", id)
package errs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Kind is the class of a failure, named by what can be done about it.
type Kind uint8

// The kinds. Internal is the zero value, so an unclassified error is Internal.
const (
	Internal        Kind = iota // a fault of ours: report it
	Usage                       // the command line is wrong: see --help
	Invalid                     // the input is wrong: mend it
	NotFound                    // nothing has that name
	Exists                      // that name is taken
	State                       // the thing exists, but its state forbids this
	Unauthenticated             // who are you?
	Denied                      // you may not
	TooLarge                    // over a stated limit
	Unsupported                 // understood, and not offered
	Exhausted                   // a budget is used up: slow down
	Unavailable                 // try again later
	Canceled                    // the caller gave up
	Full                        // a disk has no room left: make some
)

var kindNames = [...]string{
	"internal", "usage", "invalid", "not found", "exists", "state", "unauthenticated",
	"denied", "too large", "unsupported", "exhausted", "unavailable", "canceled", "full",
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return fmt.Sprintf("kind(%d)", uint8(k))
}

// Error is a failure with a kind. Its text is Err's text: the kind is for
// programs, the text for people.
type Error struct {
	Kind Kind
	Err  error
}

// Error returns the text of the underlying error.
func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the underlying error.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error of kind k from a format as in fmt.Errorf (%w included).
func New(k Kind, format string, args ...any) error {
	return &Error{Kind: k, Err: fmt.Errorf(format, args...)}
}

// Wrap prefixes err with what was being done and keeps its kind. Wrap of nil is
// nil.
func Wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: KindOf(err), Err: fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)}
}

// KindOf returns the kind of the outermost error in err's chain that has one.
// Errors of the standard library that name a missing file, a refused permission
// or an ended context have the kind that fits; everything else is Internal.
func KindOf(err error) Kind {
	var e *Error
	var in *Input
	switch {
	case errors.As(err, &e):
		return e.Kind
	case errors.As(err, &in):
		return Invalid
	case errors.Is(err, fs.ErrNotExist):
		return NotFound
	case errors.Is(err, fs.ErrPermission):
		return Denied
	case errors.Is(err, context.Canceled):
		return Canceled
	case errors.Is(err, context.DeadlineExceeded):
		return Unavailable
	}
	return Internal
}

// Is reports whether err is of kind k.
func Is(err error, k Kind) bool { return err != nil && KindOf(err) == k }
