package score_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/score"
)

const one = `{"instances": [{"cap": 1.5, "kind": 0}]}`

// slow begins a request whose body does not come.
func slow(t *testing.T, s *httptest.Server, length int) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	fmt.Fprintf(c, "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n{", length)
	return c
}

// TestSlowBodiesHoldNobodyUp has senders that announce a lot and send one byte: they
// take neither the only place among those scored nor the memory that they announce.
func TestSlowBodiesHoldNobodyUp(t *testing.T) {
	s := httptest.NewServer(handler(t, signed(), score.Config{MaxConcurrent: 1, MaxBuffered: 1 << 20, MaxBody: 100 << 20}))
	t.Cleanup(s.Close)
	for range 10 {
		slow(t, s, 90<<20)
	}
	time.Sleep(50 * time.Millisecond)
	for range 20 {
		resp, err := http.Post(s.URL+"/invocations", js, strings.NewReader(one))
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != 200 {
			t.Fatalf("%d %s", resp.StatusCode, text)
		}
	}
}

// TestSilentSendersAreLetGo waits for the answer to a body that does not come.
func TestSilentSendersAreLetGo(t *testing.T) {
	s := httptest.NewServer(handler(t, signed(), score.Config{Patience: 50 * time.Millisecond}))
	t.Cleanup(s.Close)
	c := slow(t, s, 100)
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || resp.StatusCode != http.StatusRequestTimeout || !resp.Close {
		t.Fatalf("%v, %v", resp, err)
	}
	resp.Body.Close()
	resp, err = http.Post(s.URL+"/invocations", js, io.MultiReader(strings.NewReader(one[:9]), strings.NewReader(one[9:]))) // of unknown length
	if err != nil || resp.StatusCode != 200 {
		t.Errorf("%v, %v", resp, err)
	}
	resp.Body.Close()
}

// zipped returns a text compressed with gzip.
func zipped(t *testing.T, text string) io.Reader {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return &b
}
