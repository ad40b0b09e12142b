package local

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/windows"

	"github.com/drivecast/drivecast/errs"
)

// wrapper waits at the gate, runs the command and leaves its code in a file.
const wrapper = "@echo off\r\nset go=\r\nset /p go=\r\nif not \"%go%\"==\"go\" exit /b 125\r\nset go=\r\n" +
	"cmd /C \"%~1\" <nul\r\nset code=%errorlevel%\r\n(echo %code%)>\"%~2\"\r\nexit /b %code%\r\n"

func shell(l launch) (*exec.Cmd, error) {
	base := filepath.Join(filepath.Dir(l.exit), filepath.Base(l.exit))
	run, line := base+".run.cmd", base+".line.cmd"
	err := errors.Join(os.WriteFile(run, []byte(wrapper), 0o644), os.WriteFile(line, []byte("@"+l.line+"\r\n"), 0o644))
	if err != nil {
		return nil, errs.Wrap(err, "write the command")
	}
	cmd := exec.Command("cmd", "/C", run, line, l.exit)
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
	return cmd, nil
}

// tree is a job object that holds a process with all its children; 0 for an
// adopted process, whose tree is found by taskkill.
type tree struct{ handle windows.Handle }

func holdTree(p *os.Process) tree {
	h, err := windows.CreateJobObject(nil, nil)
	if err != nil {
		return tree{}
	}
	const access = windows.PROCESS_SET_QUOTA | windows.PROCESS_TERMINATE
	proc, err := windows.OpenProcess(access, false, uint32(p.Pid))
	if err == nil {
		err = windows.AssignProcessToJobObject(h, proc)
		_ = windows.CloseHandle(proc)
	}
	if err != nil {
		_ = windows.CloseHandle(h)
		return tree{}
	}
	return tree{handle: h}
}

func (t tree) release() {
	if t.handle != 0 {
		_ = windows.CloseHandle(t.handle)
	}
}

// groupAlive cannot be asked here; the leader's end is what is waited for.
func groupAlive(int) bool { return false }

// signalTree ends a process with all its children. There is no polite signal
// for a process without a window.
func signalTree(pid int, t tree, _ string, force bool) {
	if !force {
		return
	}
	if t.handle != 0 && windows.TerminateJobObject(t.handle, 1) == nil {
		return
	}
	_ = exec.Command("taskkill", "/T", "/F", "/PID", strconv.Itoa(pid)).Run() // gone already is what is wanted
}

func startTime(pid int) (string, bool) {
	h, err := windows.OpenProcess(windows.PROCESS_QUERY_LIMITED_INFORMATION, false, uint32(pid))
	if err != nil {
		return "", false
	}
	defer windows.CloseHandle(h)
	var code uint32
	const stillActive = 259
	if err := windows.GetExitCodeProcess(h, &code); err != nil || code != stillActive {
		return "", false
	}
	var created, ended, kernel, user windows.Filetime
	if err := windows.GetProcessTimes(h, &created, &ended, &kernel, &user); err != nil {
		return "", false
	}
	return strconv.FormatInt(created.Nanoseconds(), 10), true
}

// detached makes a command outlive this process and its console.
func detached(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP | windows.DETACHED_PROCESS}
}
