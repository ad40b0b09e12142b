//go:build unix

package artifact

import (
	"io/fs"
	"syscall"
)

// links returns how many names a file has, 0 when nobody knows.
func links(info fs.FileInfo) uint64 {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return uint64(s.Nlink)
	}
	return 0
}
