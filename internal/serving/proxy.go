package serving

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/pflag"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/failover"
)

// proxying are the flags of a server that has no model and passes requests on.
type proxying struct {
	endpoints []string
	list, ca  string
	cfg       failover.Config
}

func (o *proxying) addTo(f *pflag.FlagSet) {
	f.StringArrayVar(&o.endpoints, "proxy", nil, "serve no model, but pass requests on to the first of these endpoints that is well: [NAME=]URL; may be repeated")
	f.StringVar(&o.list, "proxy-list", "", "file of endpoints for --proxy, one a line: NAME URL [TOKEN_FILE], the preferred one first")
	f.StringVar(&o.ca, "proxy-ca", "", "PEM file of certificates that endpoints may show, beside the system's")
	f.StringVar(&o.cfg.Probe, "proxy-probe", "/readyz", "path that is asked whether an endpoint is ready")
	f.DurationVar(&o.cfg.Every, "proxy-every", 2*time.Second, "how often each endpoint is asked")
	f.DurationVar(&o.cfg.Attempt, "proxy-timeout", 30*time.Second, "how long an endpoint has for an answer")
	f.IntVar(&o.cfg.Tries, "proxy-tries", 2, "how many endpoints a request is sent to at most")
	f.IntVar(&o.cfg.Down, "proxy-down", 2, "failures in a row after which an endpoint gets no requests; a refused connection is enough")
	f.IntVar(&o.cfg.Up, "proxy-up", 2, "good answers in a row after which it gets requests again")
}

func (o *proxying) asked() bool { return len(o.endpoints) > 0 || o.list != "" }

// config reads the endpoints.
func (o *proxying) config() (failover.Config, error) {
	cfg := o.cfg
	for i, arg := range o.endpoints {
		name, uri, ok := strings.Cut(arg, "=")
		if !ok || strings.Contains(name, "/") {
			name, uri = strconv.Itoa(i+1), arg
		}
		cfg.Endpoints = append(cfg.Endpoints, failover.Endpoint{Name: name, URL: uri})
	}
	if o.list != "" {
		more, err := readEndpoints(o.list)
		if err != nil {
			return cfg, err
		}
		cfg.Endpoints = append(cfg.Endpoints, more...)
	}
	if o.ca != "" {
		var err error
		if cfg.CA, err = os.ReadFile(o.ca); err != nil {
			return cfg, errs.Wrap(err, "--proxy-ca")
		}
	}
	if cfg.Every <= 0 || cfg.Attempt <= 0 || cfg.Tries < 1 || cfg.Down < 1 || cfg.Up < 1 || !strings.HasPrefix(cfg.Probe, "/") {
		return cfg, errs.New(errs.Usage, "--proxy-every and --proxy-timeout are more than 0, --proxy-tries, --proxy-down and --proxy-up at least 1, and --proxy-probe begins with /")
	}
	return cfg, nil
}

// readEndpoints reads lines of NAME URL [TOKEN_FILE]; # begins a comment.
func readEndpoints(file string) ([]failover.Endpoint, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, errs.Wrap(err, "--proxy-list")
	}
	defer f.Close()
	var out []failover.Endpoint
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if len(words) < 2 || len(words) > 3 {
			return nil, &errs.Input{File: file, Row: n, Problem: fmt.Sprintf("there are %d words", len(words)), Mend: "write NAME URL, or NAME URL TOKEN_FILE"}
		}
		e := failover.Endpoint{Name: words[0], URL: words[1]}
		if len(words) == 3 {
			token, err := os.ReadFile(words[2])
			if err != nil {
				return nil, &errs.Input{File: file, Row: n, Problem: "the token cannot be read: " + err.Error(), Mend: "name a file that holds the token alone"}
			}
			if e.Token = strings.TrimSpace(string(token)); e.Token == "" || strings.ContainsAny(e.Token, "\r\n") {
				return nil, &errs.Input{File: file, Row: n, Problem: words[2] + " does not hold one line", Mend: "name a file that holds the token alone"}
			}
		}
		out = append(out, e)
	}
	return out, errs.Wrap(lines.Err(), "--proxy-list")
}

// proxy passes requests on until ctx ends.
func (e Env) proxy(ctx context.Context, o *options, logger *slog.Logger) error {
	cfg, err := o.proxying.config()
	if err != nil {
		return err
	}
	cfg.Logger, cfg.Strip = logger, o.tokens != ""
	p, err := failover.New(cfg)
	if err != nil {
		return err
	}
	secure, err := o.secure.Config()
	if err != nil {
		return err
	}
	l, err := cli.Listen(ctx, o.addr.String(), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	o.warnOpen(logger)
	var h http.Handler
	h, flush, err := e.Measured(ctx, p, logger, p)
	if err != nil {
		return err
	}
	defer flush()
	if h, err = Guarded(h, o.tokens); err != nil {
		return err
	}
	var looking sync.WaitGroup
	defer looking.Wait()
	looks, stop := context.WithCancel(context.WithoutCancel(ctx)) // requests in flight are still passed on after a stop
	defer stop()
	looked := make(chan struct{})
	looking.Go(func() { p.Run(looks, func() { close(looked) }) })
	select {
	case <-looked:
	case <-ctx.Done():
		return nil
	}
	for _, s := range p.Status() {
		how := "up"
		if !s.Up {
			how = "down: " + s.Problem
		}
		fmt.Fprintf(e.Stderr, "endpoint %s, %s, is %s\n", s.Name, s.URL, how)
	}
	fmt.Fprintf(e.Stderr, "passing requests on at %s://%s\n", o.secure.Scheme(), l.Addr())
	return cli.Serve(ctx, l, secure, h, logger)
}
