package gate

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"net/http"
	"sync"
	"time"

	"github.com/drivecast/drivecast/internal/auth"
)

// login is one that has begun at the identity provider and not come back.
type login struct {
	nonce, verifier string
	browser         string // what the browser's cookie must hold
	next            string
	until           time.Time
}

// logins are kept in memory until they come back, once, or for loginLife.
type logins struct {
	now func() time.Time
	mu  sync.Mutex
	by  map[string]login // state to login
}

const (
	loginLife   = 10 * time.Minute
	maxLogins   = 10_000
	loginCookie = "drivecast_login"
)

func random() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// begin remembers a login under a new state. When there are too many, those that
// have waited too long are forgotten, and it reports whether there was room.
func (l *logins) begin(v login) (state string, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.by == nil {
		l.by = map[string]login{}
	}
	now := l.now()
	if len(l.by) >= maxLogins {
		for k, old := range l.by {
			if now.After(old.until) {
				delete(l.by, k)
			}
		}
	}
	if len(l.by) >= maxLogins {
		return "", false
	}
	state = random()
	v.until = now.Add(loginLife)
	l.by[state] = v
	return state, true
}

// take returns the login of a state and forgets it: a state is good once.
func (l *logins) take(state string) (login, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	v, ok := l.by[state]
	delete(l.by, state)
	return v, ok && l.now().Before(v.until)
}

func (g *Gate) startOIDC(w http.ResponseWriter, r *http.Request, _ *auth.Deed) *auth.Identity {
	if g.cfg.Provider == nil || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return nil
	}
	v := login{nonce: random(), verifier: random(), browser: random(), next: local(r.URL.Query().Get("next"))}
	state, ok := g.logins.begin(v)
	if !ok {
		g.form(w, http.StatusServiceUnavailable, v.next, "Too many logins are waiting; try again in a few minutes.")
		return nil
	}
	to, err := g.cfg.Provider.Start(r.Context(), state, v.nonce, v.verifier)
	if err != nil {
		g.cfg.Logger.Error("the identity provider cannot be asked", "error", err)
		g.form(w, http.StatusBadGateway, v.next, "The identity provider cannot be reached.")
		return nil
	}
	g.setCookie(w, r, loginCookie, v.browser, int(loginLife.Seconds()))
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// finishOIDC takes the browser that comes back from the provider: with a state
// that was given to this very browser and was not used before.
func (g *Gate) finishOIDC(w http.ResponseWriter, r *http.Request, deed *auth.Deed) *auth.Identity {
	if g.cfg.Provider == nil || r.Method != http.MethodGet {
		http.NotFound(w, r)
		return nil
	}
	q := r.URL.Query()
	v, ok := g.logins.take(q.Get("state"))
	cookie, err := r.Cookie(loginCookie)
	if !ok || err != nil || subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(v.browser)) != 1 {
		g.form(w, http.StatusUnauthorized, "/", "This login has ended or was begun elsewhere; log in again.")
		return nil
	}
	g.setCookie(w, r, loginCookie, "", -1)
	if q.Get("error") != "" || q.Get("code") == "" {
		g.form(w, http.StatusUnauthorized, v.next, "The identity provider did not let you in.")
		return nil
	}
	claim, err := g.cfg.Provider.Finish(r.Context(), q.Get("code"), v.nonce, v.verifier)
	if err != nil {
		g.cfg.Logger.Warn("a login at the identity provider failed", "error", err)
		g.form(w, http.StatusUnauthorized, v.next, "What the identity provider sent does not hold; log in again.")
		return nil
	}
	deed.Always, deed.Target = true, "subject="+claim.Subject
	who, err := g.cfg.Auth.ByClaim(r.Context(), claim)
	if err != nil {
		g.form(w, http.StatusForbidden, v.next, err.Error())
		return nil
	}
	return g.enter(w, r, who, v.next)
}
