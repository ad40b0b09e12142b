// Package azure talks to an Azure ML workspace through Microsoft's Go SDK: it
// logs in, uploads code, and makes, watches and ends jobs, computes and models.
// Errors of the service are of the kind that its status says, with its own
// message.
package azure

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/arm"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/machinelearning/armmachinelearning/v4"

	"github.com/drivecast/drivecast/errs"
)

// Connection says where Azure is. The zero value is the public cloud.
type Connection struct {
	Endpoint string         // https://HOST:PORT of a local control plane; "" for Azure
	Roots    *x509.CertPool // whose certificates to trust; nil for the system's
}

// ConnectionFrom reads DRIVECAST_AZURE_ENDPOINT and DRIVECAST_AZURE_CA (a PEM
// file), which drivecast azure-fake prints.
func ConnectionFrom(getenv func(string) string) (Connection, error) {
	c := Connection{Endpoint: strings.TrimSuffix(getenv("DRIVECAST_AZURE_ENDPOINT"), "/")}
	path := getenv("DRIVECAST_AZURE_CA")
	if path == "" {
		return c, nil
	}
	pem, err := os.ReadFile(path)
	if err != nil {
		return c, errs.Wrap(err, "DRIVECAST_AZURE_CA")
	}
	c.Roots = x509.NewCertPool()
	if !c.Roots.AppendCertsFromPEM(pem) {
		return c, errs.New(errs.Invalid, "DRIVECAST_AZURE_CA: %s holds no certificate", path)
	}
	return c, nil
}

// local reports whether this is not Azure itself.
func (c Connection) local() bool { return c.Endpoint != "" }

func (c Connection) httpClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.TLSClientConfig = &tls.Config{RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: t}
}

func (c Connection) clientOptions() policy.ClientOptions {
	if !c.local() {
		return policy.ClientOptions{}
	}
	return policy.ClientOptions{
		Transport: c.httpClient(),
		Retry:     policy.RetryOptions{MaxRetries: 2, RetryDelay: 100 * time.Millisecond},
		Cloud: cloud.Configuration{
			ActiveDirectoryAuthorityHost: c.Endpoint,
			Services:                     map[cloud.ServiceName]cloud.ServiceConfiguration{cloud.ResourceManager: {Endpoint: c.Endpoint, Audience: c.Endpoint}},
		},
	}
}

// Workspace names an Azure ML workspace.
type Workspace struct{ Subscription, Group, Name string }

// Path is the workspace's ARM id.
func (w Workspace) Path() string {
	return "/subscriptions/" + w.Subscription + "/resourceGroups/" + w.Group + "/providers/Microsoft.MachineLearningServices/workspaces/" + w.Name
}

// Client works in one workspace. It is safe for concurrent use.
type Client struct {
	at      Workspace
	conn    Connection
	cred    azcore.TokenCredential
	arm     *arm.Client
	factory *armmachinelearning.ClientFactory
}

// NewClient makes a client of the workspace. Nothing is sent yet.
func NewClient(w Workspace, cred azcore.TokenCredential, c Connection) (*Client, error) {
	options := &arm.ClientOptions{ClientOptions: c.clientOptions(), DisableRPRegistration: true}
	factory, err := armmachinelearning.NewClientFactory(w.Subscription, cred, options)
	if err != nil {
		return nil, errs.Wrap(err, "make a client of Azure ML")
	}
	general, err := arm.NewClient("drivecast", "v1.0.0", cred, options)
	if err != nil {
		return nil, errs.Wrap(err, "make a client of Azure")
	}
	return &Client{at: w, conn: c, cred: cred, arm: general, factory: factory}, nil
}

// failed gives an error of the service its kind, and says what was being done.
func failed(err error, doing string, args ...any) error {
	if err == nil {
		return nil
	}
	if why := actionFailed(err); why != "" {
		return errs.New(errs.State, doing+": %s", append(args, why)...)
	}
	answer := answerOf(err)
	if answer == nil {
		var refused *azidentity.AuthenticationFailedError
		if errors.As(err, &refused) && Hint(err.Error()) == "" {
			return errs.New(errs.Denied, doing+": the login was refused: %w", append(args, firstLine(err))...)
		}
		if hint := Hint(err.Error()); hint != "" {
			return errs.New(errs.Denied, doing+": %w; %s", append(args, firstLine(err), hint)...)
		}
		return errs.Wrap(err, doing, args...)
	}
	kind := errs.Unavailable
	switch answer.StatusCode {
	case http.StatusNotFound:
		kind = errs.NotFound
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
		kind = errs.Invalid
	case http.StatusUnauthorized, http.StatusForbidden:
		kind = errs.Denied
	case http.StatusConflict, http.StatusPreconditionFailed:
		kind = errs.State
	}
	return errs.New(kind, doing+": Azure answers %d %s", append(args, answer.StatusCode, describe(answer))...)
}

// answerOf is the answer of Azure that an error is about, nil when it is about none.
func answerOf(err error) *azcore.ResponseError {
	var answer *azcore.ResponseError
	if errors.As(err, &answer) {
		return answer
	}
	return nil
}

// describe is the message that the service sent, or else its code.
func describe(answer *azcore.ResponseError) string {
	var body struct{ Error struct{ Message string } }
	if answer.RawResponse != nil && answer.RawResponse.Body != nil {
		if text, err := io.ReadAll(io.LimitReader(answer.RawResponse.Body, 1<<16)); err == nil && json.Unmarshal(text, &body) == nil && body.Error.Message != "" {
			return answer.ErrorCode + ": " + body.Error.Message
		}
	}
	return answer.ErrorCode
}

func firstLine(err error) error {
	line, _, _ := strings.Cut(err.Error(), "\n")
	return errors.New(line)
}
