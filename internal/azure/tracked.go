package azure

import (
	"context"
	"encoding/json"
	"net/url"
	"strings"

	"github.com/drivecast/drivecast/errs"
)

// Tracked is what a job logged to the workspace's MLflow server.
type Tracked struct {
	Metrics map[string]any // the last value: a number, or NaN and infinities as text
	Params  map[string]string
}

// Tracked returns what a job has logged so far; nothing when it has no run yet.
func (c *Client) Tracked(ctx context.Context, name string) (Tracked, error) {
	out := Tracked{Metrics: map[string]any{}, Params: map[string]string{}}
	address, err := c.MLflow(ctx)
	if err != nil {
		return out, err
	}
	text, err := c.ask(ctx, strings.TrimSuffix(address, "/")+"/api/2.0/mlflow/runs/get?run_id="+url.QueryEscape(name), true)
	if errs.Is(err, errs.NotFound) {
		return out, nil
	}
	if err != nil {
		return out, err
	}
	var got struct {
		Run struct {
			Data struct {
				Metrics []struct {
					Key   string
					Value any
				}
				Params []struct{ Key, Value string }
			}
		}
	}
	if err := json.Unmarshal(text, &got); err != nil {
		return out, errs.New(errs.Unavailable, "the run of %s is no JSON: %w", name, err)
	}
	for _, m := range got.Run.Data.Metrics {
		out.Metrics[m.Key] = m.Value
	}
	for _, p := range got.Run.Data.Params {
		out.Params[p.Key] = p.Value
	}
	return out, nil
}
