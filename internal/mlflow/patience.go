package mlflow

import (
	"io"
	"net/http"
	"time"
)

// How long clients may take: for the whole body of a JSON request, and between
// two pieces of a file.
const (
	bodyTime = time.Minute
	idleTime = time.Minute
)

// hurry ends the connection of a client that takes too long to send its body.
func hurry(w http.ResponseWriter, within time.Duration) (calm func()) {
	c := http.NewResponseController(w)
	if c.SetReadDeadline(time.Now().Add(within)) != nil {
		return func() {} // not a connection
	}
	return func() { c.SetReadDeadline(time.Time{}) }
}

// patient is a body whose client may take as long as it likes, but not pause for
// longer than idleTime.
type patient struct {
	body    io.Reader
	control *http.ResponseController
	renewed time.Time
}

func patiently(w http.ResponseWriter, body io.Reader) (r *patient, calm func()) {
	p := &patient{body: body, control: http.NewResponseController(w)}
	return p, func() { p.control.SetReadDeadline(time.Time{}) }
}

// Read reads the body and renews the deadline now and then.
func (p *patient) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(p.renewed) > idleTime/10 {
		p.renewed = now
		p.control.SetReadDeadline(now.Add(idleTime))
	}
	return p.body.Read(b)
}
