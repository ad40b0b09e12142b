package gate_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

const password = "correct horse battery"

type door struct {
	http.Handler
	users *auth.Service
	log   *auth.Log
}

func open(t *testing.T) *door {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite://", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d := &door{users: auth.New(db.Auth(), auth.Read, time.Now)}
	logger := slog.New(slog.DiscardHandler)
	d.log = auth.NewLog(db.Auth(), nil, logger)
	var g *gate.Gate
	g = gate.New(gate.Config{Auth: d.users, Log: d.log, Logger: logger, Now: time.Now, Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	d.Handler = g.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Form-Token", g.FormToken(r))
		if i := auth.From(r.Context()); i != nil {
			io.WriteString(w, i.User.Name+" by "+i.Via)
		}
	}))
	t.Cleanup(func() { db.Close() })
	if _, err := d.users.CreateUser(t.Context(), "bob", password, false); err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) send(method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func basic(name, password string) string {
	r := &http.Request{Header: http.Header{}}
	r.SetBasicAuth(name, password)
	return r.Header.Get("Authorization")
}

func TestCredentials(t *testing.T) {
	d := open(t)
	defer d.log.Close()
	token, _, err := d.users.NewToken(t.Context(), "bob", "x", auth.FullScope(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		header string
		status int
		want   string
	}{
		{basic("bob", password), 200, "bob by password"}, {"Bearer " + token, 200, "bob by token"}, {"bearer  " + token, 200, "bob by token"}, {basic("bob", token), 200, "bob by token"},
		{basic("eve", token), 401, ""}, {basic("bob", "wrong"), 401, "Wrong name or password"}, {"Bearer x", 401, ""}, {"Bearer a.b.c", 401, ""}, {"Bearer ", 401, ""},
		{"Basic !", 401, ""}, {"Negotiate x", 401, ""}, {token, 401, ""}, {"", 401, "You are not authenticated."},
	} {
		var headers []string
		if c.header != "" {
			headers = []string{"Authorization", c.header}
		}
		w := d.send("GET", "/api", "", headers...)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) || (w.Code == 401) != (w.Header().Get("WWW-Authenticate") != "") {
			t.Errorf("%s is answered %d %s", c.header, w.Code, w.Body)
		}
	}
	if w := d.send("GET", "/api", "", "Authorization", basic("bob", password), "Authorization", "Bearer "+token); w.Code != 401 {
		t.Errorf("two headers are answered %d", w.Code)
	}
}

// login logs bob in and returns the cookie.
func (d *door) login(t *testing.T, headers ...string) *http.Cookie {
	t.Helper()
	w := d.send("POST", "/login", url.Values{"username": {"bob"}, "password": {password}, "next": {"/x"}}.Encode(), headers...)
	cookies := w.Result().Cookies()
	if w.Code != 303 || w.Header().Get("Location") != "/x" || len(cookies) != 1 {
		t.Fatalf("login is answered %d %s, %v", w.Code, w.Body, cookies)
	}
	return cookies[0]
}

// TestSessions: cookies scripts cannot read, and that alone change nothing
// (CVE-2025-1473).
func TestSessions(t *testing.T) {
	d := open(t)
	defer d.log.Close()
	if w := d.send("GET", "/", "", "Accept", "text/html"); w.Code != 303 || w.Header().Get("Location") != "/login" {
		t.Errorf("the page is answered %d", w.Code)
	}
	c := d.login(t)
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure {
		t.Errorf("cookie %s", c)
	}
	cookie := c.Name + "=" + c.Value
	w := d.send("GET", "/", "", "Cookie", cookie)
	form := w.Header().Get("X-Form-Token")
	if w.Body.String() != "bob by session" || form == "" || form == c.Value {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
		if w := d.send(method, "/api", "", "Cookie", cookie); w.Code != 403 {
			t.Errorf("%s without form token is answered %d", method, w.Code)
		}
		if w := d.send(method, "/api", "", "Cookie", cookie, "X-CSRF-Token", "x"+form[1:]); w.Code != 403 && form[0] != 'x' {
			t.Errorf("%s with another form token is answered %d", method, w.Code)
		}
		if w := d.send(method, "/api", "", "Cookie", cookie, "X-CSRF-Token", form); w.Code != 200 {
			t.Errorf("%s with form token is answered %d", method, w.Code)
		}
	}
	if w := d.send("POST", "/logout", "csrf=x", "Cookie", cookie); w.Code != 403 {
		t.Errorf("a foreign logout is answered %d", w.Code)
	}
	again := d.login(t, "Cookie", cookie)
	if w := d.send("GET", "/", "", "Cookie", cookie); w.Code != 401 || again.Value == c.Value {
		t.Errorf("the session before the second login is answered %d", w.Code)
	}
	cookie = again.Name + "=" + again.Value
	if w := d.send("POST", "/logout", "csrf="+auth.FormToken(again.Value), "Cookie", cookie); w.Code != 303 {
		t.Errorf("logout is answered %d", w.Code)
	}
	if w := d.send("GET", "/", "", "Cookie", cookie); w.Code != 401 {
		t.Errorf("after the logout: %d", w.Code)
	}
}

func TestSecureCookies(t *testing.T) {
	d := open(t)
	defer d.log.Close()
	for _, c := range []struct {
		from, proto string
		secure      bool
	}{{"10.1.2.3:99", "https", true}, {"10.1.2.3:99", "http", false}, {"192.0.2.1:99", "https", false}} {
		r := httptest.NewRequest("POST", "/login", strings.NewReader(url.Values{"username": {"bob"}, "password": {password}}.Encode()))
		r.RemoteAddr = c.from
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("X-Forwarded-Proto", c.proto)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		got := w.Result().Cookies()[0]
		if got.Secure != c.secure || strings.HasPrefix(got.Name, "__Host-") != c.secure {
			t.Errorf("%v: %s", c, got)
		}
	}
}

func TestNobodyIsSentAway(t *testing.T) {
	d := open(t)
	defer d.log.Close()
	for next, want := range map[string]string{"/x?y=1": "/x?y=1", "//evil.example": "/", "https://evil.example/": "/", `/\evil.example`: "/", "javascript:alert(1)": "/", "": "/", "/x\r\nSet-Cookie: a": "/"} {
		w := d.send("POST", "/login", url.Values{"username": {"bob"}, "password": {password}, "next": {next}}.Encode())
		if got := w.Header().Get("Location"); got != want {
			t.Errorf("%q leads to %q", next, got)
		}
	}
	if w := d.send("GET", `/login?next=/%22%3E%3Cscript%3E`, ""); strings.Contains(w.Body.String(), "<script>") {
		t.Error("the form echoes a script")
	}
	if w := d.send("POST", "/login", url.Values{"username": {"<script>"}, "password": {strings.Repeat("x", 20<<10)}}.Encode()); w.Code != 400 {
		t.Errorf("a large form is answered %d", w.Code)
	}
}

func TestClientAddr(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct{ remote, forwarded, want string }{
		{"192.0.2.1:5", "1.2.3.4", "192.0.2.1"}, {"10.0.0.1:5", "1.2.3.4", "1.2.3.4"}, {"10.0.0.1:5", "6.6.6.6, 1.2.3.4, 10.9.9.9", "1.2.3.4"},
		{"10.0.0.1:5", "", "10.0.0.1"}, {"10.0.0.1:5", "rubbish", "10.0.0.1"}, {"[::1]:5", "2001:db8::1", "2001:db8::1"}, {"@", "1.2.3.4", "unknown"},
		{"[::ffff:192.0.2.1]:5", "", "192.0.2.1"},
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = c.remote
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		if got := gate.ClientAddr(r, proxies); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestLimit(t *testing.T) {
	now := time.Unix(1, 0)
	h := gate.Limit(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), 10, 5, nil, func() time.Time { return now })
	send := func(from string) int {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = from + ":1"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Code
	}
	for i := range 7 {
		if got, want := send("192.0.2.1"), map[bool]int{true: 200, false: 429}[i < 5]; got != want {
			t.Errorf("request %d is answered %d", i, got)
		}
	}
	if got := send("192.0.2.2"); got != 200 {
		t.Errorf("another address is answered %d", got)
	}
	now = now.Add(100 * time.Millisecond)
	if a, b := send("192.0.2.1"), send("192.0.2.1"); a != 200 || b != 429 {
		t.Errorf("after a tenth of a second: %d, %d", a, b)
	}
}

func TestWhatIsLogged(t *testing.T) {
	d := open(t)
	who := []string{"Authorization", basic("bob", password)}
	d.send("GET", "/looked", "", who...)
	d.send("POST", "/changed", "", who...)
	d.send("GET", "/refused", "", "Authorization", basic("bob", "wrong password"))
	for range 300 {
		d.send("GET", "/noise", "")
	}
	d.login(t)
	d.log.Close()
	list, err := d.users.Store().Events(t.Context(), auth.EventQuery{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	for _, e := range list {
		count[e.User+" "+e.Action]++
		if e.From != "192.0.2.1" || strings.Contains(e.Target+e.Action, password) {
			t.Errorf("%+v", e)
		}
	}
	if count["bob POST /changed"] != 1 || count["bob GET /refused"] != 1 || count["bob POST /login"] != 1 || count["bob GET /looked"] != 0 {
		t.Errorf("got %v", count)
	}
	if n := count[" GET /noise"]; n < 50 || n > 150 {
		t.Errorf("noise fills %d lines", n)
	}
}
