package pod

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/drivecast/drivecast/errs"
)

const shellPath = "/bin/sh"

// execute runs the processes, their output going to log files and to the
// container's log, and returns the first exit code that is not 0. When one fails, or
// ctx ends, the others are ended.
func (w *work) execute(ctx context.Context, plan []process) (int, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex
	code := 0
	var failure error
	var all sync.WaitGroup
	for _, p := range plan {
		all.Go(func() {
			c, err := w.one(ctx, p)
			mu.Lock()
			defer mu.Unlock()
			if code == 0 && failure == nil {
				code, failure = c, err
			}
			if c != 0 || err != nil {
				stop()
			}
		})
	}
	all.Wait()
	return code, failure
}

// one runs one process to its end.
func (w *work) one(ctx context.Context, p process) (int, error) {
	if err := os.MkdirAll(filepath.Dir(p.log), 0o755); err != nil {
		return 0, errs.Wrap(err, "make the log")
	}
	log, err := os.Create(p.log)
	if err != nil {
		return 0, errs.Wrap(err, "make the log")
	}
	defer log.Close()
	cmd, err := w.command(p)
	if err != nil {
		return 0, err
	}
	out := io.MultiWriter(log, w.Stdout)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = 2 * time.Second // what the command left running keeps its output open
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		return 0, errs.New(errs.Invalid, "start the command: %w", err)
	}
	ended := make(chan struct{})
	var once sync.WaitGroup
	once.Go(func() { w.endWith(ctx, cmd, ended) })
	err = cmd.Wait()
	close(ended)
	once.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return 0, nil
	case errors.As(err, &exit):
		return exitCode(exit.ProcessState), nil
	}
	return 0, errs.Wrap(err, "wait for the command")
}

// endWith ends the process's group when ctx does: politely, then by force; and what
// is left of it when the process itself has ended.
func (w *work) endWith(ctx context.Context, cmd *exec.Cmd, ended <-chan struct{}) {
	select {
	case <-ended:
	case <-ctx.Done():
		signalGroup(cmd, false)
		grace := w.Grace
		if grace == 0 {
			grace = 5 * time.Second
		}
		select {
		case <-ended:
		case <-time.After(grace):
		}
	}
	signalGroup(cmd, true)
}

// command is the process: by the image's shell, or without one in an image that has
// none.
func (w *work) command(p process) (*exec.Cmd, error) {
	args := []string{shellPath, "-c", p.line}
	if _, err := os.Stat(shellPath); err != nil {
		if args, err = words(p.line, environment(p.env)); err != nil {
			return nil, errs.Wrap(err, "this image has no %s", shellPath)
		}
	}
	name := args[0]
	if filepath.Base(name) == name {
		if found := lookIn(environment(p.env)("PATH"), name); found != "" {
			name = found
		}
	}
	cmd := exec.Command(name, args[1:]...)
	cmd.Args[0] = args[0]
	cmd.Dir, cmd.Env = w.path("code"), p.env
	return cmd, nil
}

// lookIn finds a program in the folders of a PATH; "" when it is in none.
func lookIn(folders, name string) string {
	for _, dir := range filepath.SplitList(folders) {
		file := filepath.Join(dir, name)
		if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
			return file
		}
	}
	return ""
}

func environment(env []string) func(string) string {
	n := Node{Environ: env}
	return n.getenv
}
