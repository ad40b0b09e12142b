// Package failover passes scoring requests on to the first endpoint of a list that
// is well, and to the next one when that fails before it has answered. Scoring
// changes nothing, so a request may be sent twice.
package failover

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Endpoint is a scoring server that requests can go to.
type Endpoint struct {
	Name  string // in logs, metrics and the header X-Drivecast-Endpoint
	URL   string // http or https; what a request asks for comes behind its path
	Token string // sent as the bearer token; "" leaves what the client sent
}

// Config says where requests go and when an endpoint is taken for well. Zero values
// take the defaults.
type Config struct {
	Endpoints []Endpoint    // in the order of preference, at least one
	Probe     string        // path that is asked whether an endpoint is ready; default /readyz
	Every     time.Duration // between two looks at an endpoint; default 2 s
	Wait      time.Duration // for the answer to a look; default 2 s
	Down      int           // failures in a row that take an endpoint out; default 2. A refused connection does at once
	Up        int           // good looks in a row that take it back; default 2
	Attempt   time.Duration // one endpoint has for an answer; default 30 s
	Tries     int           // endpoints that a request is sent to at most; default 2
	MaxBody   int64         // bytes of a request; more are answered 413; default 128 MiB
	MaxHeld   int64         // bytes of all requests that are held at once; more are answered 503; default 512 MiB
	Strip     bool          // the Authorization of clients is for the proxy and goes no further
	CA        []byte        // PEM certificates to trust beside the system's
	Logger    *slog.Logger  // default: none
}

// Proxy is an HTTP handler in front of endpoints. It is safe for concurrent use.
type Proxy struct {
	cfg       Config
	endpoints []*endpoint
	transport *http.Transport
	held      atomic.Int64
}

// New makes a proxy. It fails with errs.Usage on what is no list of endpoints. No
// endpoint is well until Run has looked at it.
func New(cfg Config) (*Proxy, error) {
	cfg = cfg.withDefaults()
	if len(cfg.Endpoints) == 0 {
		return nil, errs.New(errs.Usage, "there is no endpoint to send requests to")
	}
	p := &Proxy{cfg: cfg, transport: http.DefaultTransport.(*http.Transport).Clone()}
	p.transport.DisableCompression = true // what comes is passed on as it is
	p.transport.MaxIdleConnsPerHost = 256
	p.transport.MaxIdleConns = 0
	if len(cfg.CA) > 0 {
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		if !roots.AppendCertsFromPEM(cfg.CA) {
			return nil, errs.New(errs.Invalid, "the file of certificates to trust holds none in PEM form")
		}
		p.transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	names := map[string]bool{}
	for _, e := range cfg.Endpoints {
		u, err := url.Parse(e.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
			return nil, errs.New(errs.Usage, "endpoint %s: %q is no address like https://host:port, without user and query", e.Name, e.URL)
		}
		if names[e.Name] {
			return nil, errs.New(errs.Usage, "two endpoints have the name %q; write NAME=URL", e.Name)
		}
		names[e.Name] = true
		u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), ""
		p.endpoints = append(p.endpoints, &endpoint{Endpoint: e, url: u, problem: "not looked at yet"})
	}
	return p, nil
}

func (c Config) withDefaults() Config {
	def := func(d *time.Duration, or time.Duration) {
		if *d <= 0 {
			*d = or
		}
	}
	def(&c.Every, 2*time.Second)
	def(&c.Wait, 2*time.Second)
	def(&c.Attempt, 30*time.Second)
	if c.Probe == "" {
		c.Probe = "/readyz"
	}
	for _, n := range []*int{&c.Down, &c.Up, &c.Tries} {
		if *n <= 0 {
			*n = 2
		}
	}
	if c.MaxBody <= 0 {
		c.MaxBody = 128 << 20
	}
	if c.MaxHeld <= 0 {
		c.MaxHeld = 512 << 20
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Run looks at the endpoints until ctx ends. ready is called once each was looked at.
func (p *Proxy) Run(ctx context.Context, ready func()) {
	var first, all sync.WaitGroup
	for _, e := range p.endpoints {
		first.Add(1)
		all.Go(func() {
			p.look(ctx, e, true)
			first.Done()
			tick := time.NewTicker(p.cfg.Every)
			defer tick.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-tick.C:
					p.look(ctx, e, false)
				}
			}
		})
	}
	first.Wait()
	ready()
	all.Wait()
	p.transport.CloseIdleConnections()
}
