package cli

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
)

// Listen opens the address, and says what to do when it is taken.
func Listen(ctx context.Context, addr, flag string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", addr)
	addrErr := (*net.AddrError)(nil)
	switch {
	case errors.As(err, &addrErr) && addrErr.Err == "invalid port":
		return nil, errs.New(errs.Usage, "%s %s: a port is a number from 0 to 65535", flag, addr)
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, errs.New(errs.Unavailable, "%s is in use by another program; stop it, or choose another address with %s", addr, flag)
	case errors.Is(err, syscall.EACCES):
		return nil, errs.New(errs.Denied, "%s may not be opened; choose a port above 1023 with %s", addr, flag)
	}
	return l, errs.Wrap(err, "listen")
}

// drain is how long requests in flight may take to finish after a stop.
const drain = 20 * time.Second

// started is when a server that was opened is taken to have read what only its
// start needs.
const started = time.Second

// Serve answers requests until ctx ends, over TLS when secure is not nil, then lets those in flight finish.
func Serve(ctx context.Context, l net.Listener, secure *tls.Config, h http.Handler, logger *slog.Logger) error {
	s := &http.Server{
		Handler: h, TLSConfig: secure, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		ErrorLog:    slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
	}
	s.Protocols = new(http.Protocols) // gRPC's clients speak HTTP/2 from the start, with TLS and without
	s.Protocols.SetHTTP1(true)
	s.Protocols.SetHTTP2(true)
	s.Protocols.SetUnencryptedHTTP2(true)
	failed := make(chan error, 1)
	go func() {
		if secure != nil {
			failed <- s.ServeTLS(l, "", "")
		} else {
			failed <- s.Serve(l)
		}
	}()
	rest := time.AfterFunc(started, func() {
		debug.FreeOSMemory()
		releaseProgram()
	})
	defer rest.Stop()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	if err := s.Shutdown(stop); err != nil {
		s.Close()
		return errs.Wrap(err, "stop: requests in flight did not finish in %s", drain)
	}
	return nil
}

// Address is where a server listens, by the flags that MLflow's users know.
type Address struct {
	Host string
	Port int
}

// String returns host and port as listeners want them.
func (a *Address) String() string { return net.JoinHostPort(a.Host, strconv.Itoa(a.Port)) }

// AddTo adds --host (-h) and --port (-p); help keeps its long form.
func (a *Address) AddTo(c *cobra.Command, port int) {
	c.Flags().Bool("help", false, "help for "+c.Name())
	c.Flags().StringVarP(&a.Host, "host", "h", "127.0.0.1", "address to listen on")
	c.Flags().IntVarP(&a.Port, "port", "p", port, "port to listen on; 0 takes a free one")
}

// Accept adds flags that MLflow's commands have and that need nothing here.
func Accept(c *cobra.Command, flags ...string) {
	for _, name := range flags {
		c.Flags().Bool(name, false, "accepted for MLflow's users; there is no environment to choose")
		if err := c.Flags().MarkHidden(name); err != nil {
			panic("BUG: " + err.Error())
		}
	}
}
