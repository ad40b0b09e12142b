package azure

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestTheLoginFollowsWhatIsThere(t *testing.T) {
	named := map[string]string{"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}
	for _, c := range []struct {
		want string
		env  map[string]string
	}{
		{"cli", nil},
		{"secret", map[string]string{"AZURE_CREDENTIALS": `{"clientId":"c","clientSecret":"s","tenantId":"t"}`}},
		{"secret", map[string]string{"AZURE_CLIENT_SECRET": "s", "ACTIONS_ID_TOKEN_REQUEST_URL": "https://x"}},
		{"github", map[string]string{"ACTIONS_ID_TOKEN_REQUEST_URL": "https://x", "AZURE_FEDERATED_TOKEN_FILE": "f"}},
		{"workload", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": "f"}},
	} {
		_, kind, err := Credential(func(name string) string {
			if v := c.env[name]; v != "" || c.want == "cli" {
				return v
			}
			return named[name]
		}, Connection{})
		if err != nil || kind != c.want {
			t.Errorf("%v: %q, %v; want %s", c.env, kind, err, c.want)
		}
	}
}

func TestBadLoginsSayWhyAndKeepTheSecret(t *testing.T) {
	for _, env := range []map[string]string{
		{"AZURE_CREDENTIALS": `{"clientSecret": "hush"`},
		{"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "AZURE_CLIENT_CERTIFICATE_PATH": filepath.Join(t.TempDir(), "absent")},
	} {
		_, _, err := Credential(func(name string) string { return env[name] }, Connection{})
		if !errs.Is(err, errs.Invalid) && !errs.Is(err, errs.NotFound) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%v", err)
		}
	}
}

func TestGitHubIsAskedForATokenForAzure(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("audience") != "api://AzureADTokenExchange" || r.URL.Query().Get("v") != "2" || r.Header.Get("Authorization") != "bearer runner" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Write([]byte(`{"value":"assertion"}`))
	}))
	defer s.Close()
	got, err := githubToken(s.URL+"?v=2", "runner", s.Client())(context.Background())
	if err != nil || got != "assertion" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := githubToken(s.URL+"?v=2", "other", s.Client())(context.Background()); err == nil || !strings.Contains(err.Error(), "id-token: write") {
		t.Errorf("%v", err)
	}
}

func TestHintsNameBothFormsOfSubject(t *testing.T) {
	hint := Hint("AADSTS700213: No matching federated identity record found")
	if !strings.Contains(hint, "repo:OWNER/REPO:ref") || !strings.Contains(hint, "OWNER@OWNERID") {
		t.Error(hint)
	}
	if got := Hint("AADSTS99"); got != "" {
		t.Error(got)
	}
}
