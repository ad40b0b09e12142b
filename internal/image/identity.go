package image

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/drivecast/drivecast/errs"
)

// Keychain finds credentials of registries: those of Docker's configuration and its
// helpers, and for Azure's registries, where there are none, the identity that Azure
// gave this machine or pod: workload identity ($AZURE_FEDERATED_TOKEN_FILE), that of an
// app ($IDENTITY_ENDPOINT), or that of a virtual machine. $AZURE_CLIENT_ID chooses one
// of several. client is what asks Azure; nil is one that goes through the proxies of the
// environment, but not to the metadata service.
func Keychain(getenv func(string) string, client *http.Client) authn.Keychain {
	if client == nil {
		proxy := func(r *http.Request) (*url.URL, error) {
			if strings.HasPrefix(metadata, r.URL.Scheme+"://"+r.URL.Host+"/") {
				return nil, nil
			}
			return http.ProxyFromEnvironment(r)
		}
		client = &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{Proxy: proxy, ForceAttemptHTTP2: true}}
	}
	return authn.NewMultiKeychain(authn.DefaultKeychain, &identity{getenv: getenv, client: client, known: map[string]authn.Authenticator{}})
}

const (
	metadata  = "http://169.254.169.254/metadata/identity/oauth2/token" // answers on Azure's machines only
	resource  = "https://management.azure.com/"
	authority = "https://login.microsoftonline.com/"
	anyone    = "00000000-0000-0000-0000-000000000000" // the user name beside a refresh token
	nearby    = 2 * time.Second                        // a metadata service answers sooner, or is not there
)

type identity struct {
	getenv func(string) string
	client *http.Client

	mu    sync.Mutex
	known map[string]authn.Authenticator // by registry
}

// Resolve is ResolveContext without a context.
func (k *identity) Resolve(r authn.Resource) (authn.Authenticator, error) {
	return k.ResolveContext(context.Background(), r)
}

// ResolveContext exchanges a token of Azure for one of its registry. Tokens go to
// Azure's own names alone.
func (k *identity) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	host := r.RegistryStr()
	if !azureRegistry(host) {
		return authn.Anonymous, nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if a := k.known[host]; a != nil {
		return a, nil
	}
	token, err := k.token(ctx)
	if err != nil {
		return nil, errs.Wrap(err, "log in to %s with the identity of this machine", host)
	}
	var a authn.Authenticator = authn.Anonymous
	if token != "" {
		form := url.Values{"grant_type": {"access_token"}, "service": {host}, "access_token": {token}}
		if tenant := k.getenv("AZURE_TENANT_ID"); tenant != "" {
			form.Set("tenant", tenant)
		}
		var out struct {
			Token string `json:"refresh_token"`
		}
		if err := k.post(ctx, "https://"+host+"/oauth2/exchange", form, &out); err != nil {
			return nil, errs.Wrap(err, "log in to %s", host)
		}
		a = &authn.Basic{Username: anyone, Password: out.Token}
	}
	k.known[host] = a
	return a, nil
}

func azureRegistry(host string) bool {
	for _, cloud := range []string{".azurecr.io", ".azurecr.us", ".azurecr.cn"} {
		if strings.HasSuffix(host, cloud) {
			return true
		}
	}
	return false
}

// token returns an access token of Azure, or "" where there is no identity.
func (k *identity) token(ctx context.Context) (string, error) {
	var out struct {
		Token string `json:"access_token"`
	}
	if file := k.getenv("AZURE_FEDERATED_TOKEN_FILE"); file != "" {
		assertion, err := os.ReadFile(file)
		if err != nil {
			return "", errs.Wrap(err, "read $AZURE_FEDERATED_TOKEN_FILE")
		}
		at := k.getenv("AZURE_AUTHORITY_HOST")
		if at == "" {
			at = authority
		}
		form := url.Values{"grant_type": {"client_credentials"}, "client_id": {k.getenv("AZURE_CLIENT_ID")}, "scope": {resource + ".default"},
			"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}, "client_assertion": {strings.TrimSpace(string(assertion))}}
		err = k.post(ctx, strings.TrimSuffix(at, "/")+"/"+url.PathEscape(k.getenv("AZURE_TENANT_ID"))+"/oauth2/v2.0/token", form, &out)
		return out.Token, err
	}
	query, header, value, at := url.Values{"resource": {resource}}, "Metadata", "true", k.getenv("IDENTITY_ENDPOINT")
	if id := k.getenv("AZURE_CLIENT_ID"); id != "" {
		query.Set("client_id", id)
	}
	near := at == ""
	if near {
		at = metadata
		query.Set("api-version", "2018-02-01")
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, nearby)
		defer cancel()
	} else {
		query.Set("api-version", "2019-08-01")
		header, value = "X-IDENTITY-HEADER", k.getenv("IDENTITY_HEADER")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at+"?"+query.Encode(), nil)
	if err != nil {
		return "", errs.New(errs.Invalid, "$IDENTITY_ENDPOINT: %w", err)
	}
	req.Header.Set(header, value)
	err = k.do(req, &out)
	if near && errs.Is(err, errs.Unavailable) {
		return "", nil // not on Azure
	}
	return out.Token, err
}

func (k *identity) post(ctx context.Context, at string, form url.Values, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return errs.New(errs.Invalid, "%w", err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return k.do(req, out)
}

// do sends a request. Who does not answer is errs.Unavailable, a refusal is
// errs.Unauthenticated.
func (k *identity) do(req *http.Request, out any) error {
	resp, err := k.client.Do(req)
	if err != nil {
		return errs.New(errs.Unavailable, "%s does not answer: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	switch {
	case err != nil:
		return errs.New(errs.Unavailable, "%s broke off: %w", req.URL.Host, err)
	case resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests:
		return errs.New(errs.Unavailable, "%s answers %s", req.URL.Host, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return errs.New(errs.Unauthenticated, "%s answers %s: %.300s", req.URL.Host, resp.Status, text)
	}
	if err := json.Unmarshal(text, out); err != nil {
		return errs.New(errs.Unauthenticated, "%s gives no token: %w", req.URL.Host, err)
	}
	return nil
}
