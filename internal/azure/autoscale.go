package azure

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/drivecast/drivecast/errs"
)

// scaleVersion is the version of Azure Monitor's API of autoscale settings.
const scaleVersion = "2022-10-01"

// autoscalePath is where the setting of a deployment is.
func (w Workspace) autoscalePath(name string) string {
	return "/subscriptions/" + w.Subscription + "/resourceGroups/" + w.Group + "/providers/Microsoft.Insights/autoscalesettings/" + name
}

// PutAutoscale makes or changes an autoscale setting of Azure Monitor.
func (c *Client) PutAutoscale(ctx context.Context, name string, body map[string]any) error {
	text, err := json.Marshal(body)
	if err != nil {
		return errs.Wrap(err, "write autoscale setting %s", name)
	}
	return c.general(ctx, http.MethodPut, c.at.autoscalePath(name), scaleVersion, text, "autoscale setting "+name)
}

// DeleteAutoscale deletes an autoscale setting; one that is not there is none to
// delete.
func (c *Client) DeleteAutoscale(ctx context.Context, name string) error {
	err := c.general(ctx, http.MethodDelete, c.at.autoscalePath(name), scaleVersion, nil, "delete autoscale setting "+name)
	if errs.Is(err, errs.NotFound) {
		return nil
	}
	return err
}

// Autoscale returns an autoscale setting as JSON.
func (c *Client) Autoscale(ctx context.Context, name string) ([]byte, error) {
	return c.resource(ctx, c.at.autoscalePath(name), scaleVersion)
}

// general sends something to Azure that is not Azure ML's.
func (c *Client) general(ctx context.Context, method, path, version string, body []byte, doing string) error {
	req, err := runtime.NewRequest(ctx, method, runtime.JoinPaths(c.arm.Endpoint(), path))
	if err != nil {
		return errs.Wrap(err, "%s", doing)
	}
	query := req.Raw().URL.Query()
	query.Set("api-version", version)
	req.Raw().URL.RawQuery = query.Encode()
	if body != nil {
		if err := req.SetBody(streaming(body), "application/json"); err != nil {
			return errs.Wrap(err, "%s", doing)
		}
	}
	resp, err := c.arm.Pipeline().Do(req)
	if err != nil {
		return failed(err, "%s", doing)
	}
	defer resp.Body.Close()
	if !runtime.HasStatusCode(resp, http.StatusOK, http.StatusCreated, http.StatusAccepted, http.StatusNoContent) {
		return failed(runtime.NewResponseError(resp), "%s", doing)
	}
	return nil
}

// streaming is a body that can be sent again.
func streaming(body []byte) interface {
	Read([]byte) (int, error)
	Seek(int64, int) (int64, error)
	Close() error
} {
	return nothingToClose{bytes.NewReader(body)}
}

type nothingToClose struct{ *bytes.Reader }

func (nothingToClose) Close() error { return nil }
