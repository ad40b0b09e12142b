package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/web"
)

// authOptions are the flags that turn users on and say who they are.
type authOptions struct {
	on       bool
	app      string // MLflow's name for it: basic-auth
	config   string // file, see authConfig
	level    string // what everyone may do with what they were granted nothing on
	auditLog string // file of JSON lines
	proxies  []string
}

func (o *authOptions) addTo(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&o.on, "auth", false, "ask everyone who they are; make the first admin with: drivecast server user add NAME --admin")
	f.StringVar(&o.app, "app-name", "", "basic-auth is --auth, for MLflow's users")
	f.StringVar(&o.config, "auth-config", "", "YAML file that names identity providers, or MLflow's basic_auth.ini (default: $MLFLOW_AUTH_CONFIG_PATH)")
	f.StringVar(&o.level, "default-permission", "", "what everyone may do with what they were granted nothing on: READ, USE, EDIT, MANAGE or NO_PERMISSIONS (default READ)")
	f.StringVar(&o.auditLog, "audit-log", "", "with --auth: file that gets a JSON line for everything that is changed or refused; the database keeps them in any case")
	f.StringSliceVar(&o.proxies, "trusted-proxies", nil, "addresses or networks whose X-Forwarded-For and -Proto are believed")
	_ = f.MarkHidden("app-name")
}

// resolve checks the flags, and that they agree.
func (o *authOptions) resolve(getenv func(string) string) error {
	switch o.app {
	case "":
	case "basic-auth":
		o.on = true
	default:
		return errs.New(errs.Usage, "--app-name %s is not one that there is; basic-auth is", o.app)
	}
	if o.config == "" {
		o.config = getenv("MLFLOW_AUTH_CONFIG_PATH")
	}
	return nil
}

func parsePrefixes(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return nil, errs.New(errs.Usage, "--trusted-proxies %q is neither an address nor a network like 10.0.0.0/8", text)
			}
			p = netip.PrefixFrom(a, a.BitLen())
		}
		out = append(out, p)
	}
	return out, nil
}

// users is what a server with users has more than one without.
type users struct {
	auth  *auth.Service
	gate  *gate.Gate
	close func()
}

// wrap returns what goes before everything, nil without users.
func (u *users) wrap() func(http.Handler) http.Handler {
	if u.gate == nil {
		return nil
	}
	return u.gate.Wrap
}

// viewer says on pages who looks at them, nil without users.
func (u *users) viewer() web.Viewer {
	if u.gate == nil {
		return nil
	}
	return func(r *http.Request) (name, form string) {
		if i := auth.From(r.Context()); i != nil {
			name = i.User.Name
		}
		return name, u.gate.FormToken(r)
	}
}

// openUsers opens the gate, when users are on.
func (a *app) openUsers(ctx context.Context, o *authOptions, db *sqlstore.DB, logger *slog.Logger) (*users, error) {
	if !o.on && o.auditLog != "" {
		return nil, errs.New(errs.Usage, "--audit-log says who did what, and nobody is asked who they are: add --auth, or leave it out")
	}
	if !o.on {
		return &users{close: func() {}}, nil
	}
	cfg, err := readAuthConfig(o.config, a.getenv)
	if err != nil {
		return nil, err
	}
	if o.level != "" {
		cfg.DefaultPermission = o.level
	}
	level := auth.DefaultLevel
	if cfg.DefaultPermission != "" {
		if level, err = auth.ParseLevel(cfg.DefaultPermission); err != nil {
			return nil, errs.Wrap(err, "default permission")
		}
	}
	proxies, err := parsePrefixes(o.proxies)
	if err != nil {
		return nil, err
	}
	service := auth.New(db.Auth(), level, a.now)
	if err := a.firstAdmin(ctx, service, cfg); err != nil {
		return nil, err
	}
	provider, bearers, err := cfg.providers(a.getenv, a.now)
	if err != nil {
		return nil, err
	}
	lines, closeLines, err := openAuditLog(o.auditLog)
	if err != nil {
		return nil, err
	}
	log := auth.NewLog(db.Auth(), lines, logger)
	g := gate.New(gate.Config{Auth: service, Log: log, Logger: logger, Provider: provider, Bearers: bearers, Proxies: proxies, Now: a.now})
	return &users{service, g, func() { log.Close(); closeLines() }}, nil
}

// firstAdmin makes the admin that the environment or the configuration names
// when there is none, and refuses to go on when there can be none.
func (a *app) firstAdmin(ctx context.Context, s *auth.Service, cfg *authConfig) error {
	have, err := s.HasAdmin(ctx)
	if err != nil || have {
		return err
	}
	password := a.getenv("DRIVECAST_ADMIN_PASSWORD")
	if password == "" {
		password = a.getenv("MLFLOW_AUTH_ADMIN_PASSWORD")
	}
	if password == "" {
		password = cfg.AdminPassword
	}
	name := cfg.AdminUsername
	if name == "" {
		name = "admin"
	}
	if password != "" {
		_, err := s.CreateUser(ctx, name, password, true)
		return errs.Wrap(err, "make the first admin %s", name)
	}
	if cfg.People != nil && len(cfg.People.AdminGroups) > 0 {
		return nil // the identity provider knows the admins
	}
	return errs.New(errs.Usage, "there is no admin yet; make one with: drivecast server user add %s --admin (on the same --backend-store-uri), or set DRIVECAST_ADMIN_PASSWORD", name)
}

// openAuditLog opens the file of JSON lines; nil without a name.
func openAuditLog(name string) (lines io.Writer, closer func(), err error) {
	if name == "" {
		return nil, func() {}, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, nil, errs.Wrap(err, "make the folder of the audit log")
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, nil, errs.Wrap(err, "open the audit log")
	}
	return f, func() { f.Close() }, nil
}
