//go:build conformance

package mlflow

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// rawRequest sends a request line that net/http would not send.
func (s *server) rawRequest(t *testing.T, method, target, body string, headers ...string) answer {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n", method, target)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	if body != "" {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", len(body))
	}
	b.WriteString("\r\n" + body)
	return s.wire(t, b.String())
}

// wire sends bytes as they are and reads one answer.
func (s *server) wire(t *testing.T, request string) answer {
	t.Helper()
	c, err := net.Dial("tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	go io.WriteString(c, request) // a server may answer before it read all
	resp, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return answer{status: 499, body: []byte(`{"error_code":"` + err.Error() + `"}`)} // it hung up
	}
	defer resp.Body.Close()
	data, _ := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, data}
}
