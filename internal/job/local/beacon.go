package local

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/filelock"
)

// beacon is how other processes reach the runner of a cluster: a lock file that
// says where it listens. The word it listens for is in the file, which only the
// user can read.
type beacon struct {
	file *os.File
	ln   net.Listener
	word string
}

type address struct {
	PID  int    `json:"pid"`
	Addr string `json:"addr"`
	Word string `json:"word"`
}

// light takes the lock of the cluster and starts to listen. When another runner
// holds the lock the error is of kind Exists.
func light(workDir, cluster string) (*beacon, error) {
	path := lockPath(workDir, cluster)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, errs.Wrap(err, "make the compute folder")
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(err, "open the lock of cluster %s", cluster)
	}
	// a process that a killed runner was about to start may hold the lock for an instant more
	for try := 0; !filelock.Try(f); try++ {
		if try < 30 {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		f.Close()
		return nil, errs.New(errs.Exists, "cluster %s has a runner in %s already", cluster, workDir)
	}
	b := &beacon{file: f, word: randomName()}
	if err := b.listen(); err != nil {
		f.Close()
		return nil, err
	}
	return b, nil
}

func (b *beacon) listen() error {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return errs.Wrap(err, "listen for other commands")
	}
	text, err := json.Marshal(address{PID: os.Getpid(), Addr: ln.Addr().String(), Word: b.word})
	if err == nil {
		err = b.file.Truncate(0)
	}
	if err == nil {
		_, err = b.file.WriteAt(append(text, '\n'), 0)
	}
	if err != nil {
		ln.Close()
		return errs.Wrap(err, "write %s", b.file.Name())
	}
	b.ln = ln
	return nil
}

// serve answers until the beacon is doused.
func (b *beacon) serve(answer func(verb string) string) {
	ln := b.ln
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			line, err := bufio.NewReader(conn).ReadString('\n')
			word, verb, _ := strings.Cut(strings.TrimSpace(line), " ")
			if err == nil && word == b.word {
				fmt.Fprintln(conn, b.word, answer(verb))
			}
		}()
	}
}

func (b *beacon) douse() {
	b.ln.Close()
	_ = b.file.Truncate(0)
	b.file.Close()
}

// ask sends a verb to the runner of a cluster. No runner is of kind Unavailable.
func ask(ctx context.Context, workDir, cluster, verb string) (string, error) {
	none := errs.New(errs.Unavailable, "cluster %s has no runner in %s", cluster, workDir)
	text, err := os.ReadFile(lockPath(workDir, cluster))
	if err != nil || len(text) == 0 {
		return "", none
	}
	var a address
	if err := json.Unmarshal(text, &a); err != nil {
		return "", none
	}
	d := net.Dialer{Timeout: time.Second}
	conn, err := d.DialContext(ctx, "tcp", a.Addr)
	if err != nil {
		return "", none
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s %s\n", a.Word, verb); err != nil {
		return "", none
	}
	reply, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		return "", none
	}
	said, ours := strings.CutPrefix(strings.TrimSpace(reply), a.Word+" ")
	if !ours { // another program has the port of a runner that is gone
		return "", none
	}
	return said, nil
}

// Wake tells the runner of a cluster that the queue has changed. Without a
// runner the error is of kind Unavailable.
func Wake(ctx context.Context, workDir, cluster string) error {
	_, err := ask(ctx, workDir, cluster, "wake")
	return err
}

// Status asks the runner of a cluster what its nodes do. Without a runner the
// error is of kind Unavailable: the cluster has no nodes.
func Status(ctx context.Context, workDir, cluster string) (*ClusterStatus, error) {
	text, err := ask(ctx, workDir, cluster, "status")
	if err != nil {
		return nil, err
	}
	var s ClusterStatus
	return &s, errs.Wrap(json.Unmarshal([]byte(text), &s), "read the status of cluster %s", cluster)
}
