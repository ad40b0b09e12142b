package oidc

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	gooidc "github.com/coreos/go-oidc/v3/oidc"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// Trust lets programs in whose tokens an issuer signed.
type Trust struct {
	Issuer   string   // https://token.actions.githubusercontent.com for GitHub Actions
	Audience string   // what the token must be made for
	Subjects []string // patterns of the subject: * stands for any characters
	Groups   []string // that they act in
	Account  string   // their account here; "" is one for each subject
	Scope    auth.Scope
}

// Machines recognises programs. It is safe for concurrent use.
type Machines struct {
	trusts  []Trust
	issuers map[string]*issuer
	now     func() time.Time
}

// NewMachines checks the trusts; issuers are asked when a token of theirs comes.
func NewMachines(trusts []Trust, client *http.Client, now func() time.Time) (*Machines, error) {
	m := &Machines{trusts: trusts, issuers: map[string]*issuer{}, now: now}
	for _, t := range trusts {
		if t.Issuer == "" || t.Audience == "" || len(t.Subjects) == 0 {
			return nil, errs.New(errs.Invalid, "programs of issuer %q are trusted only with audience and subjects", t.Issuer)
		}
		for _, s := range t.Subjects {
			if strings.Trim(s, "*") == "" {
				return nil, errs.New(errs.Invalid, "subject %q of issuer %s would let anyone in; name at least a part", s, t.Issuer)
			}
		}
		m.issuers[t.Issuer] = &issuer{url: t.Issuer, client: client}
	}
	return m, nil
}

// maxToken bounds the tokens that are looked at.
const maxToken = 16 << 10

var unknown = errs.New(errs.Unauthenticated, "The token is not one that this server trusts.")

// Verify checks a token and returns what it vouches for. Only the issuers of the
// trusts are ever asked for keys, whatever the token says.
func (m *Machines) Verify(ctx context.Context, raw string) (auth.Claim, error) {
	issuer := m.issuers[claimedIssuer(raw)]
	if issuer == nil {
		return auth.Claim{}, unknown
	}
	found, err := issuer.get(ctx)
	if err != nil {
		return auth.Claim{}, err
	}
	// The audience is compared below, with those of the trusts.
	v := found.Verifier(&gooidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: algorithms, Now: m.now})
	id, err := v.Verify(ctx, raw)
	if err != nil {
		return auth.Claim{}, errs.New(errs.Unauthenticated, "The token does not hold: %w", err)
	}
	for _, t := range m.trusts {
		if t.Issuer == id.Issuer && slices.Contains(id.Audience, t.Audience) && slices.ContainsFunc(t.Subjects, func(p string) bool { return like(p, id.Subject) }) {
			return t.claim(id), nil
		}
	}
	return auth.Claim{}, errs.New(errs.Unauthenticated, "The token is sound, but neither its audience nor its subject %q is one that this server lets in.", clip(id.Subject))
}

func clip(s string) string {
	if len(s) > 200 {
		return strings.ToValidUTF8(s[:200], "") + "..."
	}
	return s
}

func (t Trust) claim(id *gooidc.IDToken) auth.Claim {
	c := auth.Claim{Issuer: id.Issuer, Subject: id.Subject, Name: id.Subject, Groups: t.Groups, Scope: t.Scope}
	if t.Account != "" {
		c.Name, c.Subject = t.Account, "account "+t.Account
	}
	return c
}

// claimedIssuer reads who a token says it is of; that is not proved yet.
func claimedIssuer(raw string) string {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 || len(raw) > maxToken {
		return ""
	}
	body, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims struct {
		Issuer string `json:"iss"`
	}
	if err != nil || json.Unmarshal(body, &claims) != nil {
		return ""
	}
	return claims.Issuer
}

// like reports whether a text matches a pattern in which * stands for any
// characters.
func like(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, p := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, p)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}
