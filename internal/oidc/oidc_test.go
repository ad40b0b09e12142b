package oidc_test

import (
	"crypto/rand"
	"crypto/rsa"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/oidc"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

func clock() time.Time { return now }

const (
	audience = "drivecast"
	subject  = "repo:acme/models:ref:refs/heads/main"
)

func machines(t *testing.T, p *provider) *oidc.Machines {
	t.Helper()
	m, err := oidc.NewMachines([]oidc.Trust{
		{Issuer: p.URL, Audience: audience, Subjects: []string{"repo:acme/models:ref:refs/heads/*"}, Groups: []string{"ci"}, Scope: auth.Scope{Level: auth.Edit}},
		{Issuer: p.URL, Audience: audience, Subjects: []string{"robot"}, Account: "robot-1", Scope: auth.Scope{Level: auth.Read}},
	}, oidc.Client(), clock)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMachines(t *testing.T) {
	p := newProvider(t)
	m := machines(t, p)
	claims := p.claims(audience)
	claims["sub"] = subject
	for _, token := range []string{p.rs256("rsa", claims), p.es256(claims)} {
		c, err := m.Verify(t.Context(), token)
		if err != nil || c.Name != subject || c.Groups[0] != "ci" || c.Scope.Level != auth.Edit || c.Scope.Admin || c.Admin {
			t.Errorf("got %+v, %v", c, err)
		}
	}
	claims["sub"] = "robot"
	if c, err := m.Verify(t.Context(), p.rs256("rsa", claims)); err != nil || c.Name != "robot-1" {
		t.Errorf("got %+v, %v", c, err)
	}
}

// TestForgedTokens sends what attackers send in place of a token.
func TestForgedTokens(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	m := machines(t, p)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	with := func(changes map[string]any) map[string]any {
		c := p.claims(audience)
		c["sub"] = subject
		for k, v := range changes {
			c[k] = v
		}
		return c
	}
	good := p.rs256("rsa", with(nil))
	none := unsigned(map[string]any{"alg": "none"}, with(nil))
	embedded := map[string]any{"alg": "RS256", "jwk": other.keys()[0], "jku": other.URL + "/keys", "kid": "rsa"}
	for what, token := range map[string]string{
		"no token":               "",
		"rubbish":                "a.b.c",
		"alg none":               none + ".",
		"alg none, signed":       none + "." + strings.Split(good, ".")[2],
		"alg nOnE":               unsigned(map[string]any{"alg": "nOnE"}, with(nil)) + ".",
		"HS256 with public key":  p.confused(with(nil)),
		"another key":            rsaToken(stranger, "rsa", with(nil)),
		"an unknown key":         rsaToken(stranger, "nobody", with(nil)),
		"a key of its own":       unsigned(embedded, with(nil)) + "." + strings.Split(other.rs256("rsa", with(nil)), ".")[2],
		"ES256 as RS256":         strings.Replace(p.es256(with(nil)), strings.Split(p.es256(with(nil)), ".")[0], strings.Split(good, ".")[0], 1),
		"changed claims":         strings.Split(good, ".")[0] + "." + strings.Split(p.rs256("rsa", with(map[string]any{"sub": "robot"})), ".")[1] + "." + strings.Split(good, ".")[2],
		"wrong audience":         p.rs256("rsa", with(map[string]any{"aud": "another"})),
		"no audience":            p.rs256("rsa", with(map[string]any{"aud": nil})),
		"expired":                p.rs256("rsa", with(map[string]any{"exp": now.Add(-time.Second).Unix()})),
		"no expiry":              p.rs256("rsa", with(map[string]any{"exp": nil})),
		"not yet":                p.rs256("rsa", with(map[string]any{"nbf": now.Add(time.Hour).Unix()})),
		"another issuer":         other.rs256("rsa", with(map[string]any{"iss": other.URL})),
		"an issuer's neighbour":  p.rs256("rsa", with(map[string]any{"iss": p.URL + "/"})),
		"another subject":        p.rs256("rsa", with(map[string]any{"sub": "repo:evil/models:ref:refs/heads/main"})),
		"a subject that ends so": p.rs256("rsa", with(map[string]any{"sub": "x" + subject})),
		"no subject":             p.rs256("rsa", with(map[string]any{"sub": ""})),
		"64 kB":                  p.rs256("rsa", with(map[string]any{"x": strings.Repeat("x", 64<<10)})),
	} {
		if c, err := m.Verify(t.Context(), token); !errs.Is(err, errs.Unauthenticated) {
			t.Errorf("%s: got %+v, %v", what, c, err)
		}
	}
	if other.calls != 0 {
		t.Errorf("a provider that nobody trusts was asked %d times", other.calls)
	}
	p.Close()
	if _, err := machines(t, p).Verify(t.Context(), good); !errs.Is(err, errs.Unavailable) {
		t.Errorf("a provider that is down: %v", err)
	}
}

func TestTrustsAreNarrow(t *testing.T) {
	for _, bad := range []oidc.Trust{
		{}, {Issuer: "https://x", Audience: "a"}, {Issuer: "https://x", Subjects: []string{"s"}}, {Issuer: "https://x", Audience: "a", Subjects: []string{"*"}},
		{Issuer: "https://x", Audience: "a", Subjects: []string{"repo:a", ""}},
	} {
		if _, err := oidc.NewMachines([]oidc.Trust{bad}, oidc.Client(), clock); !errs.Is(err, errs.Invalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}

// site is a server behind a gate whose people log in at a provider.
type site struct {
	*httptest.Server
	store auth.Store
}

func newSite(t *testing.T, p *provider, change func(*oidc.People)) *site {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite://", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &site{store: db.Auth()}
	var inner http.Handler
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { inner.ServeHTTP(w, r) }))
	people := oidc.People{Issuer: p.URL, ClientID: "web", ClientSecret: "s", RedirectURL: s.URL + "/oidc/callback", AdminGroups: []string{"ml-admins"}}
	if change != nil {
		change(&people)
	}
	provider, err := oidc.NewProvider(people, oidc.Client(), clock)
	if err != nil {
		t.Fatal(err)
	}
	users := auth.New(db.Auth(), auth.Read, clock)
	logger := slog.New(slog.DiscardHandler)
	log := auth.NewLog(db.Auth(), nil, logger)
	inner = gate.New(gate.Config{Auth: users, Log: log, Logger: logger, Provider: provider, Now: clock}).Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i := auth.From(r.Context())
		io.WriteString(w, i.User.Name+" "+strings.Join(i.Groups, ",")+map[bool]string{true: " admin"}[i.Admin()])
	}))
	t.Cleanup(func() { s.Close(); log.Close(); db.Close() })
	return s
}

func browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar}
}

func get(t *testing.T, c *http.Client, url string) (int, string, *http.Response) {
	t.Helper()
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp
}

func TestLogin(t *testing.T) {
	p := newProvider(t)
	p.who = map[string]any{"email": "zoe@example.com", "groups": []string{"ops", "ml-admins"}}
	for name, sign := range map[string]func(map[string]any) string{"RS256": func(c map[string]any) string { return p.rs256("rsa", c) }, "ES256": p.es256} {
		p.sign = sign
		s := newSite(t, p, nil)
		c := browser(t)
		if status, body, _ := get(t, c, s.URL+"/oidc/start?next=/models"); status != 200 || body != "zoe@example.com ops,ml-admins admin" {
			t.Errorf("%s: got %d %s", name, status, body)
		}
		u, _ := url.Parse(s.URL)
		for _, cookie := range c.Jar.Cookies(u) {
			if cookie.Name != "drivecast_session" {
				t.Errorf("the cookie %s is left", cookie.Name)
			}
		}
		if status, _, _ := get(t, browser(t), s.URL+"/models"); status != 401 {
			t.Errorf("another browser is answered %d", status)
		}
	}
}

// TestLoginIsRefused lets the provider send ID tokens that do not hold.
func TestLoginIsRefused(t *testing.T) {
	p, other := newProvider(t), newProvider(t)
	sound := p.sign
	for what, c := range map[string]struct {
		who  map[string]any
		sign func(map[string]any) string
	}{
		"another nonce":     {map[string]any{"nonce": "x"}, sound},
		"no nonce":          {map[string]any{"nonce": nil}, sound},
		"another audience":  {map[string]any{"aud": "another"}, sound},
		"expired":           {map[string]any{"exp": now.Add(-time.Minute).Unix()}, sound},
		"another issuer":    {map[string]any{"iss": other.URL}, sound},
		"no email":          {map[string]any{"email": nil}, sound},
		"email not checked": {map[string]any{"email_verified": false}, sound},
		"another key":       {nil, func(m map[string]any) string { return other.rs256("rsa", m) }},
		"HS256":             {nil, p.confused},
		"alg none":          {nil, func(m map[string]any) string { return unsigned(map[string]any{"alg": "none"}, m) + "." }},
		"not in a group":    {map[string]any{"groups": []string{"others"}}, sound},
	} {
		p.who = map[string]any{"email": "zoe@example.com", "groups": []string{"ops"}}
		for k, v := range c.who {
			p.who[k] = v
		}
		p.sign = c.sign
		s := newSite(t, p, func(o *oidc.People) { o.AllowGroups = []string{"ops"} })
		client := browser(t)
		if status, body, _ := get(t, client, s.URL+"/oidc/start"); status != 401 || strings.Contains(body, "zoe@example.com ") {
			t.Errorf("%s: got %d %s", what, status, body)
		}
		if users, err := s.store.Users(t.Context()); len(users) != 0 || err != nil {
			t.Errorf("%s: %d accounts were made, %v", what, len(users), err)
		}
	}
}

// TestStateIsUsedOnce replays the callback and brings it to another browser.
func TestStateIsUsedOnce(t *testing.T) {
	p := newProvider(t)
	p.who = map[string]any{"email": "zoe@example.com"}
	s := newSite(t, p, nil)
	c := browser(t)
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	callback := func(c *http.Client) string {
		_, _, resp := get(t, c, s.URL+"/oidc/start?next=//evil.example/")
		_, _, back := get(t, c, resp.Header.Get("Location"))
		return back.Header.Get("Location")
	}
	to := callback(c)
	if status, _, _ := get(t, browser(t), to); status != 401 {
		t.Errorf("another browser's callback is answered %d", status)
	}
	if status, _, _ := get(t, c, to); status != 401 {
		t.Errorf("a state that was taken is answered %d", status)
	}
	to = callback(c)
	status, _, resp := get(t, c, to)
	if status != 303 || resp.Header.Get("Location") != "/" {
		t.Errorf("got %d to %s", status, resp.Header.Get("Location"))
	}
	for _, h := range resp.Header.Values("Set-Cookie") {
		if !strings.Contains(h, "HttpOnly") || !strings.Contains(h, "SameSite=Lax") {
			t.Errorf("cookie %s", h)
		}
	}
	if status, _, _ := get(t, c, to); status != 401 {
		t.Errorf("a replayed callback is answered %d", status)
	}
	for _, bad := range []string{"", "?state=x&code=y", "?code=y", "?state=&code=y"} {
		if status, _, _ := get(t, c, s.URL+"/oidc/callback"+bad); status != 401 {
			t.Errorf("callback%s is answered %d", bad, status)
		}
	}
}

// TestAccountsAreNotTakenOver: an identity provider's ann is not our ann.
func TestAccountsAreNotTakenOver(t *testing.T) {
	p := newProvider(t)
	p.who = map[string]any{"email": "ann"}
	s := newSite(t, p, nil)
	if _, err := s.store.CreateUser(t.Context(), auth.User{Name: "ann", Admin: true, Hash: "x"}); err != nil {
		t.Fatal(err)
	}
	if status, body, _ := get(t, browser(t), s.URL+"/oidc/start"); status != 403 || !strings.Contains(body, "belongs to somebody else") {
		t.Errorf("got %d %s", status, body)
	}
}
