package cli

import (
	"bufio"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// releaseProgram hands the pages of the program's own code and constants back to
// the system. The start of a server reads most of them once, and serving few; one
// that is wanted again comes from the page cache. Where that does not work nothing
// changes.
func releaseProgram() {
	self, err := os.Executable()
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		f := strings.Fields(lines.Text()) // from-to permissions offset device inode path
		if len(f) < 6 || f[5] != self || strings.Contains(f[1], "w") {
			continue // a writable mapping may hold changes
		}
		low, high, _ := strings.Cut(f[0], "-")
		from, err := strconv.ParseUint(low, 16, 64)
		to, fault := strconv.ParseUint(high, 16, 64)
		if err == nil && fault == nil {
			unix.Syscall(unix.SYS_MADVISE, uintptr(from), uintptr(to-from), unix.MADV_DONTNEED)
		}
	}
}
