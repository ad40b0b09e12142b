package filelock

import (
	"math"
	"os"

	"golang.org/x/sys/windows"
)

// Try takes the lock of an open file and reports whether it was free. The lock
// ends with the process, or when the file is closed. The locked
// byte lies beyond any content, so that others can read the file.
func Try(f *os.File) bool {
	at := windows.Overlapped{Offset: math.MaxUint32 - 1}
	return windows.LockFileEx(windows.Handle(f.Fd()), windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &at) == nil
}
