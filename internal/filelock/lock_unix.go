//go:build unix

package filelock

import (
	"os"
	"syscall"
)

// Try takes the lock of an open file and reports whether it was free. The lock
// ends with the process, or when the file is closed.
func Try(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
