//go:build !linux

package dataver

import (
	"errors"
	"os"
)

// reflink is offered on Linux only.
func reflink(_, _ *os.File) error { return errors.ErrUnsupported }
