package azure

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"

	"github.com/drivecast/drivecast/errs"
)

// login is what environment variables say of a principal.
type login struct {
	TenantID       string `json:"tenantId"`
	ClientID       string `json:"clientId"`
	ClientSecret   string `json:"clientSecret"`
	SubscriptionID string `json:"subscriptionId"`
}

// readLogin reads AZURE_CREDENTIALS, the JSON that az ad sp create-for-rbac
// prints, and over it AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET.
func readLogin(getenv func(string) string) (login, error) {
	var l login
	if text := getenv("AZURE_CREDENTIALS"); text != "" {
		if json.Unmarshal([]byte(text), &l) != nil { // the error would print the secret
			return l, errs.New(errs.Invalid, "AZURE_CREDENTIALS is not the JSON of az ad sp create-for-rbac: {\"clientId\": …, \"clientSecret\": …, \"tenantId\": …}")
		}
	}
	for name, to := range map[string]*string{
		"AZURE_TENANT_ID": &l.TenantID, "AZURE_CLIENT_ID": &l.ClientID, "AZURE_CLIENT_SECRET": &l.ClientSecret, "AZURE_SUBSCRIPTION_ID": &l.SubscriptionID,
	} {
		if v := getenv(name); v != "" {
			*to = v
		}
	}
	return l, nil
}

// Credential chooses how to log in by what is there, in this order: a secret, a
// certificate (AZURE_CLIENT_CERTIFICATE_PATH), GitHub's OIDC token, a federated
// token file (workload identity), and otherwise az login. The kind is for people:
// "secret", "certificate", "github", "workload" or "cli".
func Credential(getenv func(string) string, c Connection) (cred azcore.TokenCredential, kind string, err error) {
	l, err := readLogin(getenv)
	if err != nil {
		return nil, "", err
	}
	options := c.clientOptions()
	named := l.TenantID != "" && l.ClientID != ""
	switch {
	case named && l.ClientSecret != "":
		cred, err = azidentity.NewClientSecretCredential(l.TenantID, l.ClientID, l.ClientSecret,
			&azidentity.ClientSecretCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: c.local()})
		return cred, "secret", errs.Wrap(err, "log in with the secret")
	case named && getenv("AZURE_CLIENT_CERTIFICATE_PATH") != "":
		cred, err = certificate(l, getenv, c)
		return cred, "certificate", err
	case named && getenv("ACTIONS_ID_TOKEN_REQUEST_URL") != "":
		ask := githubToken(getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN"), c.httpClient())
		cred, err = azidentity.NewClientAssertionCredential(l.TenantID, l.ClientID, ask,
			&azidentity.ClientAssertionCredentialOptions{ClientOptions: options, DisableInstanceDiscovery: c.local()})
		return cred, "github", errs.Wrap(err, "log in with GitHub's token")
	case named && getenv("AZURE_FEDERATED_TOKEN_FILE") != "":
		cred, err = azidentity.NewWorkloadIdentityCredential(&azidentity.WorkloadIdentityCredentialOptions{
			ClientOptions: options, TenantID: l.TenantID, ClientID: l.ClientID,
			TokenFilePath: getenv("AZURE_FEDERATED_TOKEN_FILE"), DisableInstanceDiscovery: c.local(),
		})
		return cred, "workload", errs.Wrap(err, "log in with the token file")
	}
	cred, err = azidentity.NewAzureCLICredential(&azidentity.AzureCLICredentialOptions{TenantID: l.TenantID})
	return cred, "cli", errs.Wrap(err, "log in as az does")
}

func certificate(l login, getenv func(string) string, c Connection) (azcore.TokenCredential, error) {
	path := getenv("AZURE_CLIENT_CERTIFICATE_PATH")
	pem, err := os.ReadFile(path)
	if err != nil {
		return nil, errs.Wrap(err, "AZURE_CLIENT_CERTIFICATE_PATH")
	}
	certs, key, err := azidentity.ParseCertificates(pem, []byte(getenv("AZURE_CLIENT_CERTIFICATE_PASSWORD")))
	if err != nil {
		return nil, errs.New(errs.Invalid, "%s holds no certificate with its key: %w", path, err)
	}
	cred, err := azidentity.NewClientCertificateCredential(l.TenantID, l.ClientID, certs, key,
		&azidentity.ClientCertificateCredentialOptions{ClientOptions: c.clientOptions(), DisableInstanceDiscovery: c.local()})
	return cred, errs.Wrap(err, "log in with the certificate")
}

// audience is who Azure expects a federated token to be for.
const audience = "api://AzureADTokenExchange"

// githubToken asks the runner of GitHub Actions for a token each time one is due.
// The job needs permissions: id-token: write.
func githubToken(address, token string, client *http.Client) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		joint := "?"
		if strings.Contains(address, "?") {
			joint = "&"
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, address+joint+"audience="+url.QueryEscape(audience), nil)
		if err != nil {
			return "", errs.New(errs.Invalid, "ACTIONS_ID_TOKEN_REQUEST_URL: %w", err)
		}
		req.Header.Set("Authorization", "bearer "+token)
		resp, err := client.Do(req)
		if err != nil {
			return "", errs.Wrap(err, "ask GitHub for a token")
		}
		defer resp.Body.Close()
		var answer struct{ Value string }
		if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Value == "" {
			return "", errs.New(errs.Unavailable, "GitHub gave no token (status %d); the job needs `permissions: id-token: write`", resp.StatusCode)
		}
		return answer.Value, nil
	}
}

// Hint explains a refused login of a federated principal; "" when it knows
// nothing better than the message itself.
func Hint(message string) string {
	switch {
	case strings.Contains(message, "AADSTS700213"), strings.Contains(message, "AADSTS70021"):
		return "the subject of the token matches no federated credential of the application: it is repo:OWNER/REPO:ref:refs/heads/BRANCH, :environment:NAME when the job " +
			"names an environment, or :pull_request; repositories made or renamed since 2026-07-15 send repo:OWNER@OWNERID/REPO@REPOID:… instead, so add a credential of that form, too"
	case strings.Contains(message, "AADSTS7000215"):
		return "the secret is not the application's, or has expired: make another (its value, not its id)"
	case strings.Contains(message, "AADSTS90002"), strings.Contains(message, "AADSTS900023"):
		return "there is no such tenant: check AZURE_TENANT_ID"
	case strings.Contains(message, "AADSTS700016"):
		return "the tenant has no such application: check AZURE_CLIENT_ID"
	}
	return ""
}
