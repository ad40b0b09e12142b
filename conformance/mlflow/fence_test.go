//go:build conformance

package mlflow

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// secret stands in every file that no attack may read.
const secret = "a secret of the machine: 7f3c9b"

// fenced is a server between files that are not its own, and a listener that
// nothing may connect to.
type fenced struct {
	*server
	outside string // a folder with secrets; its tree may not change
	before  string // what the tree was
	calls   atomic.Int64
	trap    string // http://host:port of the listener
}

// fence starts a server whose folder has a neighbour with a secret, and whose
// artifacts hold a symbolic link to it. When the test ends, the neighbour must
// be untouched and the listener unvisited.
func fence(t *testing.T, flags ...string) *fenced {
	t.Helper()
	dir := t.TempDir()
	f := &fenced{outside: filepath.Join(dir, "outside")}
	for _, p := range []string{"secret.txt", "sub/secret.txt"} {
		file := filepath.Join(f.outside, p)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(secret), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	f.before = tree(t, dir, "server")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.calls.Add(1)
			c.Close()
		}
	}()
	f.trap = "http://" + l.Addr().String()
	t.Cleanup(func() {
		l.Close()
		if after := tree(t, dir, "server"); after != f.before {
			t.Errorf("files outside the server's folder changed\nbefore:\n%s\nafter:\n%s", f.before, after)
		}
		if n := f.calls.Load(); n != 0 {
			t.Errorf("the server opened %d connections to an address that a client named", n)
		}
	})
	f.server = start(t, filepath.Join(dir, "server"), flags...)
	return f
}

// tree lists every file below dir but those of skip, with its hash.
func tree(t *testing.T, dir, skip string) string {
	t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(dir, p)
		if rel == skip {
			return fs.SkipDir
		}
		if d.Type().IsRegular() {
			data, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			fmt.Fprintf(&b, "%s %x\n", rel, sha256.Sum256(data))
		} else {
			fmt.Fprintln(&b, rel, d.Type())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// refuses wants a 4xx with MLflow's JSON error, and no secret in it.
func refuses(t *testing.T, what string, a answer) {
	t.Helper()
	if a.status < 400 || a.status > 499 {
		t.Errorf("%s was answered %s; want a refusal", what, a)
	} else if a.code() == "" && a.status != 403 {
		t.Errorf("%s was refused without error_code: %s", what, a)
	}
	keeps(t, what, a)
}

// keeps wants no secret in the answer, and no fault of the server.
func keeps(t *testing.T, what string, a answer) {
	t.Helper()
	if strings.Contains(string(a.body), secret) || strings.Contains(string(a.body), "root:x:") {
		t.Errorf("%s gave a secret away: %s", what, a)
	}
	if a.status >= 500 {
		t.Errorf("%s is a fault of the server: %s", what, a)
	}
}
