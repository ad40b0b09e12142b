package dataver

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// identity returns the inode of a file and when it last changed in any way, in ns.
func identity(info fs.FileInfo) (inode uint64, changed int64) {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return s.Ino, s.Ctim.Nano()
	}
	return 0, 0
}

// statBelow looks at a file below an open folder, through links.
func statBelow(root *os.File, rel string) (s stamp, mode fs.FileMode, err error) {
	var st unix.Stat_t
	for {
		if err = unix.Fstatat(int(root.Fd()), rel, &st, 0); err != unix.EINTR {
			break
		}
	}
	if err != nil {
		return s, 0, &fs.PathError{Op: "stat", Path: rel, Err: err}
	}
	mode = fs.FileMode(st.Mode & 0o777)
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFREG:
	case unix.S_IFDIR:
		mode |= fs.ModeDir
	default:
		mode |= fs.ModeIrregular
	}
	return stamp{size: st.Size, mtime: st.Mtim.Nano(), inode: st.Ino, changed: st.Ctim.Nano()}, mode, nil
}
