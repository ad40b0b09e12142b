package mlflow

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/gate"
	"github.com/drivecast/drivecast/internal/sqlstore"
)

// least says what each route takes. anyone: whoever is known, and what they see
// is filtered; self: whom it is about; admin: admins.
const least = `
POST experiments/create anyone | POST GET experiments/search anyone | GET experiments/list anyone | GET experiments/get READ
GET experiments/get-by-name READ | POST experiments/delete MANAGE | POST experiments/restore MANAGE | POST experiments/update EDIT
POST experiments/set-experiment-tag EDIT | POST experiments/delete-experiment-tag EDIT | POST experiments/search-datasets anyone | GET server-info anyone
POST runs/create EDIT | POST runs/update EDIT | POST runs/delete MANAGE | POST runs/restore MANAGE | GET runs/get READ | POST runs/search anyone
POST runs/log-metric EDIT | POST runs/log-parameter EDIT | POST runs/set-tag EDIT | POST runs/delete-tag EDIT | POST runs/log-batch EDIT
POST runs/log-model EDIT | POST runs/log-inputs EDIT | POST runs/outputs EDIT | GET metrics/get-history READ | GET metrics/get-history-bulk READ
GET metrics/get-history-bulk-interval READ | GET artifacts/list READ | POST artifacts/presigned-upload-url EDIT | GET registered-models/history READ | POST logged-models EDIT | POST logged-models/search anyone
GET logged-models/* READ | PATCH logged-models/* EDIT | DELETE logged-models/* MANAGE | PATCH logged-models/*/tags EDIT
DELETE logged-models/*/tags/* EDIT | POST logged-models/*/params EDIT | GET logged-models/*/artifacts/directories READ
POST registered-models/create anyone | POST registered-models/rename EDIT | PATCH registered-models/update EDIT | DELETE registered-models/delete MANAGE
GET registered-models/get READ | GET POST registered-models/search anyone | GET POST registered-models/get-latest-versions READ
POST registered-models/set-tag EDIT | DELETE registered-models/delete-tag EDIT | POST registered-models/alias EDIT | DELETE registered-models/alias MANAGE
GET registered-models/alias READ | POST model-versions/create EDIT | PATCH model-versions/update EDIT | POST model-versions/transition-stage EDIT
DELETE model-versions/delete MANAGE | GET model-versions/get READ | GET POST model-versions/search anyone | GET model-versions/get-download-uri READ
POST model-versions/set-tag EDIT | DELETE model-versions/delete-tag MANAGE
POST webhooks admin | GET webhooks admin | GET webhooks/* admin | PATCH webhooks/* admin | DELETE webhooks/* admin | POST webhooks/*/test admin | POST webhooks/*/replay admin
POST users/create admin | GET users/get self | GET users/list admin | GET users/current anyone | PATCH users/update-password self | PATCH users/update-admin admin
DELETE users/delete admin | GET users/current/permissions anyone | GET users/permissions/list self | GET users/roles/list self
POST experiments/permissions/create MANAGE | GET experiments/permissions/get MANAGE | PATCH experiments/permissions/update MANAGE | DELETE experiments/permissions/delete MANAGE
POST registered-models/permissions/create MANAGE | GET registered-models/permissions/get MANAGE | PATCH registered-models/permissions/update MANAGE
DELETE registered-models/permissions/delete MANAGE | POST users/permissions/grant MANAGE | POST users/permissions/revoke MANAGE | GET users/permissions/get MANAGE
POST roles/create admin | GET roles/get admin | GET roles/list admin | PATCH roles/update admin | DELETE roles/delete admin | POST roles/assign admin
DELETE roles/unassign admin | GET roles/users/list admin | POST roles/permissions/add admin | DELETE roles/permissions/remove admin
GET roles/permissions/list admin | PATCH roles/permissions/update admin
GET drivecast/events READ
POST drivecast/tokens/create self | GET drivecast/tokens/list self | DELETE drivecast/tokens/delete anyone | GET drivecast/audit admin
`

// wants reads least: "METHOD path" to what it takes.
func wants(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for entry := range strings.FieldsFuncSeq(least, func(r rune) bool { return r == '|' || r == '\n' }) {
		f := strings.Fields(entry)
		for _, m := range f[:max(0, len(f)-2)] {
			key := m + " " + f[len(f)-2]
			if out[key] != "" {
				t.Fatalf("%s is listed twice", key)
			}
			out[key] = f[len(f)-1]
		}
	}
	return out
}

// house is a server with users: bob's things, and eve, who was granted nothing.
type house struct {
	h                       *Handler
	users                   *auth.Service
	tokens                  map[string]string
	experiment, run, logged string
	eve                     int64
}

const (
	bobsModel = "bobs-model"
	bobsName  = "bobs-experiment"
)

func newHouse(t *testing.T) *house {
	t.Helper()
	stopping := make(chan struct{})
	close(stopping) // streams end at once
	return newHouseUntil(t, stopping)
}

func newHouseUntil(t *testing.T, stopping <-chan struct{}) *house {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite://", sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	files, err := artifact.OpenFolder(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.DiscardHandler)
	s := &house{users: auth.New(db.Auth(), auth.None, time.Now), tokens: map[string]string{}}
	log := auth.NewLog(db.Auth(), nil, logger)
	g := gate.New(gate.Config{Auth: s.users, Log: log, Logger: logger, Now: time.Now})
	s.h, err = NewHandler(t.Context(), Config{Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files, Webhooks: db.Webhooks(), Auth: s.users, Gate: g.Wrap, Stopping: stopping})
	if err != nil {
		t.Fatal(err)
	}
	s.h.Mount("/", http.NotFoundHandler())
	t.Cleanup(func() { s.h.Close(); log.Close(); files.Close(); db.Close() })
	for _, name := range []string{"ann", "bob", "eve"} {
		id, err := db.Auth().CreateUser(t.Context(), auth.User{Name: name, Admin: name == "ann"})
		if err != nil {
			t.Fatal(err)
		}
		if name == "eve" {
			s.eve = id
		}
		if s.tokens[name], _, err = s.users.NewToken(t.Context(), name, "test", auth.FullScope(), time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	s.furnish(t)
	return s
}

// furnish makes bob's experiment, run, files, logged model and registered model.
func (s *house) furnish(t *testing.T) {
	t.Helper()
	s.experiment = s.made(t, "experiments/create", fmt.Sprintf(`{"name":%q}`, bobsName), "experiment_id")
	s.run = s.made(t, "runs/create", fmt.Sprintf(`{"experiment_id":%q}`, s.experiment), "run_id")
	s.logged = s.made(t, "logged-models", fmt.Sprintf(`{"experiment_id":%q,"name":"m"}`, s.experiment), "model_id")
	s.made(t, "registered-models/create", fmt.Sprintf(`{"name":%q}`, bobsModel), "name")
	source := fmt.Sprintf("mlflow-artifacts:/%s/%s/artifacts/m", s.experiment, s.run)
	s.made(t, "model-versions/create", fmt.Sprintf(`{"name":%q,"source":%q,"run_id":%q}`, bobsModel, source, s.run), "version")
	if w := s.send("bob", "PUT", s.file(), "x"); w.Code != 200 {
		t.Fatal(w.Code, w.Body)
	}
}

// file is the path of a file of bob's run in the artifact proxy.
func (s *house) file() string {
	return "/api/2.0/mlflow-artifacts/artifacts/" + s.experiment + "/" + s.run + "/artifacts/m/a.txt"
}

func (s *house) send(who, method, target, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/json")
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	}
	w := httptest.NewRecorder()
	s.h.ServeHTTP(w, r)
	return w
}

// made posts as bob and returns the first value of that key in the answer.
func (s *house) made(t *testing.T, path, body, key string) string {
	t.Helper()
	w := s.send("bob", "POST", "/api/2.0/mlflow/"+path, body)
	_, rest, ok := strings.Cut(w.Body.String(), `"`+key+`":"`)
	if w.Code != 200 || !ok {
		t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// grant gives eve a level on both of bob's things, or takes what she had.
func (s *house) grant(t *testing.T, l auth.Level) {
	t.Helper()
	for _, thing := range []auth.Thing{{Kind: auth.Experiment, ID: s.experiment}, {Kind: auth.Model, ID: bobsModel}} {
		if _, err := s.users.Store().AddGrant(t.Context(), auth.Grant{User: s.eve, Thing: thing, Level: l}); err != nil {
			t.Fatal(err)
		}
	}
}

// request fills the fields of a route with what is bob's.
func (s *house) request(key string, rt route) (method, target, body string) {
	method, path, _ := strings.Cut(key, " ")
	id := s.logged
	if strings.HasPrefix(path, "webhooks") {
		id = "0"
	}
	path = strings.Replace(path, "*", id, 1)
	path = strings.Replace(path, "*", "k", 1)
	values := map[string]any{
		"experiment_id": s.experiment, "experiment_name": bobsName, "run_id": s.run, "run_ids": []string{s.run}, "experiment_ids": []string{s.experiment},
		"name": bobsModel, "new_name": "another", "username": "bob", "password": "a new password", "permission": "READ", "version": "1", "stage": "Staging",
		"alias": "a", "resource_type": "experiment", "resource_id": s.experiment, "resource_pattern": s.experiment, "role_id": 1, "role_permission_id": 1,
		"source": "mlflow-artifacts:/" + s.experiment + "/" + s.run + "/artifacts/m", "is_admin": true, "value": "1", "model_json": "{}", "status": "READY",
		"metrics": []any{}, "models": []any{map[string]any{"model_id": s.logged}}, "datasets": []any{}, "url": "https://example.com/", "token_id": "x",
		"events": []any{map[string]any{"entity": "REGISTERED_MODEL", "action": "CREATED"}}, "delivery_id": "x", "event": map[string]any{"entity": "REGISTERED_MODEL", "action": "CREATED"},
	}
	all, query := map[string]any{}, url.Values{}
	for _, f := range rt.fields {
		v, ok := values[f.name]
		if strings.HasPrefix(path, "logged-models") && f.name == "name" {
			v = "n"
		}
		switch {
		case !ok && !f.required:
			continue
		case !ok && f.kind == "int":
			v = 1
		case !ok:
			v = "k"
		}
		if f.kind == "strings" && (f.name == "run_id") {
			v = []string{s.run}
		}
		all[f.name] = v
		if list, ok := v.([]string); ok {
			query[f.name] = list
		} else {
			query.Set(f.name, fmt.Sprint(v))
		}
	}
	if !strings.HasPrefix(path, "drivecast/") {
		path = "mlflow/" + path
	}
	if method == "GET" {
		return method, "/api/2.0/" + path + "?" + query.Encode(), ""
	}
	text, _ := json.Marshal(all)
	return method, "/api/2.0/" + path, string(text)
}

// all returns every route of the table by "METHOD path".
func (s *house) all() map[string]route {
	out := map[string]route{}
	for path, methods := range s.h.routes {
		for m, rt := range methods {
			out[m+" "+path] = rt
		}
	}
	return out
}

// TestNobodyEnters walks everything that is registered, without credentials.
func TestNobodyEnters(t *testing.T) {
	s := newHouse(t)
	refused := func(method, target, body string) {
		t.Helper()
		w := s.send("", method, target, body)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s %s is answered %d %s", method, target, w.Code, w.Body)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.all())) {
		method, target, body := s.request(key, s.all()[key])
		for _, prefix := range []string{"/api/2.0/", "/api/3.0/", "/ajax-api/2.0/", "/ajax-api/3.0/"} {
			refused(method, strings.Replace(target, "/api/2.0/", prefix, 1), body)
		}
	}
	for path := range s.h.mounts {
		if path != "/health" && path != "/version" {
			refused("GET", path, "")
		}
	}
	for _, path := range []string{
		s.file(), "/ajax-api/2.0/mlflow-artifacts/artifacts?path=", "/api/2.0/mlflow-artifacts/mpu/create/1/x", "/api/2.0/mlflow-artifacts/presigned/1/x", "/get-artifact?run_id=" + s.run + "&path=m/a.txt",
		"/ajax-api/2.0/mlflow/get-artifact", "/ajax-api/2.0/mlflow/upload-artifact?run_uuid=" + s.run, "/ajax-api/2.0/mlflow/logged-models/" + s.logged + "/artifacts/files",
		"/metrics", "/graphql", "/v1/traces", "/ajax-api/3.0/jobs/x", "/nothing", "//health", "/health/", "/./health", "/HEALTH", "/version/../metrics",
		"//api/2.0/mlflow/experiments/search", "/api/2.0/mlflow/experiments/search/", "/api//2.0/mlflow/users/create", "/signup",
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"} {
			refused(method, path, "")
		}
	}
	for _, path := range []string{"/health", "/version"} {
		if w := s.send("", "GET", path, ""); w.Code != 200 {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

// TestLevelsOfRoutes asks each route as eve with each level, and as an admin.
func TestLevelsOfRoutes(t *testing.T) {
	want := wants(t)
	probe := newHouse(t)
	for key := range probe.all() {
		if want[key] == "" {
			t.Errorf("nothing says what %s takes", key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(want)) {
		if _, ok := probe.all()[key]; !ok {
			t.Errorf("there is no route %s", key)
			continue
		}
		takes, err := auth.ParseLevel(want[key])
		levelled := err == nil
		for _, have := range slices.Compact([]auth.Level{auth.None, max(auth.None, takes-1), takes}) {
			s := newHouse(t)
			s.grant(t, have)
			method, target, body := s.request(key, s.all()[key])
			w := s.send("eve", method, target, body)
			may := want[key] == "anyone" || levelled && have >= takes
			if got := w.Code != http.StatusForbidden; got != may {
				t.Errorf("%s with %v is answered %d %s; allowed: %t", key, have, w.Code, w.Body, may)
			}
			if want[key] == "anyone" && have == auth.None && strings.Contains(w.Body.String(), s.run) {
				t.Errorf("%s shows %s", key, w.Body)
			}
			if !levelled {
				break
			}
		}
		method, target, body := probe.request(key, probe.all()[key])
		if w := newHouseOf(t, probe, key).send("ann", method, target, body); w.Code == http.StatusForbidden || w.Code >= 500 && !strings.Contains(key, "users/") {
			t.Errorf("%s is answered %d %s to an admin", key, w.Code, w.Body)
		}
	}
}

// newHouseOf returns a house that a request to probe fits too: probe itself for
// what changes nothing, else a new one.
func newHouseOf(t *testing.T, probe *house, key string) *house {
	t.Helper()
	if strings.HasPrefix(key, "GET ") {
		return probe
	}
	return newHouse(t)
}
