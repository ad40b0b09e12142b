package mlflow

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/auth"
)

// status wants an answer of that status.
func (s *house) status(t *testing.T, want int, who, method, target, body string) string {
	t.Helper()
	w := s.send(who, method, target, body)
	if w.Code != want {
		t.Errorf("%s: %s %s %.200s is answered %d %s, want %d", who, method, target, body, w.Code, w.Body, want)
	}
	return w.Body.String()
}

const api20 = "/api/2.0/mlflow/"

// TestLevelsOfFiles: reading takes READ, writing EDIT, deleting MANAGE
// (CVE-2024-4263), by every way to a file (CVE-2026-33866, CVE-2026-2651).
func TestLevelsOfFiles(t *testing.T) {
	for _, have := range []auth.Level{auth.None, auth.Read, auth.Edit, auth.Manage} {
		s := newHouse(t)
		s.grant(t, have)
		code := func(takes auth.Level, ok int) int {
			if have >= takes {
				return ok
			}
			return 403
		}
		folder := "?path=" + s.experiment + "/" + s.run
		upload := "/ajax-api/2.0/mlflow/upload-artifact?path=m/up.txt&run_uuid=" + s.run
		if w := s.send("bob", "PUT", strings.Replace(s.file(), s.run+"/artifacts/m", "models/"+s.logged+"/artifacts", 1), "x"); w.Code != 200 {
			t.Fatal(w.Body)
		}
		read := code(auth.Read, 200)
		s.status(t, read, "eve", "GET", s.file(), "")
		s.status(t, read, "eve", "HEAD", s.file(), "")
		s.status(t, read, "eve", "GET", "/ajax-api/2.0/mlflow-artifacts/artifacts"+folder, "")
		s.status(t, read, "eve", "GET", "/get-artifact?path=m/a.txt&run_uuid="+s.run, "")
		s.status(t, read, "eve", "GET", "/ajax-api/2.0/mlflow/get-artifact?path=m/a.txt&run_id="+s.run, "")
		s.status(t, read, "eve", "GET", "/model-versions/get-artifact?path=a.txt&version=1&name="+bobsModel, "")
		s.status(t, read, "eve", "GET", "/ajax-api/2.0/mlflow/logged-models/"+s.logged+"/artifacts/files?artifact_file_path=a.txt", "")
		s.status(t, code(auth.Edit, 200), "eve", "PUT", s.file()+"2", "x")
		s.status(t, code(auth.Edit, 200), "eve", "POST", upload, "x")
		s.status(t, code(auth.Manage, 200), "eve", "DELETE", s.file(), "")
		for _, path := range []string{"", s.experiment + "9", "elsewhere/x"} { // nobody's
			s.status(t, 403, "eve", "GET", "/api/2.0/mlflow-artifacts/artifacts?path="+path, "")
			s.status(t, 200, "ann", "GET", "/api/2.0/mlflow-artifacts/artifacts?path="+path, "")
		}
		s.status(t, 403, "eve", "PUT", "/api/2.0/mlflow-artifacts/artifacts/elsewhere/x", "x")
	}
}

// TestNothingIsStolen reaches for bob's files through things of one's own.
func TestNothingIsStolen(t *testing.T) {
	s := newHouse(t)
	s.status(t, 200, "eve", "POST", api20+"registered-models/create", `{"name":"eves"}`)
	for _, body := range []string{
		fmt.Sprintf(`"source":"mlflow-artifacts:/%s/%s/artifacts/m"`, s.experiment, s.run),
		fmt.Sprintf(`"source":"mlflow-artifacts:///%s/%s/artifacts/m"`, s.experiment, s.run),
		fmt.Sprintf(`"source":"mlflow-artifacts://host/%s/%s/artifacts/m"`, s.experiment, s.run),
		fmt.Sprintf(`"source":"mlflow-artifacts:/%s"`, s.experiment),
		fmt.Sprintf(`"source":"mlflow-artifacts:/%%3%s/%s/artifacts/m"`, s.experiment, s.run),
		fmt.Sprintf(`"source":"models:/%s"`, s.logged),
		fmt.Sprintf(`"source":"models:/%s/1"`, bobsModel),
		fmt.Sprintf(`"source":"models:/%s@a"`, bobsModel),
		fmt.Sprintf(`"source":"runs:/%s/m"`, s.run),
		fmt.Sprintf(`"source":"s3://bucket/x","run_id":%q`, s.run),
		fmt.Sprintf(`"source":"s3://bucket/x","model_id":%q`, s.logged),
		fmt.Sprintf(`"source":"mlflow-artifacts:/%s/%s/artifacts/m","tags":[{"key":"mlflow.prompt.is_prompt","value":"true"}]`, s.experiment, s.run),
	} {
		s.status(t, 403, "eve", "POST", api20+"model-versions/create", `{"name":"eves",`+body+`}`)
	}
	for _, location := range []string{"mlflow-artifacts:/" + s.experiment, "mlflow-artifacts:/" + s.experiment + "/" + s.run, "mlflow-artifacts:///x", "mlflow-artifacts:/"} {
		s.status(t, 403, "eve", "POST", api20+"experiments/create", fmt.Sprintf(`{"name":"near","artifact_location":%q}`, location))
	}
	s.status(t, 200, "eve", "POST", api20+"experiments/create", `{"name":"far","artifact_location":"s3://bucket/far"}`)

	mine := s.sent(t, "eve", "experiments/create", `{"name":"eves"}`, "experiment_id")
	run := s.sent(t, "eve", "runs/create", fmt.Sprintf(`{"experiment_id":%q}`, mine), "run_id")
	for path, body := range map[string]string{
		"runs/log-metric": `"key":"k","value":1,"timestamp":1,"model_id":%q`,
		"runs/log-batch":  `"metrics":[{"key":"k","value":1,"timestamp":1,"MODEL\u005fid":%q}]`,
		"runs/outputs":    `"models":[{"model_id":%q}]`,
		"runs/log-inputs": `"models":[{"model_id":%q}]`,
	} {
		s.status(t, 403, "eve", "POST", api20+path, fmt.Sprintf(`{"run_id":%q,`+body+`}`, run, s.logged))
	}
	both := url.Values{"run_ids": {run, s.run}, "metric_key": {"k"}}
	s.status(t, 403, "eve", "GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?"+both.Encode(), "")
	s.status(t, 403, "eve", "GET", "/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=k&run_ids="+run+","+s.run, "")
	s.status(t, 400, "eve", "GET", api20+"runs/get?run_id=%zz&run_id="+s.run, "")
	s.status(t, 200, "eve", "GET", api20+"runs/get?run_id="+run+"&run_id="+s.run, "") // the first counts
}

func (s *house) sent(t *testing.T, who, path, body, key string) string {
	t.Helper()
	_, rest, _ := strings.Cut(s.status(t, 200, who, "POST", api20+path, body), `"`+key+`":"`)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// TestNoStaleGrants: names that come back do not bring old rights with them.
func TestNoStaleGrants(t *testing.T) {
	s := newHouse(t)
	s.grant(t, auth.Manage)
	get := api20 + "registered-models/get?name="
	s.status(t, 200, "eve", "GET", get+bobsModel, "")
	s.status(t, 200, "bob", "POST", api20+"registered-models/rename", fmt.Sprintf(`{"name":%q,"new_name":"moved"}`, bobsModel))
	s.status(t, 200, "eve", "GET", get+"moved", "")
	s.status(t, 200, "ann", "POST", api20+"registered-models/create", fmt.Sprintf(`{"name":%q}`, bobsModel))
	s.status(t, 403, "eve", "GET", get+bobsModel, "")
	s.status(t, 403, "bob", "GET", get+bobsModel, "")
	s.status(t, 200, "eve", "DELETE", api20+"registered-models/delete", `{"name":"moved"}`)
	s.status(t, 200, "ann", "POST", api20+"registered-models/create", `{"name":"moved"}`)
	s.status(t, 403, "eve", "GET", get+"moved", "")
	s.status(t, 200, "ann", "DELETE", api20+"users/delete", `{"username":"eve"}`)
	s.status(t, 401, "eve", "GET", get+"moved", "")
}

// TestSearchesAreFiltered pages through what is shown to one who may see every
// third thing: no page is short, none shows more, and none is lost.
func TestSearchesAreFiltered(t *testing.T) {
	s := newHouse(t)
	want := map[string]bool{}
	for i := range 40 {
		name := fmt.Sprintf("x%02d", i)
		id := s.made(t, "experiments/create", fmt.Sprintf(`{"name":%q}`, name), "experiment_id")
		s.made(t, "registered-models/create", fmt.Sprintf(`{"name":%q}`, name), "name")
		s.made(t, "model-versions/create", fmt.Sprintf(`{"name":%q,"source":"s3://b/x"}`, name), "version")
		if i%3 == 0 {
			want[name] = true
			for _, thing := range []auth.Thing{{Kind: auth.Experiment, ID: id}, {Kind: auth.Model, ID: name}} {
				if _, err := s.users.Store().AddGrant(t.Context(), auth.Grant{User: s.eve, Thing: thing, Level: auth.Read}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, path := range []string{"experiments/search", "registered-models/search", "model-versions/search"} {
		seen, token, pages := map[string]bool{}, "", 0
		for pages < 20 {
			pages++
			var out struct {
				Experiments, Registered []struct{ Name string }
				Models                  []struct{ Name string } `json:"registered_models"`
				Versions                []struct{ Name string } `json:"model_versions"`
				Next                    string                  `json:"next_page_token"`
			}
			text := s.status(t, 200, "eve", "POST", api20+path, fmt.Sprintf(`{"max_results":4,"page_token":%q}`, token))
			if err := json.Unmarshal([]byte(text), &out); err != nil {
				t.Fatal(err)
			}
			list := append(append(out.Experiments, out.Models...), out.Versions...)
			for _, x := range list {
				if seen[x.Name] {
					t.Errorf("%s shows %s twice", path, x.Name)
				}
				seen[x.Name] = true
			}
			if token = out.Next; token == "" {
				break
			}
			if len(list) != 4 {
				t.Errorf("%s: a page of %d that is not the last", path, len(list))
			}
		}
		if fmt.Sprint(seen) != fmt.Sprint(want) {
			t.Errorf("%s shows %v, want %v", path, seen, want)
		}
	}
}

// TestTokensAreNarrow: a token does what its scope says and makes nothing wider.
func TestTokensAreNarrow(t *testing.T) {
	s := newHouse(t)
	var err error
	s.tokens["narrow"], _, err = s.users.NewToken(t.Context(), "ann", "x", auth.Scope{Level: auth.Edit, Things: []auth.Thing{{Kind: auth.Experiment, ID: s.experiment}}}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	s.status(t, 200, "narrow", "GET", api20+"runs/get?run_id="+s.run, "")
	s.status(t, 200, "narrow", "POST", api20+"runs/set-tag", fmt.Sprintf(`{"run_id":%q,"key":"k"}`, s.run))
	s.status(t, 403, "narrow", "POST", api20+"runs/delete", fmt.Sprintf(`{"run_id":%q}`, s.run))
	s.status(t, 403, "narrow", "GET", api20+"registered-models/get?name="+bobsModel, "")
	s.status(t, 403, "narrow", "POST", api20+"experiments/create", `{"name":"new"}`)
	s.status(t, 403, "narrow", "GET", api20+"users/list", "")
	s.status(t, 403, "narrow", "PATCH", api20+"users/update-password", `{"username":"ann","password":"a new password"}`)
	s.status(t, 403, "narrow", "POST", "/api/2.0/drivecast/tokens/create", `{"name":"wider","scope":"manage"}`)
	if text := s.status(t, 200, "narrow", "POST", api20+"runs/search", `{"experiment_ids":["0","`+s.experiment+`"]}`); !strings.Contains(text, s.run) {
		t.Error(text)
	}
	text := s.status(t, 200, "bob", "POST", "/api/2.0/drivecast/tokens/create", `{"name":"ci","scope":"read","days":1}`)
	var made struct {
		Token string `json:"token"`
		ID    string `json:"token_id"`
	}
	if err := json.Unmarshal([]byte(text), &made); err != nil || made.Token == "" {
		t.Fatal(text, err)
	}
	s.tokens["made"] = made.Token
	s.status(t, 200, "made", "GET", api20+"runs/get?run_id="+s.run, "")
	s.status(t, 403, "made", "POST", api20+"runs/set-tag", fmt.Sprintf(`{"run_id":%q,"key":"k"}`, s.run))
	if list := s.status(t, 200, "bob", "GET", "/api/2.0/drivecast/tokens/list", ""); strings.Contains(list, made.Token) || !strings.Contains(list, made.ID) {
		t.Error(list)
	}
	s.status(t, 404, "eve", "DELETE", "/api/2.0/drivecast/tokens/delete", fmt.Sprintf(`{"token_id":%q}`, made.ID))
	s.status(t, 200, "bob", "DELETE", "/api/2.0/drivecast/tokens/delete", fmt.Sprintf(`{"token_id":%q}`, made.ID))
	s.status(t, 401, "made", "GET", api20+"runs/get?run_id="+s.run, "")
}
