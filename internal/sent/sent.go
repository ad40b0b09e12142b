// Package sent remembers what an HTTP handler answered.
package sent

import (
	"io"
	"net/http"
)

// Recorder is an http.ResponseWriter that remembers the status and counts the
// bytes of the body. Files still go to the connection without a copy, and
// http.ResponseController finds what is behind it.
type Recorder struct {
	http.ResponseWriter
	Status int   // 0 before anything is sent
	Bytes  int64 // of the body
}

// WriteHeader notes the status; informational ones are not the answer.
func (r *Recorder) WriteHeader(status int) {
	if r.Status == 0 && status >= 200 {
		r.Status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

// Write counts the bytes.
func (r *Recorder) Write(b []byte) (int, error) {
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.Bytes += int64(n)
	return n, err
}

// ReadFrom lets the connection take the bytes from a file itself.
func (r *Recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.Status == 0 {
		r.Status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.Bytes += n
	return n, err
}

// Unwrap returns the writer behind r, for http.ResponseController.
func (r *Recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
