package main

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/bench/beside"
)

// client keeps its connections, as MLflow's does within a session.
var client = &http.Client{Timeout: 10 * time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}}

func (r *running) post(path string, in any) ([]byte, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return nil, err
	}
	return fetch(http.MethodPost, r.url+"/api/2.0/mlflow/"+path, bytes.NewReader(body))
}

func fetch(method, url string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", method, url, resp.StatusCode, data[:min(len(data), 300)])
	}
	return data, err
}

// repeat returns the median of n durations of f.
func repeat(n int, f func(i int) error) (time.Duration, error) {
	took := make([]time.Duration, n)
	for i := range n {
		begin := time.Now()
		if err := f(i); err != nil {
			return 0, err
		}
		took[i] = time.Since(begin)
	}
	slices.Sort(took)
	return took[n/2], nil
}

type object = map[string]any

func (r *running) experiment(name string) (string, error) {
	data, err := r.post("experiments/create", object{"name": name})
	var out struct {
		ID string `json:"experiment_id"`
	}
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out.ID, err
}

func (r *running) run(experiment string) (string, error) {
	data, err := r.post("runs/create", object{"experiment_id": experiment, "start_time": time.Now().UnixMilli(), "tags": []object{{"key": "mlflow.user", "value": "bench"}}})
	var out struct {
		Run struct {
			Info struct {
				ID string `json:"run_id"`
			}
		}
	}
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	return out.Run.Info.ID, err
}

func measure(ctx context.Context, t target, table *beside.Results, runs int, megabytes int64, idle time.Duration, parts []string) error {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	r, err := t.start(ctx, dir)
	if err != nil {
		return err
	}
	defer r.stop()
	time.Sleep(idle)
	table.Add(t.name, "cold start, ms", millis(r.ready), true)
	table.Add(t.name, "idle memory, MiB", float64(beside.Memory(r.cmd.Process.Pid))/(1<<20), true)
	for _, part := range parts {
		if err := ctx.Err(); err != nil {
			return err
		}
		switch part {
		case "writes":
			err = writes(r, t.name, table)
		case "history":
			err = history(r, t.name, table)
		case "searches":
			err = searches(r, t.name, table, runs)
		case "artifacts":
			if megabytes > 0 {
				err = artifacts(r, t.name, table, megabytes)
			}
		default:
			err = fmt.Errorf("there is no part %q", part)
		}
		if err != nil {
			return err
		}
	}
	table.Add(t.name, "memory at the end, MiB", float64(beside.Memory(r.cmd.Process.Pid))/(1<<20), true)
	return nil
}

// millis is a duration in milliseconds.
func millis(d time.Duration) float64 { return d.Seconds() * 1000 }

func writes(r *running, name string, table *beside.Results) error {
	exp, err := r.experiment("writes")
	if err != nil {
		return err
	}
	var id string
	d, err := repeat(200, func(int) (err error) { id, err = r.run(exp); return err })
	if err != nil {
		return err
	}
	table.Add(name, "create_run, ms", millis(d), true)
	d, err = repeat(300, func(i int) error {
		_, err := r.post("runs/log-metric", object{"run_id": id, "key": "loss", "value": 1 / float64(i+1), "timestamp": 1000 + i, "step": i})
		return err
	})
	if err != nil {
		return err
	}
	table.Add(name, "log_metric, ms", millis(d), true)
	const batches, rows = 20, 1000
	begin := time.Now()
	for b := range batches {
		metrics := make([]object, rows)
		for i := range metrics {
			metrics[i] = object{"key": fmt.Sprintf("m%d", i%10), "value": float64(b*rows+i) / 7, "timestamp": 1000 + b, "step": b*rows + i}
		}
		if _, err := r.post("runs/log-batch", object{"run_id": id, "metrics": metrics}); err != nil {
			return err
		}
	}
	table.Add(name, "log_batch, rows/s", batches*rows/time.Since(begin).Seconds(), false)
	return nil
}

func history(r *running, name string, table *beside.Results) error {
	exp, err := r.experiment("history")
	if err != nil {
		return err
	}
	id, err := r.run(exp)
	if err != nil {
		return err
	}
	for b := range 50 {
		metrics := make([]object, 1000)
		for i := range metrics {
			n := b*1000 + i
			metrics[i] = object{"key": "loss", "value": float64(n) / 3, "timestamp": 1000 + n, "step": n}
		}
		if _, err := r.post("runs/log-batch", object{"run_id": id, "metrics": metrics}); err != nil {
			return err
		}
	}
	d, err := repeat(3, func(int) error {
		points, token := 0, ""
		for {
			data, err := fetch(http.MethodGet, r.url+"/api/2.0/mlflow/metrics/get-history?run_id="+id+"&metric_key=loss&max_results=25000&page_token="+token, nil)
			if err != nil {
				return err
			}
			points += bytes.Count(data, []byte(`"step"`))
			var next struct {
				Token string `json:"next_page_token"`
			}
			if at := bytes.LastIndex(data, []byte(`"next_page_token"`)); at >= 0 {
				if err := json.Unmarshal(data, &next); err != nil {
					return err
				}
			}
			if token = next.Token; token == "" {
				break
			}
		}
		if points != 50_000 {
			return fmt.Errorf("the history has %d points, want 50000", points)
		}
		return nil
	})
	table.Add(name, "history of 50,000 points, ms", millis(d), true)
	return err
}

func searches(r *running, name string, table *beside.Results, runs int) error {
	exp, err := r.experiment("search")
	if err != nil {
		return err
	}
	for n := range runs {
		id, err := r.run(exp)
		if err != nil {
			return err
		}
		metrics, params := make([]object, 100), make([]object, 20)
		for i := range metrics {
			metrics[i] = object{"key": fmt.Sprintf("metric_%d", i), "value": float64((n*7919+i)%runs) / float64(runs), "timestamp": 1000, "step": 0}
		}
		for i := range params {
			params[i] = object{"key": fmt.Sprintf("param_%d", i), "value": fmt.Sprint((n + i) % 10)}
		}
		if _, err := r.post("runs/log-batch", object{"run_id": id, "metrics": metrics, "params": params}); err != nil {
			return err
		}
	}
	for _, q := range []struct {
		what   string
		filter string
		order  []string
	}{
		{"plain page of 100 runs, ms", "", nil},
		{"page of 100 by a metric filter and order, ms", "metrics.metric_1 > 0.5", []string{"metrics.metric_2 DESC"}},
		{"page of 100 by a metric and a parameter, ms", "metrics.metric_1 > 0.5 and params.param_1 = '3'", nil},
	} {
		d, err := repeat(9, func(int) error {
			data, err := r.post("runs/search", object{"experiment_ids": []string{exp}, "max_results": 100, "filter": q.filter, "order_by": q.order})
			if err == nil && strings.Count(string(data), `"lifecycle_stage"`) == 0 {
				err = fmt.Errorf("%s found nothing", q.what)
			}
			return err
		})
		if err != nil {
			return err
		}
		table.Add(name, q.what, millis(d), true)
	}
	return nil
}

func artifacts(r *running, name string, table *beside.Results, megabytes int64) error {
	url := r.url + "/api/2.0/mlflow-artifacts/artifacts/0/bench/artifacts/big.bin"
	begin := time.Now()
	if _, err := fetch(http.MethodPut, url, io.LimitReader(&noise{}, megabytes<<20)); err != nil {
		return err
	}
	table.Add(name, "upload, MB/s", float64(megabytes)/time.Since(begin).Seconds(), false)
	begin = time.Now()
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	switch whole := err == nil && n == megabytes<<20; {
	case !whole && name == own:
		return fmt.Errorf("%d bytes came back: %w", n, err)
	case !whole: // gunicorn ends a worker that answers for longer than its limit
		fmt.Fprintf(os.Stderr, "tracking: %s broke the download off after %d MB\n", name, n>>20)
	}
	table.Add(name, "download, MB/s", float64(n>>20)/time.Since(begin).Seconds(), false)
	return nil
}

// noise is bytes without end that no file system can shrink.
type noise struct{ state uint64 }

func (n *noise) Read(p []byte) (int, error) {
	whole := len(p) &^ 7
	if whole == 0 {
		clear(p)
		return len(p), nil
	}
	for i := 0; i < whole; i += 8 {
		n.state = n.state*6364136223846793005 + 1442695040888963407
		binary.LittleEndian.PutUint64(p[i:], n.state)
	}
	return whole, nil
}
