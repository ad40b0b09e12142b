package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// The exit codes.
const (
	ExitOK       = 0
	ExitFailure  = 1 // the work failed
	ExitUsage    = 2 // the command line is wrong
	ExitCanceled = 130
)

// Exit tells err, the end of a program's work, in one line on w and returns the
// exit code. ctx is what was canceled when the user interrupted the work.
func Exit(ctx context.Context, program string, w io.Writer, err error) int {
	if err == nil {
		return ExitOK
	}
	canceled := errs.Is(err, errs.Canceled) && ctx.Err() != nil
	text := strings.TrimSpace(err.Error())
	if canceled {
		text = "interrupted; what was finished is kept, and nothing is half-written"
	}
	if text != "" {
		fmt.Fprintln(w, program+": "+strings.ReplaceAll(text, "\n", " "))
	}
	switch {
	case errs.Is(err, errs.Usage):
		return ExitUsage
	case canceled:
		return ExitCanceled
	}
	return ExitFailure
}
