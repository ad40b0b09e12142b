//go:build unix

package local

import (
	"os"
	"syscall"
)

// tryLock takes the lock of an open file; it ends with the process.
func tryLock(f *os.File) bool {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil
}
