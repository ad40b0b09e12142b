package client

import (
	"context"
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// MetricHistory returns every value of a run's metric, in the server's order.
func (c *Client) MetricHistory(ctx context.Context, runID, key string) ([]Metric, error) {
	q := url.Values{"run_id": {runID}, "metric_key": {key}}
	var out []Metric
	for {
		var page struct {
			Metrics []struct {
				Key       string          `json:"key"`
				Value     json.RawMessage `json:"value"`
				Timestamp Int             `json:"timestamp"`
				Step      Int             `json:"step"`
			} `json:"metrics"`
			Next string `json:"next_page_token"`
		}
		if err := c.call(ctx, http.MethodGet, "metrics/get-history", q, &page); err != nil {
			return nil, errs.Wrap(err, "read metric %s of run %s", key, runID)
		}
		for _, m := range page.Metrics {
			out = append(out, Metric{Key: m.Key, Value: looseFloat(m.Value), Time: time.UnixMilli(int64(m.Timestamp)).UTC(), Step: int64(m.Step)})
		}
		if page.Next == "" {
			return out, nil
		}
		q.Set("page_token", page.Next)
	}
}

// looseFloat reads a JSON number, or the words for those that JSON lacks.
func looseFloat(b json.RawMessage) float64 {
	text := string(b)
	if unquoted, err := strconv.Unquote(text); err == nil {
		text = unquoted
	}
	x, err := strconv.ParseFloat(text, 64) // reads NaN and Infinity, too
	if err != nil && !math.IsInf(x, 0) {
		return math.NaN()
	}
	return x
}
