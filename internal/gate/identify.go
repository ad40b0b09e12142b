package gate

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

// identify finds out who sent a request. Credentials in the Authorization header
// come before a session.
func (g *Gate) identify(r *http.Request) (*auth.Identity, error) {
	header := r.Header.Get("Authorization")
	if len(r.Header.Values("Authorization")) > 1 {
		return nil, errs.New(errs.Unauthenticated, "There are several Authorization headers.")
	}
	scheme, rest, _ := strings.Cut(header, " ")
	switch {
	case strings.EqualFold(scheme, "Basic"):
		name, password, ok := r.BasicAuth()
		if !ok {
			return nil, errs.New(errs.Unauthenticated, "The Authorization header is garbled.")
		}
		return g.byPassword(r, name, password)
	case strings.EqualFold(scheme, "Bearer"):
		return g.byBearer(r.Context(), strings.TrimSpace(rest))
	case header != "":
		return nil, errs.New(errs.Unauthenticated, "The Authorization header is neither Basic nor Bearer.")
	}
	return g.bySession(r)
}

// byPassword takes a token in place of the password too: some programs know no
// other way.
func (g *Gate) byPassword(r *http.Request, name, password string) (*auth.Identity, error) {
	if !strings.HasPrefix(password, auth.TokenPrefix) {
		return g.cfg.Auth.ByPassword(r.Context(), name, password, ClientAddr(r, g.cfg.Proxies))
	}
	who, err := g.cfg.Auth.ByToken(r.Context(), password)
	if err == nil && who.User.Name != name {
		return nil, errs.New(errs.Unauthenticated, "The token is another user's.")
	}
	return who, err
}

func (g *Gate) byBearer(ctx context.Context, token string) (*auth.Identity, error) {
	if strings.HasPrefix(token, auth.TokenPrefix) || g.cfg.Bearers == nil {
		return g.cfg.Auth.ByToken(ctx, token)
	}
	claim, err := g.cfg.Bearers.Verify(ctx, token)
	if err != nil {
		return nil, err
	}
	return g.cfg.Auth.ByClaim(ctx, claim)
}

// formHeader is where scripts of our pages send the form token.
const formHeader = "X-CSRF-Token"

// bySession recognises a browser by its cookie. What changes something must
// carry the form token: a cookie is sent with what other sites make the browser
// do as well.
func (g *Gate) bySession(r *http.Request) (*auth.Identity, error) {
	cookie, ok := g.cookie(r)
	if !ok {
		return nil, errs.New(errs.Unauthenticated, "No credentials were sent.")
	}
	who, err := g.cfg.Auth.BySession(r.Context(), cookie)
	if err != nil {
		return nil, err
	}
	safe := r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodOptions
	if !safe && !auth.CheckFormToken(cookie, r.Header.Get(formHeader)) {
		return who, errs.New(errs.Denied, "A session changes nothing without the form token in %s.", formHeader)
	}
	return who, nil
}

// The session cookie. With TLS its name makes browsers refuse it from anyone but
// this host over TLS.
const (
	plainCookie  = "drivecast_session"
	secureCookie = "__Host-" + plainCookie
)

func (g *Gate) cookieName(r *http.Request) string {
	if g.secure(r) {
		return secureCookie
	}
	return plainCookie
}

func (g *Gate) cookie(r *http.Request) (string, bool) {
	c, err := r.Cookie(g.cookieName(r))
	if err != nil || c.Value == "" {
		return "", false
	}
	return c.Value, true
}

// secure reports whether the browser came over TLS.
func (g *Gate) secure(r *http.Request) bool {
	return r.TLS != nil || trusted(remote(r), g.cfg.Proxies) && r.Header.Get("X-Forwarded-Proto") == "https"
}

func remote(r *http.Request) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.Addr{}
	}
	return a.Unmap()
}

func trusted(a netip.Addr, proxies []netip.Prefix) bool {
	for _, p := range proxies {
		if a.IsValid() && p.Contains(a) {
			return true
		}
	}
	return false
}

// ClientAddr returns the address of the client: what the nearest trusted proxy
// says, or the other end of the connection.
func ClientAddr(r *http.Request, proxies []netip.Prefix) string {
	a := remote(r)
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusted(a, proxies); i-- {
		next, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		a = next.Unmap()
	}
	if !a.IsValid() {
		return "unknown"
	}
	return a.String()
}
