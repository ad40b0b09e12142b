package reduce

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// tries is how often a turn is asked for before the coordinator counts as gone.
const tries = 11

// Client is one process's end. It is a hist.Reducer and serves one goroutine.
type Client struct {
	base  string
	rank  int
	token string
	http  *http.Client
	turn  int
}

// NewClient returns the client of process number rank for the coordinator at base,
// as in http://host:port. A nil client stands for http.DefaultClient; it must not
// time out sooner than the slowest process.
func NewClient(base string, rank int, token string, client *http.Client) *Client {
	if client == nil {
		client = http.DefaultClient
	}
	return &Client{base: strings.TrimRight(base, "/"), rank: rank, token: token, http: client}
}

// Sum replaces v by the element-wise sum over all processes.
func (c *Client) Sum(ctx context.Context, v []int64) error {
	body := make([]byte, 0, 8*len(v))
	for _, x := range v {
		body = binary.LittleEndian.AppendUint64(body, uint64(x))
	}
	answer, err := c.take(ctx, "sum", body)
	if err != nil {
		return err
	}
	for i := range v {
		v[i] = int64(binary.LittleEndian.Uint64(answer[8*i:]))
	}
	return nil
}

// Max replaces v by the element-wise maximum over all processes.
func (c *Client) Max(ctx context.Context, v []float64) error {
	body := make([]byte, 0, 8*len(v))
	for _, x := range v {
		body = binary.LittleEndian.AppendUint64(body, math.Float64bits(x))
	}
	answer, err := c.take(ctx, "max", body)
	if err != nil {
		return err
	}
	for i := range v {
		v[i] = math.Float64frombits(binary.LittleEndian.Uint64(answer[8*i:]))
	}
	return nil
}

// Abort tells the other processes that this one gives up, and why.
func (c *Client) Abort(ctx context.Context, why error) error {
	_, _, err := c.post(ctx, "/abort", []byte(why.Error()))
	return err
}

// take asks for a turn until it is answered; the coordinator counts a vector once.
func (c *Client) take(ctx context.Context, op string, body []byte) ([]byte, error) {
	path := "/turns/" + strconv.Itoa(c.turn) + "/" + op
	var err error
	for try := range tries {
		if try > 0 {
			wait := time.NewTimer(min(50*time.Millisecond<<try, 10*time.Second))
			select {
			case <-ctx.Done():
				wait.Stop()
				return nil, errs.Wrap(ctx.Err(), "add up with the other processes")
			case <-wait.C:
			}
		}
		var status int
		var answer []byte
		answer, status, err = c.post(ctx, path, body)
		switch {
		case err != nil && ctx.Err() != nil:
			return nil, errs.Wrap(ctx.Err(), "add up with the other processes")
		case err != nil || status >= 500:
			continue
		case status == http.StatusUnauthorized:
			return nil, errs.New(errs.Denied, "the coordinator at %s: %s", c.base, bytes.TrimSpace(answer))
		case status != http.StatusOK:
			return nil, errs.New(errs.Unavailable, "the fit on several processes has failed: %s", bytes.TrimSpace(answer))
		case len(answer) != len(body):
			return nil, errs.New(errs.Unavailable, "the coordinator at %s answered %d bytes, not %d", c.base, len(answer), len(body))
		}
		c.turn++
		return answer, nil
	}
	if err == nil {
		err = errs.New(errs.Unavailable, "it fails")
	}
	return nil, errs.New(errs.Unavailable, "the coordinator at %s cannot be reached: %w", c.base, err)
}

func (c *Client) post(ctx context.Context, path string, body []byte) (answer []byte, status int, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+path+"?rank="+strconv.Itoa(c.rank), bytes.NewReader(body))
	if err != nil {
		return nil, 0, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, 0, err
	}
	defer resp.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	return answer, resp.StatusCode, err
}
