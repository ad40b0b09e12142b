package mlflow_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/mlflow"
)

// do sends one request to the handler and wants it accepted.
func do(tb testing.TB, h http.Handler, method, path, body string) *httptest.ResponseRecorder {
	tb.Helper()
	req := httptest.NewRequest(method, "http://localhost"+path, strings.NewReader(body))
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	if w.Code != http.StatusOK {
		tb.Fatalf("%s %s %.300s was answered %d %s", method, path, body, w.Code, w.Body)
	}
	return w
}

const api = "/api/2.0/mlflow/"

func BenchmarkCreateRun(b *testing.B) {
	h := open(b)
	i := 0
	for b.Loop() {
		i++
		do(b, h, "POST", api+"runs/create", fmt.Sprintf(`{"experiment_id":"0","start_time":%d,"tags":[{"key":"mlflow.user","value":"u"}]}`, i))
	}
}

func BenchmarkLogMetric(b *testing.B) {
	h := open(b)
	id := newRun(b, h)
	i := 0
	for b.Loop() {
		i++
		do(b, h, "POST", api+"runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"loss","value":%d.5,"timestamp":%d,"step":%d}`, id, i, i, i))
	}
}

// BenchmarkLogBatch logs a thousand points a time, of ten metrics and of a
// thousand.
func BenchmarkLogBatch(b *testing.B) {
	for _, keys := range []int{10, 1000} {
		b.Run(fmt.Sprintf("keys=%d", keys), func(b *testing.B) {
			h := open(b)
			id := newRun(b, h)
			n := 0
			for b.Loop() {
				var s strings.Builder
				fmt.Fprintf(&s, `{"run_id":%q,"metrics":[`, id)
				for i := range 1000 {
					if i > 0 {
						s.WriteByte(',')
					}
					fmt.Fprintf(&s, `{"key":"metric_%d","value":%d.25,"timestamp":%d,"step":%d}`, i%keys, i, n, n)
					n++
				}
				s.WriteString("]}")
				do(b, h, "POST", api+"runs/log-batch", s.String())
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// fill makes runs with 100 metrics and 20 parameters each.
func fill(tb testing.TB, h *mlflow.Handler, runs int) {
	for r := range runs {
		id := newRun(tb, h)
		var s strings.Builder
		fmt.Fprintf(&s, `{"run_id":%q,"metrics":[`, id)
		for i := range 100 {
			fmt.Fprintf(&s, `{"key":"metric_%d","value":%g,"timestamp":1700000000000,"step":1},`, i, float64((r*7919+i*104729)%100003)/100003)
		}
		text := strings.TrimSuffix(s.String(), ",") + `],"params":[`
		for i := range 20 {
			text += fmt.Sprintf(`{"key":"param_%d","value":"%d"},`, i, (r+i)%7)
		}
		do(tb, h, "POST", api+"runs/log-batch", strings.TrimSuffix(text, ",")+"]}")
	}
}

func BenchmarkSearch(b *testing.B) {
	h := open(b)
	fill(b, h, 1000)
	for _, q := range []struct{ name, body string }{
		{"plain", `{"experiment_ids":["0"],"max_results":100}`},
		{"metric", `{"experiment_ids":["0"],"max_results":100,"filter":"metrics.metric_3 > 0.5","order_by":["metrics.metric_3 DESC"]}`},
		{"param", `{"experiment_ids":["0"],"max_results":100,"filter":"params.param_3 = '4' and metrics.metric_1 < 0.5"}`},
	} {
		b.Run(q.name, func(b *testing.B) {
			for b.Loop() {
				do(b, h, "POST", api+"runs/search", q.body)
			}
		})
	}
}

func BenchmarkHistory(b *testing.B) {
	h := open(b)
	id := newRun(b, h)
	n := 0
	for range 50 {
		var s strings.Builder
		fmt.Fprintf(&s, `{"run_id":%q,"metrics":[`, id)
		for range 1000 {
			fmt.Fprintf(&s, `{"key":"loss","value":%d.5,"timestamp":%d,"step":%d},`, n%77, n, n)
			n++
		}
		do(b, h, "POST", api+"runs/log-batch", strings.TrimSuffix(s.String(), ",")+"]}")
	}
	for b.Loop() {
		w := do(b, h, "GET", api+"metrics/get-history?metric_key=loss&max_results=50000&run_id="+id, "")
		io.Copy(io.Discard, w.Body)
	}
}
