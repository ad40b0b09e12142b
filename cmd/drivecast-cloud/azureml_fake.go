package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/azure/azurefake"
)

// azureFake is the command azure-fake.
func (a *app) azureFake() *cobra.Command {
	var address string
	var containers []string
	o := azurefake.Options{}
	c := &cobra.Command{
		Use:   "azure-fake",
		Short: "Serve a local control plane of Azure ML, to try jobs without Azure",
		Long: `Serves a control plane of Azure ML over TLS on this machine, built on the fake server of Microsoft's SDK. It prints
the variables that make --target azureml use it. Any subscription, resource group and workspace exists. Command jobs, trials
of sweeps and command steps of pipelines run as processes of this machine. What was made is kept in --dir.

Online endpoints serve, at the address that they name. Each deployment is a process: the
program of its image, when that is in a registry of this machine; else the command line
that --container gives for the image, or the drivecast-score beside this program with the
deployment's model. Its routes and probes are those that were declared.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Containers = map[string]string{}
			for _, c := range containers {
				image, line, ok := strings.Cut(c, "=")
				if !ok || image == "" || line == "" {
					return errs.New(errs.Usage, "--container %s: write IMAGE=COMMAND", c)
				}
				o.Containers[image] = line
			}
			if o.Scorer == "" {
				o.Scorer = besideThis("drivecast-score")
			}
			l, err := net.Listen("tcp", address)
			if err != nil {
				return errs.Wrap(err, "listen on %s", address)
			}
			return a.serveAzureFake(c.Context(), l, o)
		},
	}
	c.Flags().StringVar(&o.Dir, "dir", "azure-fake", "folder of the state and the files")
	c.Flags().StringVar(&address, "listen", "127.0.0.1:8443", "address to listen on; it runs commands, so keep it on this machine")
	c.Flags().IntVar(&o.Slots, "slots", 2, "jobs at a time")
	c.Flags().DurationVar(&o.Step, "step", 200*time.Millisecond, "how long a job stays in a state that does nothing")
	c.Flags().StringVar(&o.Scorer, "scorer", "", "program that serves models of online endpoints (default the drivecast-score beside this one)")
	c.Flags().StringArrayVar(&containers, "container", nil, "IMAGE=COMMAND: command line for the shell that stands for an image and listens on $PORT; may be repeated")
	c.Flags().Float64Var(&o.Pace, "pace", 20, "how many times faster than Azure's the clock of probes runs")
	return c
}

// besideThis finds a program beside this one, or on the PATH; "" is none.
func besideThis(name string) string {
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return ""
	}
	return path
}

func (a *app) serveAzureFake(ctx context.Context, l net.Listener, o azurefake.Options) error {
	defer l.Close()
	if host, ok := l.Addr().(*net.TCPAddr); !ok || !host.IP.IsLoopback() {
		return errs.New(errs.Usage, "--listen %s: azure-fake runs commands and stays on this machine; write 127.0.0.1:PORT", l.Addr())
	}
	cert, ca, err := azurefake.Certificate(o.Dir, time.Now())
	if err != nil {
		return err
	}
	o.URL, o.Log = "https://"+l.Addr().String(), slog.New(slog.NewTextHandler(a.stderr, nil))
	o.Environ, o.CA = os.Environ(), ca
	s, err := azurefake.New(o)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "export DRIVECAST_AZURE_ENDPOINT=%s\nexport DRIVECAST_AZURE_CA=%s\nexport AZURE_TENANT_ID=%s\nexport AZURE_CLIENT_ID=%s\nexport AZURE_CLIENT_SECRET=%s\n",
		o.URL, ca, azurefake.Tenant, azurefake.Client, s.Secret())
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(o.Log.Handler(), slog.LevelWarn),
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS12},
	}
	defer s.Close()
	runner := make(chan struct{})
	own, stop := context.WithCancel(ctx)
	defer func() { stop(); <-runner }()
	go func() { defer close(runner); s.Run(own) }()
	go func() {
		<-own.Done()
		end, cancel := context.WithTimeout(context.WithoutCancel(own), 5*time.Second)
		defer cancel()
		server.Shutdown(end)
	}()
	if err := server.ServeTLS(l, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return errs.Wrap(err, "serve")
	}
	return nil
}
