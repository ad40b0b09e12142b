package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/cli"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/monitor"
	"github.com/drivecast/drivecast/internal/objectstore"
	"github.com/drivecast/drivecast/internal/serving"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/web"
)

// serverOptions are the flags of `drivecast server`, named as MLflow's.
type serverOptions struct {
	backend     string // URI of the store
	root        string // default artifact root; "": through this server
	artifacts   string // folder of proxied artifacts
	version     string // what /version says
	hosts       []string
	origins     []string
	durable     bool
	exposeToAll bool

	auth authOptions
	tls  cli.TLS
	rate float64 // requests a second of one client; 0 is any number

	webhookPrivate []string // hosts that webhooks may go to although they are not public
	webhookGitHub  string   // settings of the receiver of GitHub's webhooks; "" for none
}

func (a *app) serverCommand() *cobra.Command {
	var o serverOptions
	var addr cli.Address
	var verbose bool
	c := &cobra.Command{
		Use:   "server",
		Short: "Run the tracking server and model registry",
		Long: `Run the tracking server and model registry that unchanged MLflow clients use.

Without flags everything is kept in ` + defaultDataDir + `. With --default-artifact-root file:///DIR
runs are handed file URIs; without it, clients send artifacts through this server.`,
		Example: "  drivecast server --backend-store-uri sqlite:///mlflow.db --artifacts-destination ./artifacts --port 5000",
		Args:    cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			level := slog.LevelWarn
			if verbose {
				level = slog.LevelDebug
			}
			return a.trackingServer(c.Context(), o, addr, a.logger(level))
		},
	}
	c.AddCommand(a.userCommand(), a.tokenCommand(), a.auditLogCommand())
	o.auth.addTo(c)
	o.tls.AddTo(c)
	f := c.Flags()
	f.Float64Var(&o.rate, "rate-limit", 0, "requests that one client address may send a second, ten times as many at once; 0 is any number")
	f.StringVar(&o.backend, "backend-store-uri", defaultBackend(), "where records are kept: sqlite:///FILE or postgresql://USER:PASSWORD@HOST/DATABASE")
	f.StringVar(&o.root, "default-artifact-root", "", "where runs keep their files (default: mlflow-artifacts:/, through this server)")
	f.StringVar(&o.artifacts, "artifacts-destination", defaultDataDir+"/artifacts", "where files that go through this server are kept: a folder, s3://, gs:// or wasbs://")
	f.StringSliceVar(&o.webhookPrivate, "webhook-allow-private", nil, "host that webhooks may go to although it is not public; may be given several times")
	f.StringVar(&o.webhookGitHub, "webhook-github", "", "settings by which pushes to GitHub start jobs, taken at /webhooks/github; the secret is in a file that they name or in $DRIVECAST_WEBHOOK_SECRET")
	f.StringVar(&o.version, "mlflow-version", mlflow.DefaultVersion, "what /version says")
	f.StringSliceVar(&o.hosts, "allowed-hosts", nil, "further Host names to answer to; * is any")
	f.StringSliceVar(&o.origins, "cors-allowed-origins", nil, "origins whose pages may call this server; * is any")
	f.BoolVar(&o.durable, "durable", false, "sync every commit: survives loss of power, and is slower")
	f.BoolVar(&o.exposeToAll, "allow-unauthenticated", false, "listen on an address that others can reach, although nobody is asked who they are")
	f.BoolVar(&verbose, "verbose", false, "log requests that fail")
	addr.AddTo(c, 5000)
	c.AddCommand(a.adminCommands()...)
	cli.Accept(c, "serve-artifacts", "no-conda", "dev")
	for _, ignored := range []string{"env-manager", "workers", "gunicorn-opts", "waitress-opts", "uvicorn-opts"} {
		f.String(ignored, "", "accepted for MLflow's users")
		_ = f.MarkHidden(ignored)
	}
	return c
}

func (a *app) trackingServer(ctx context.Context, o serverOptions, addr cli.Address, logger *slog.Logger) error {
	if err := o.guard(addr.String(), "--host", a.getenv); err != nil {
		return err
	}
	secure, err := o.tls.Config()
	if err != nil {
		return err
	}
	l, err := cli.Listen(ctx, addr.String(), "--port")
	if err != nil {
		return err
	}
	defer l.Close()
	h, closeStore, err := a.openTracking(ctx, o, logger)
	if err != nil {
		return err
	}
	defer closeStore()
	if o.webhookGitHub != "" {
		var stop func()
		if h, stop, err = a.withHook(ctx, h, o.webhookGitHub, o.tls.Scheme(), l.Addr(), logger); err != nil {
			return err
		}
		defer stop()
	}
	proxies, err := parsePrefixes(o.auth.proxies)
	if err != nil {
		return err
	}
	h = gate.Limit(h, o.rate, int(10*o.rate), proxies, a.now)
	fmt.Fprintf(a.stderr, "tracking server and registry on %s://%s/, records in %s\n", o.tls.Scheme(), l.Addr(), sqlstore.Redact(o.backend))
	if o.auth.on && secure == nil && !loopback(addr.Host) && len(proxies) == 0 {
		fmt.Fprintln(a.stderr, "passwords and tokens cross the network unencrypted; use --tls-cert and --tls-key, or a proxy that speaks TLS and --trusted-proxies")
	}
	return cli.Serve(ctx, l, secure, h, logger)
}

// defaultBackend is where records are kept unless a flag says otherwise.
func defaultBackend() string {
	return "sqlite:///" + strings.TrimPrefix(defaultDataDir, "./") + "/" + storeFile
}

// guard checks the flags of authentication, and refuses to let others reach an
// address that asks nobody who they are.
func (o *serverOptions) guard(addr, flag string, getenv func(string) string) error {
	if err := o.auth.resolve(getenv); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return errs.New(errs.Usage, "%s %s is not an address like 127.0.0.1:5000", flag, addr)
	}
	if !loopback(host) && !o.exposeToAll && !o.auth.on {
		return errs.New(errs.Usage, "%s %s can be reached by others, and nobody would be asked who they are; ask them with --auth, listen on 127.0.0.1, or say --allow-unauthenticated", flag, host)
	}
	return nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// openTracking opens the stores and returns the server's handler, with the page
// at /, and what closes them.
func (a *app) openTracking(ctx context.Context, o serverOptions, logger *slog.Logger) (http.Handler, func(), error) {
	if err := makeParent(o.backend); err != nil {
		return nil, nil, err
	}
	m := monitor.New("tracking", readBuild().Version)
	stop, err := m.Export(ctx, a.getenv, "tracking", readBuild().Version, logger)
	if err != nil {
		return nil, nil, err
	}
	db, err := sqlstore.Open(ctx, o.backend, sqlstore.Options{Durable: o.durable, KeyFile: keyFile(o.backend), BeforeMigration: a.beforeMigration(o.backend), Observe: m.ObserveStore})
	if err != nil {
		return nil, nil, err
	}
	files, err := a.openArtifacts(o.artifacts)
	if err != nil {
		db.Close()
		return nil, nil, err
	}
	var root artifact.Store
	if objectstore.Is(o.root) {
		if root, err = objectstore.Open(o.root, a.getenv); err != nil {
			db.Close()
			return nil, nil, err
		}
	}
	users, err := a.openUsers(ctx, &o.auth, db, logger)
	if err != nil {
		closeArtifacts(files)
		db.Close()
		return nil, nil, err
	}
	api, err := mlflow.NewHandler(ctx, mlflow.Config{
		Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files, DefaultArtifactRoot: o.root, Root: root, Version: o.version,
		Auth: users.auth, Gate: users.wrap(), Stopping: ctx.Done(), Webhooks: db.Webhooks(), WebhookPrivate: o.webhookPrivate,
		AllowedHosts: o.hosts, CORSOrigins: o.origins, Logger: logger, Now: a.now,
	})
	if err != nil {
		users.close()
		closeArtifacts(files)
		db.Close()
		return nil, nil, err
	}
	api.Mount("/", web.Handler(api.Records(), api.Records(), users.viewer()))
	api.Mount("/metrics", m.Handler())
	return m.Wrap(api, api.Route), func() {
		serving.Flush(ctx, stop, logger)
		users.close()
		for _, err := range []error{api.Close(), closeArtifacts(files), db.Close()} {
			if err != nil {
				logger.Error("close", "err", err)
			}
		}
	}, nil
}

// keyFile is where the key lies that seals secrets in a database of a server;
// beside a database file it needs no name.
func keyFile(backend string) string {
	if strings.HasPrefix(backend, "sqlite:") {
		return ""
	}
	return filepath.Join(defaultDataDir, "secrets.key")
}

// openArtifacts opens the store of the files that go through the server: a folder,
// in which equal contents are kept once, or a service of objects.
func (a *app) openArtifacts(uri string) (artifact.Store, error) {
	if objectstore.Is(uri) {
		return objectstore.Open(uri, a.getenv)
	}
	f, err := artifact.OpenContent(localPath(uri))
	return f, errs.Wrap(err, "open %s", uri)
}

func closeArtifacts(s artifact.Store) error {
	if c, ok := s.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// localPath turns a file URI into a path.
func localPath(uri string) string {
	if rest, ok := strings.CutPrefix(uri, "file://"); ok {
		return filepath.FromSlash(rest)
	}
	return uri
}

// makeParent makes the folder that a new SQLite file will stand in.
func makeParent(backend string) error {
	file, ok := strings.CutPrefix(backend, "sqlite:///")
	if !ok && keyFile(backend) != "" {
		return errs.Wrap(os.MkdirAll(defaultDataDir, 0o755), "make the folder of the key")
	}
	if !ok || file == "" {
		return nil
	}
	return errs.Wrap(os.MkdirAll(filepath.Dir(filepath.FromSlash(file)), 0o755), "make the folder of %s", backend)
}
