package local_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/job/local"
)

// TestStrangerOnTheRunnersPort leaves the lock file of a killed runner whose
// port another program has by now: it must not pass for the runner.
func TestStrangerOnTheRunnersPort(t *testing.T) {
	dir := t.TempDir()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, "HTTP/1.1 400 Bad Request\r\n\r\n")
			conn.Close()
		}
	}()
	text, err := json.Marshal(map[string]any{"pid": 1, "addr": l.Addr().String(), "word": "secret"})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "compute"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{string(text), "", "rubbish"} {
		if err := os.WriteFile(filepath.Join(dir, "compute", "cpu.lock"), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := local.Wake(t.Context(), dir, "cpu"); !errs.Is(err, errs.Unavailable) {
			t.Errorf("lock file %q: %v, want kind unavailable", content, err)
		}
	}
}
