package image

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"

	"github.com/drivecast/drivecast/errs"
)

// cloud answers as the hosts of Azure; a host without an answer cannot be reached.
type cloud map[string]func(*http.Request) (int, string)

// RoundTrip answers.
func (c cloud) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := c[r.URL.Host]
	if answer == nil {
		return nil, errors.New("no route to host")
	}
	if err := r.ParseForm(); err != nil {
		return nil, err
	}
	w := httptest.NewRecorder()
	code, text := answer(r)
	w.WriteHeader(code)
	w.WriteString(text)
	return w.Result(), nil
}

func TestAzuresIdentities(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("of the pod\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	exchanged := 0
	team := func(r *http.Request) (int, string) {
		exchanged++
		if r.URL.String() != "https://team.azurecr.io/oauth2/exchange" || r.Form.Get("grant_type") != "access_token" || r.Form.Get("service") != "team.azurecr.io" {
			return http.StatusBadRequest, "{}"
		}
		return http.StatusOK, fmt.Sprintf(`{"refresh_token": "for %s"}`, r.Form.Get("access_token"))
	}
	for _, c := range []struct {
		name  string
		env   map[string]string
		cloud cloud
		want  string // password
		kind  errs.Kind
	}{
		{"a pod", map[string]string{"AZURE_FEDERATED_TOKEN_FILE": file, "AZURE_CLIENT_ID": "c", "AZURE_TENANT_ID": "t"}, cloud{
			"login.microsoftonline.com": func(r *http.Request) (int, string) {
				if r.URL.Path != "/t/oauth2/v2.0/token" || r.Form.Get("client_assertion") != "of the pod" || r.Form.Get("client_id") != "c" {
					return http.StatusBadRequest, "{}"
				}
				return http.StatusOK, `{"access_token": "a pod"}`
			}}, "for a pod", 0},
		{"an app", map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi", "IDENTITY_HEADER": "h"}, cloud{
			"127.0.0.1:41": func(r *http.Request) (int, string) {
				if r.Header.Get("X-IDENTITY-HEADER") != "h" {
					return http.StatusForbidden, ""
				}
				return http.StatusOK, `{"access_token": "an app"}`
			}}, "for an app", 0},
		{"a machine", map[string]string{"AZURE_CLIENT_ID": "second"}, cloud{
			"169.254.169.254": func(r *http.Request) (int, string) {
				if r.Header.Get("Metadata") != "true" || r.Form.Get("client_id") != "second" {
					return http.StatusBadRequest, ""
				}
				return http.StatusOK, `{"access_token": "a machine"}`
			}}, "for a machine", 0},
		{"not on Azure", nil, cloud{}, "", 0},
		{"no identity", nil, cloud{"169.254.169.254": func(*http.Request) (int, string) {
			return http.StatusBadRequest, `{"error": "invalid_request", "error_description": "Identity not found"}`
		}}, "", errs.Unauthenticated},
		{"the app's endpoint is away", map[string]string{"IDENTITY_ENDPOINT": "http://127.0.0.1:41/msi"}, cloud{}, "", errs.Unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("DOCKER_CONFIG", t.TempDir()) // Docker knows of nothing
			c.cloud["team.azurecr.io"] = team
			exchanged = 0
			keys := Keychain(func(name string) string { return c.env[name] }, &http.Client{Transport: c.cloud})
			ref, err := name.ParseReference("team.azurecr.io/scorer:v1")
			if err != nil {
				t.Fatal(err)
			}
			var got *authn.AuthConfig
			for range 3 { // each part of a push asks
				a, err := authn.Resolve(t.Context(), keys, ref.Context())
				if err != nil {
					if errs.KindOf(err) != c.kind || !strings.Contains(err.Error(), "team.azurecr.io") {
						t.Errorf("%v is of kind %v, want %v", err, errs.KindOf(err), c.kind)
					}
					return
				}
				if got, err = a.Authorization(); err != nil {
					t.Fatal(err)
				}
			}
			if got.Password != c.want || c.kind != 0 || exchanged > 1 {
				t.Errorf("%+v after %d exchanges", got, exchanged)
			}
		})
	}
}

func TestTokensGoToAzureAlone(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	keys := Keychain(func(string) string { return "" }, &http.Client{Transport: cloud{"169.254.169.254": func(*http.Request) (int, string) {
		t.Error("a token was asked for")
		return http.StatusOK, `{"access_token": "x"}`
	}}})
	for _, at := range []string{"registry.example.com/scorer", "azurecr.io.example.com/scorer", "127.0.0.1:5000/scorer", "example.com/team.azurecr.io"} {
		ref, err := name.ParseReference(at)
		if err != nil {
			t.Fatal(err)
		}
		if a, err := authn.Resolve(t.Context(), keys, ref.Context()); err != nil || a != authn.Anonymous {
			t.Errorf("%s: %v %v", at, a, err)
		}
	}
}
