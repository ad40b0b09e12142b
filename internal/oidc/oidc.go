// Package oidc trusts OpenID Connect providers: people log in at one with an
// authorization code and PKCE, and programs (GitHub Actions among them) show the
// JSON Web Tokens of others. Nothing is asked of a provider before it is needed.
package oidc

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// algorithms are the signatures that are accepted: asymmetric ones only, so that
// no public key is ever taken for a shared secret.
var algorithms = []string{gooidc.RS256, gooidc.RS384, gooidc.RS512, gooidc.ES256, gooidc.ES384, gooidc.ES512, gooidc.PS256, gooidc.PS384, gooidc.PS512, gooidc.EdDSA}

// issuer is a provider whose keys are fetched when they are first needed and kept
// until they change.
type issuer struct {
	url    string
	client *http.Client

	mu       sync.Mutex
	provider *gooidc.Provider
}

// get discovers the provider. A failure is forgotten: the next call tries again.
func (s *issuer) get(ctx context.Context) (*gooidc.Provider, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.provider != nil {
		return s.provider, nil
	}
	// The provider keeps the context for fetching keys later on: it must not end.
	p, err := gooidc.NewProvider(gooidc.ClientContext(context.WithoutCancel(ctx), s.client), s.url)
	if err != nil {
		return nil, errs.New(errs.Unavailable, "the identity provider %s cannot be asked: %w", s.url, err)
	}
	s.provider = p
	return p, nil
}

// People is how people log in.
type People struct {
	Issuer       string
	ClientID     string
	ClientSecret string // "" for public clients: PKCE is used in any case
	RedirectURL  string // https://this.server/oidc/callback
	Scopes       []string
	NameClaim    string   // what an account is called; "" means email
	GroupsClaim  string   // "" means groups
	AdminGroups  []string // whoever is in one of them is an admin
	AllowGroups  []string // when there are any, nobody else is let in
}

// Provider logs people in at one provider. It is safe for concurrent use.
type Provider struct {
	cfg    People
	issuer issuer
	now    func() time.Time
	client *http.Client
}

// NewProvider checks the configuration; the provider is asked at the first login.
func NewProvider(cfg People, client *http.Client, now func() time.Time) (*Provider, error) {
	if cfg.Issuer == "" || cfg.ClientID == "" || cfg.RedirectURL == "" {
		return nil, errs.New(errs.Invalid, "people can log in only with issuer, client_id and redirect_url")
	}
	if cfg.NameClaim == "" {
		cfg.NameClaim = "email"
	}
	if cfg.GroupsClaim == "" {
		cfg.GroupsClaim = "groups"
	}
	if len(cfg.Scopes) == 0 {
		cfg.Scopes = []string{"profile", "email"}
	}
	cfg.Scopes = slices.Compact(append([]string{gooidc.ScopeOpenID}, cfg.Scopes...))
	return &Provider{cfg: cfg, issuer: issuer{url: cfg.Issuer, client: client}, now: now, client: client}, nil
}

func (p *Provider) oauth(found *gooidc.Provider) *oauth2.Config {
	return &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, RedirectURL: p.cfg.RedirectURL, Scopes: p.cfg.Scopes, Endpoint: found.Endpoint()}
}

// Start returns the page of the provider that the browser goes to.
func (p *Provider) Start(ctx context.Context, state, nonce, verifier string) (string, error) {
	found, err := p.issuer.get(ctx)
	if err != nil {
		return "", err
	}
	return p.oauth(found).AuthCodeURL(state, gooidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)), nil
}

// Finish trades the code for an ID token and checks it: signature, issuer,
// audience, times and nonce.
func (p *Provider) Finish(ctx context.Context, code, nonce, verifier string) (auth.Claim, error) {
	var none auth.Claim
	found, err := p.issuer.get(ctx)
	if err != nil {
		return none, err
	}
	token, err := p.oauth(found).Exchange(gooidc.ClientContext(ctx, p.client), code, oauth2.VerifierOption(verifier))
	if err != nil {
		return none, errs.New(errs.Unauthenticated, "trade the code: %w", err)
	}
	raw, ok := token.Extra("id_token").(string)
	if !ok {
		return none, errs.New(errs.Unauthenticated, "the provider sent no ID token")
	}
	id, err := found.Verifier(&gooidc.Config{ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms, Now: p.now}).Verify(ctx, raw)
	if err != nil {
		return none, errs.New(errs.Unauthenticated, "the ID token does not hold: %w", err)
	}
	if nonce == "" || subtle.ConstantTimeCompare([]byte(id.Nonce), []byte(nonce)) != 1 {
		return none, errs.New(errs.Unauthenticated, "the ID token was made for another login")
	}
	return p.claim(id)
}

func (p *Provider) claim(id *gooidc.IDToken) (auth.Claim, error) {
	var all map[string]any
	if err := id.Claims(&all); err != nil {
		return auth.Claim{}, errs.New(errs.Unauthenticated, "the ID token is garbled: %w", err)
	}
	c := auth.Claim{Issuer: id.Issuer, Subject: id.Subject, Groups: texts(all[p.cfg.GroupsClaim]), Scope: auth.FullScope()}
	c.Name, _ = all[p.cfg.NameClaim].(string)
	if p.cfg.NameClaim == "email" && all["email_verified"] == false {
		return auth.Claim{}, errs.New(errs.Denied, "the identity provider has not verified the email address %q", c.Name)
	}
	if c.Name == "" || c.Subject == "" {
		return auth.Claim{}, errs.New(errs.Unauthenticated, "the ID token has no %s or no subject", p.cfg.NameClaim)
	}
	in := func(list []string) bool {
		return slices.ContainsFunc(c.Groups, func(g string) bool { return slices.Contains(list, g) })
	}
	c.Admin = in(p.cfg.AdminGroups)
	if len(p.cfg.AllowGroups) > 0 && !c.Admin && !in(p.cfg.AllowGroups) {
		return auth.Claim{}, errs.New(errs.Denied, "%s is in none of the groups that are let in", c.Name)
	}
	return c, nil
}

// texts reads a claim that is a text or a list of texts.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		var out []string
		for _, x := range v {
			if s, ok := x.(string); ok {
				out = append(out, s)
			}
		}
		return out
	}
	return nil
}

// Client is what providers are asked with: bounded in time, and not following
// redirects to plain http.
func Client() *http.Client {
	return &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) >= 3 || via[0].URL.Scheme == "https" && r.URL.Scheme != "https" {
			return fmt.Errorf("the identity provider redirects to %s", r.URL.Host)
		}
		return nil
	}}
}
