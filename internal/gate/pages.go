package gate

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/auth"
)

//go:embed login.html
var loginText string

var loginPage = template.Must(template.New("login").Parse(loginText))

type pageFunc func(http.ResponseWriter, *http.Request, *auth.Deed) *auth.Identity

// page returns what serves a path of the gate itself, or nil.
func (g *Gate) page(path string) pageFunc {
	switch path {
	case "/login":
		return g.login
	case "/logout":
		return g.logout
	case "/oidc/start":
		return g.startOIDC
	case "/oidc/callback":
		return g.finishOIDC
	}
	return nil
}

// local returns the path behind a login, if it is one of ours: nobody is sent to
// another site.
func local(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(next, "/") || strings.HasPrefix(next, "//") || strings.ContainsAny(next, "\\\r\n\t") {
		return "/"
	}
	return next
}

// form shows the login form.
func (g *Gate) form(w http.ResponseWriter, status int, next, message string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	err := loginPage.Execute(w, struct {
		Next, Message string
		Provider      bool
	}{next, message, g.cfg.Provider != nil})
	if err != nil {
		g.cfg.Logger.Debug("the login page was not sent", "error", err)
	}
}

func (g *Gate) login(w http.ResponseWriter, r *http.Request, deed *auth.Deed) *auth.Identity {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		g.form(w, http.StatusOK, local(r.URL.Query().Get("next")), "")
		return nil
	case http.MethodPost:
	default:
		w.Header().Set("Allow", "GET, HEAD, POST")
		http.Error(w, "only GET and POST", http.StatusMethodNotAllowed)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		g.form(w, http.StatusBadRequest, "/", "The form could not be read.")
		return nil
	}
	name, next := r.PostForm.Get("username"), local(r.PostForm.Get("next"))
	deed.Target = "username=" + name
	who, err := g.cfg.Auth.ByPassword(r.Context(), name, r.PostForm.Get("password"), ClientAddr(r, g.cfg.Proxies))
	switch {
	case errs.Is(err, errs.Unauthenticated):
		g.form(w, http.StatusUnauthorized, next, "Wrong name or password.")
		return nil
	case errs.Is(err, errs.Exhausted):
		w.Header().Set("Retry-After", "10")
		g.form(w, http.StatusTooManyRequests, next, err.Error())
		return nil
	case err != nil:
		g.cfg.Logger.Error("login", "error", err)
		g.form(w, http.StatusInternalServerError, next, "The server failed; its log says why.")
		return nil
	}
	return g.enter(w, r, who, next)
}

// enter begins a session and sends the browser on.
func (g *Gate) enter(w http.ResponseWriter, r *http.Request, who *auth.Identity, next string) *auth.Identity {
	if old, ok := g.cookie(r); ok { // a session that was there before is not carried on
		if err := g.cfg.Auth.EndSession(r.Context(), old); err != nil {
			g.cfg.Logger.Error("end a session", "error", err)
		}
	}
	cookie, err := g.cfg.Auth.NewSession(r.Context(), who)
	if err != nil {
		g.cfg.Logger.Error("begin a session", "error", err)
		g.form(w, http.StatusInternalServerError, next, "The server failed; its log says why.")
		return who
	}
	g.setCookie(w, r, g.cookieName(r), cookie, int(auth.SessionLife.Seconds()))
	http.Redirect(w, r, next, http.StatusSeeOther)
	return who
}

// setCookie sets a cookie, or with a negative age removes it.
func (g *Gate) setCookie(w http.ResponseWriter, r *http.Request, name, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: name, Value: value, Path: "/", MaxAge: age, HttpOnly: true, Secure: g.secure(r), SameSite: http.SameSiteLaxMode,
	})
}

// logout ends the session. It takes the form token from the form or the header.
func (g *Gate) logout(w http.ResponseWriter, r *http.Request, _ *auth.Deed) *auth.Identity {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", "POST")
		http.Error(w, "only POST", http.StatusMethodNotAllowed)
		return nil
	}
	cookie, ok := g.cookie(r)
	if !ok {
		http.Redirect(w, r, "/login", http.StatusSeeOther)
		return nil
	}
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	who, err := g.cfg.Auth.BySession(r.Context(), cookie)
	if err == nil && !auth.CheckFormToken(cookie, r.Header.Get(formHeader)) && !auth.CheckFormToken(cookie, r.PostFormValue("csrf")) {
		http.Error(w, "the form token is missing", http.StatusForbidden)
		return who
	}
	if err := g.cfg.Auth.EndSession(r.Context(), cookie); err != nil {
		g.cfg.Logger.Error("end a session", "error", err)
		http.Error(w, "the session could not be ended; try again", http.StatusInternalServerError)
		return who
	}
	g.setCookie(w, r, g.cookieName(r), "", -1)
	http.Redirect(w, r, "/login", http.StatusSeeOther)
	return who
}

// FormToken returns the form token of a request's session, "" when it has none.
func (g *Gate) FormToken(r *http.Request) string {
	if i := auth.From(r.Context()); i == nil || i.Via != "session" {
		return ""
	}
	cookie, ok := g.cookie(r)
	if !ok {
		return ""
	}
	return auth.FormToken(cookie)
}
