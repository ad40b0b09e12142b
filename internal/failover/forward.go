package failover

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
)

// wholeAnswer is how long an answer may be to be passed on only once it is whole:
// until then another endpoint can still give it. Longer ones are passed on as they come.
const wholeAnswer = 1 << 20

// hopByHop are the headers that are between two neighbours only (RFC 9110, 7.6.1).
var hopByHop = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// ServeHTTP answers probes by itself and everything else by an endpoint.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/livez", "/healthz", "/v2/health/live", "/":
		answer(w, http.StatusOK, map[string]any{"status": "live"})
		return
	case "/readyz", "/ready", "/ping", "/health", "/v2/health/ready":
		p.ready(w)
		return
	case "/endpoints":
		answer(w, http.StatusOK, map[string]any{"endpoints": p.Status()})
		return
	}
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
		w.Header().Set("Content-Type", "application/grpc")
		w.Header().Set("Grpc-Status", "12")
		w.Header().Set("Grpc-Message", "the proxy passes HTTP requests on, not gRPC")
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed, "BAD_REQUEST", "The proxy passes on what may be sent twice: GET, HEAD and POST.")
		return
	}
	body, release, ok := p.read(w, r)
	defer release()
	if ok {
		p.pass(w, r, body)
	}
}

func (p *Proxy) ready(w http.ResponseWriter) {
	for _, e := range p.endpoints {
		if e.well() {
			answer(w, http.StatusOK, map[string]any{"status": "ready", "endpoints": p.Status()})
			return
		}
	}
	w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter()))
	answer(w, http.StatusServiceUnavailable, map[string]any{"status": "no endpoint is ready", "endpoints": p.Status()})
}

// read takes in the body, within the limits. Without ok the request has been answered.
func (p *Proxy) read(w http.ResponseWriter, r *http.Request) (body []byte, release func(), ok bool) {
	var claimed int64
	release = func() { p.held.Add(-claimed) }
	var b bytes.Buffer
	for {
		const step = 64 << 10
		claimed += step
		if p.held.Add(step) > p.cfg.MaxHeld {
			w.Header().Set("Retry-After", "1")
			refuse(w, http.StatusServiceUnavailable, "TEMPORARILY_UNAVAILABLE", "The proxy holds as many requests as it may. Try again in a second.")
			return nil, release, false
		}
		_, err := io.CopyN(&b, r.Body, step)
		if int64(b.Len()) > p.cfg.MaxBody {
			w.Header().Set("Connection", "close")
			refuse(w, http.StatusRequestEntityTooLarge, "BAD_REQUEST", fmt.Sprintf("The request body is larger than %d bytes.", p.cfg.MaxBody))
			return nil, release, false
		}
		if errors.Is(err, io.EOF) {
			return b.Bytes(), release, true
		}
		if err != nil {
			refuse(w, http.StatusBadRequest, "BAD_REQUEST", "The request body did not arrive whole.")
			return nil, release, false
		}
	}
}

// pass sends the request to one endpoint after the other until one answers.
func (p *Proxy) pass(w http.ResponseWriter, r *http.Request, body []byte) {
	tried := p.candidates()
	for i, e := range tried {
		last := i == len(tried)-1
		done, err := p.attempt(w, r, body, e, last)
		if done || r.Context().Err() != nil {
			return
		}
		if !last {
			e.retried.Add(1)
			continue
		}
		status, problem := http.StatusBadGateway, "no endpoint could be reached"
		if errors.Is(err, context.DeadlineExceeded) {
			status, problem = http.StatusGatewayTimeout, fmt.Sprintf("no endpoint answered within %s", p.cfg.Attempt)
		}
		w.Header().Set("Retry-After", strconv.Itoa(p.retryAfter()))
		refuse(w, status, "TEMPORARILY_UNAVAILABLE", "The request was sent to "+names(tried)+", and "+problem+". GET /endpoints tells how they do.")
	}
}

// attempt sends the request to one endpoint; done: its answer was passed on. Answers
// that another endpoint may better are passed on by the last one only.
func (p *Proxy) attempt(w http.ResponseWriter, r *http.Request, body []byte, e *endpoint, last bool) (done bool, err error) {
	ctx, cancel := context.WithTimeout(r.Context(), p.cfg.Attempt)
	defer cancel()
	resp, err := p.transport.RoundTrip(p.outgoing(ctx, r, body, e))
	if err != nil {
		p.blame(r, e, err)
		return false, err
	}
	defer resp.Body.Close()
	var head bytes.Buffer
	if _, err = io.CopyN(&head, resp.Body, wholeAnswer); err != nil && !errors.Is(err, io.EOF) {
		p.blame(r, e, err)
		return false, err
	}
	whole := err != nil
	switch resp.StatusCode {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		e.failed.Add(1)
		p.spoil(e, "answers "+resp.Status, false)
		if !last {
			return false, nil
		}
	case http.StatusTooManyRequests:
		if !last {
			e.failed.Add(1)
			return false, nil
		}
		e.cheer()
	default:
		e.cheer()
	}
	copyHeader(w.Header(), resp.Header)
	w.Header().Set("X-Drivecast-Endpoint", e.Name)
	w.WriteHeader(resp.StatusCode)
	if _, err := w.Write(head.Bytes()); err != nil || whole {
		return true, nil
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		p.blame(r, e, err)
		panic(http.ErrAbortHandler) // half an answer must not pass for a whole one
	}
	return true, nil
}

// blame holds an endpoint to account for a failed attempt, unless the client left.
func (p *Proxy) blame(r *http.Request, e *endpoint, err error) {
	if r.Context().Err() != nil {
		return
	}
	e.failed.Add(1)
	dial := (*net.OpError)(nil)
	p.spoil(e, err.Error(), errors.As(err, &dial) && dial.Op == "dial")
}

// outgoing is the request as an endpoint gets it.
func (p *Proxy) outgoing(ctx context.Context, r *http.Request, body []byte, e *endpoint) *http.Request {
	at := *e.url
	at.Path, at.RawPath, at.RawQuery = e.url.Path+r.URL.Path, "", r.URL.RawQuery
	if r.URL.RawPath != "" {
		at.RawPath = e.url.EscapedPath() + r.URL.RawPath
	}
	out := (&http.Request{Method: r.Method, URL: &at, Header: http.Header{}, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1}).WithContext(ctx)
	if len(body) > 0 {
		out.ContentLength = int64(len(body))
		out.Body = io.NopCloser(bytes.NewReader(body))
		out.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	copyHeader(out.Header, r.Header)
	if _, ok := out.Header["Idempotency-Key"]; !ok {
		out.Header["Idempotency-Key"] = nil // not sent: lets the transport ask again when a kept connection turns out closed
	}
	if _, ok := r.Header["User-Agent"]; !ok {
		out.Header.Set("User-Agent", "") // none, rather than Go's
	}
	if p.cfg.Strip {
		out.Header.Del("Authorization")
	}
	if e.Token != "" {
		out.Header.Set("Authorization", "Bearer "+e.Token)
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		if before := strings.Join(r.Header.Values("X-Forwarded-For"), ", "); before != "" {
			host = before + ", " + host
		}
		out.Header.Set("X-Forwarded-For", host)
	}
	return out
}

// copyHeader copies all headers but those between neighbours.
func copyHeader(to, from http.Header) {
	skip := map[string]bool{}
	for _, v := range from.Values("Connection") {
		for name := range strings.SplitSeq(v, ",") {
			skip[http.CanonicalHeaderKey(strings.TrimSpace(name))] = true
		}
	}
	for name, values := range from {
		if !skip[name] {
			to[name] = append([]string(nil), values...)
		}
	}
	for _, name := range hopByHop {
		to.Del(name)
	}
}

func names(endpoints []*endpoint) string {
	var out []string
	for _, e := range endpoints {
		out = append(out, e.Name)
	}
	return strings.Join(out, " and ")
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	answer(w, status, map[string]any{"error_code": code, "message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
