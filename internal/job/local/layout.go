package local

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/drivecast/drivecast/errs"
)

// JobDir is the folder of a job under a work folder.
func JobDir(workDir, name string) string { return filepath.Join(workDir, "jobs", name) }

// LogPath is the log of a job's process: the first one's for i 0.
func LogPath(workDir, name string, i int) string {
	file := "std_log.txt"
	if i > 0 {
		file = fmt.Sprintf("std_log_process_%d.txt", i)
	}
	return filepath.Join(JobDir(workDir, name), "user_logs", file)
}

// OutputDir holds the outputs of a job, one entry per name.
func OutputDir(workDir, name string) string { return filepath.Join(JobDir(workDir, name), "outputs") }

func lockPath(workDir, cluster string) string {
	return filepath.Join(workDir, "compute", cluster+".lock")
}

func exitPath(workDir, name string, attempt, i int) string {
	return filepath.Join(JobDir(workDir, name), fmt.Sprintf("exit-%d-%d", attempt, i))
}

func codeDir(workDir, name string, i int) string {
	if i == 0 {
		return filepath.Join(JobDir(workDir, name), "code")
	}
	return filepath.Join(JobDir(workDir, name), fmt.Sprintf("code-%d", i))
}

// linkProgram puts a link to this program into the work folder's bin and
// returns that folder and the program's path.
func linkProgram(workDir string) (bin, program string, err error) {
	program, err = os.Executable()
	if err != nil {
		return "", "", errs.Wrap(err, "find this program")
	}
	bin = filepath.Join(workDir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", "", errs.Wrap(err, "make %s", bin)
	}
	link := filepath.Join(bin, "drivecast")
	if runtime.GOOS == "windows" {
		text := "@\"" + program + "\" %*\r\n"
		return bin, program, errs.Wrap(os.WriteFile(link+".cmd", []byte(text), 0o755), "write %s", link)
	}
	if old, err := os.Readlink(link); err == nil && old == program {
		return bin, program, nil
	}
	next := link + "." + randomName()
	if err := os.Symlink(program, next); err != nil {
		return "", "", errs.Wrap(err, "link %s", link)
	}
	return bin, program, errs.Wrap(os.Rename(next, link), "link %s", link)
}

func randomName() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic("the system gives no random numbers: " + err.Error()) // crypto/rand never fails on supported systems
	}
	return hex.EncodeToString(b[:])
}
