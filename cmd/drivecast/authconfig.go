package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/oidc"
)

// authConfig is the file of --auth-config; docs/auth.md describes it.
type authConfig struct {
	DefaultPermission string          `yaml:"default_permission"`
	AdminUsername     string          `yaml:"admin_username"`
	AdminPassword     string          `yaml:"-"` // only from MLflow's own file
	People            *peopleConfig   `yaml:"people"`
	Machines          []machineConfig `yaml:"machines"`
}

type peopleConfig struct {
	Issuer      string   `yaml:"issuer"`
	ClientID    string   `yaml:"client_id"`
	SecretEnv   string   `yaml:"client_secret_env"`
	SecretFile  string   `yaml:"client_secret_file"`
	RedirectURL string   `yaml:"redirect_url"`
	Scopes      []string `yaml:"scopes"`
	NameClaim   string   `yaml:"name_claim"`
	GroupsClaim string   `yaml:"groups_claim"`
	AdminGroups []string `yaml:"admin_groups"`
	AllowGroups []string `yaml:"allow_groups"`
}

type machineConfig struct {
	Issuer   string   `yaml:"issuer"`
	Audience string   `yaml:"audience"`
	Subjects []string `yaml:"subjects"`
	Groups   []string `yaml:"groups"`
	Account  string   `yaml:"account"`
	Scope    string   `yaml:"scope"`
}

// readAuthConfig reads our YAML or MLflow's ini. No name is no configuration.
func readAuthConfig(name string, getenv func(string) string) (*authConfig, error) {
	cfg := &authConfig{}
	if name == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, errs.Wrap(err, "read the configuration of users")
	}
	if strings.HasSuffix(name, ".ini") {
		return cfg, cfg.readINI(name, text)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(cfg); err != nil && !errors.Is(err, io.EOF) {
		return nil, &errs.Input{File: name, Problem: err.Error(), Mend: "see docs/auth.md for what the file may hold"}
	}
	return cfg, nil
}

// readINI takes over what MLflow's basic_auth.ini says and means something here.
func (cfg *authConfig) readINI(name string, text []byte) error {
	lines := bufio.NewScanner(bytes.NewReader(text))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.ContainsAny(line[:1], "#;[") {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return &errs.Input{File: name, Row: n, Problem: "there is no = in it", Mend: "write key = value"}
		}
		value = strings.TrimSpace(value)
		switch strings.TrimSpace(key) {
		case "default_permission":
			cfg.DefaultPermission = value
		case "admin_username":
			cfg.AdminUsername = value
		case "admin_password":
			cfg.AdminPassword = value
		}
	}
	return lines.Err()
}

// providers makes what logs people in and recognises programs; nil when none is
// configured.
func (cfg *authConfig) providers(getenv func(string) string, now func() time.Time) (gate.Provider, gate.Bearers, error) {
	var provider gate.Provider
	var bearers gate.Bearers
	if p := cfg.People; p != nil {
		secret, err := p.secret(getenv)
		if err != nil {
			return nil, nil, err
		}
		made, err := oidc.NewProvider(oidc.People{
			Issuer: p.Issuer, ClientID: p.ClientID, ClientSecret: secret, RedirectURL: p.RedirectURL, Scopes: p.Scopes,
			NameClaim: p.NameClaim, GroupsClaim: p.GroupsClaim, AdminGroups: p.AdminGroups, AllowGroups: p.AllowGroups,
		}, oidc.Client(), now)
		if err != nil {
			return nil, nil, err
		}
		provider = made
	}
	if len(cfg.Machines) > 0 {
		trusts := make([]oidc.Trust, len(cfg.Machines))
		for i, m := range cfg.Machines {
			scope := auth.Scope{Level: auth.Edit}
			if m.Scope != "" {
				var err error
				if scope, err = auth.ParseScope(m.Scope); err != nil {
					return nil, nil, errs.Wrap(err, "machines of %s", m.Issuer)
				}
			}
			trusts[i] = oidc.Trust{Issuer: m.Issuer, Audience: m.Audience, Subjects: m.Subjects, Groups: m.Groups, Account: m.Account, Scope: scope}
		}
		made, err := oidc.NewMachines(trusts, oidc.Client(), now)
		if err != nil {
			return nil, nil, err
		}
		bearers = made
	}
	return provider, bearers, nil
}

// secret reads the client's secret from where the configuration says: it is not
// in the file itself.
func (p *peopleConfig) secret(getenv func(string) string) (string, error) {
	if p.SecretFile != "" {
		text, err := os.ReadFile(p.SecretFile)
		return strings.TrimSpace(string(text)), errs.Wrap(err, "read the client secret")
	}
	if p.SecretEnv == "" {
		return "", nil
	}
	secret := getenv(p.SecretEnv)
	if secret == "" {
		return "", errs.New(errs.Usage, "the environment has no %s, which client_secret_env names", p.SecretEnv)
	}
	return secret, nil
}
