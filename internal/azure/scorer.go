package azure

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"github.com/drivecast/drivecast/errs"
)

// Scorer sends requests to an endpoint as its users do.
type Scorer struct {
	client   *http.Client
	uri, key string
}

// Answer is what an endpoint said.
type Answer struct {
	Status     int
	Body       []byte // the first megabyte
	Deployment string // which one answered
	Reason     string // Azure's word for an answer that is not 200, with the container's own status
	Took       time.Duration
}

// Scorer fetches the key or token of an endpoint.
func (c *Client) Scorer(ctx context.Context, e Endpoint) (*Scorer, error) {
	s := &Scorer{client: c.conn.httpClient(), uri: e.ScoringURI}
	s.client.Timeout = 3 * time.Minute
	if e.ScoringURI == "" {
		return nil, errs.New(errs.State, "endpoint %s has no scoring address", e.Name)
	}
	switch e.AuthMode {
	case "AADToken":
		scope := "https://ml.azure.com/.default"
		if c.conn.local() {
			scope = c.scope()
		}
		token, err := c.cred.GetToken(ctx, policy.TokenRequestOptions{Scopes: []string{scope}})
		if err != nil {
			return nil, failed(err, "log in to endpoint %s", e.Name)
		}
		s.key = token.Token
	case "AMLToken":
		got, err := c.factory.NewOnlineEndpointsClient().GetToken(ctx, c.at.Group, c.at.Name, e.Name, nil)
		if err != nil {
			return nil, failed(err, "token of endpoint %s", e.Name)
		}
		s.key = deref(got.AccessToken)
	default:
		got, err := c.factory.NewOnlineEndpointsClient().ListKeys(ctx, c.at.Group, c.at.Name, e.Name, nil)
		if err != nil {
			return nil, failed(err, "keys of endpoint %s", e.Name)
		}
		s.key = deref(got.PrimaryKey)
	}
	return s, nil
}

// Ask sends a JSON body, to a deployment by name or, with "", to whom the traffic's
// shares choose. An endpoint that cannot be reached is of kind Unavailable.
func (s *Scorer) Ask(ctx context.Context, deployment string, body []byte) (Answer, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.uri, bytes.NewReader(body))
	if err != nil {
		return Answer{}, errs.New(errs.Unavailable, "the endpoint names an address that is none")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.key)
	if deployment != "" {
		req.Header.Set("azureml-model-deployment", deployment)
	}
	began := time.Now()
	resp, err := s.client.Do(req)
	if err != nil {
		return Answer{}, errs.New(errs.Unavailable, "ask %s: %w", req.URL.Host, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return Answer{}, errs.New(errs.Unavailable, "read the answer of %s: %w", req.URL.Host, err)
	}
	a := Answer{Status: resp.StatusCode, Body: text, Deployment: resp.Header.Get("azureml-model-deployment"), Took: time.Since(began)}
	if status := resp.Header.Get("ms-azureml-model-error-statuscode"); status != "" {
		a.Reason = "the container answered " + status
		if why := resp.Header.Get("ms-azureml-model-error-reason"); why != "" {
			a.Reason += ", " + why
		}
	}
	return a, nil
}
