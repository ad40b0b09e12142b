package serving

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/table"
)

// started opens the models and routes of flags, and what runs beside them.
func started(t *testing.T, o *options) (k *keeper, stop func()) {
	t.Helper()
	cfg, err := o.routing.config()
	if err != nil {
		t.Fatal(err)
	}
	if cfg.Champion != "" {
		o.models = []string{cfg.Champion}
	}
	quiet := slog.New(slog.DiscardHandler)
	router, log, err := o.routing.watch(cfg, table.WithParquet(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	e := Env{Stderr: io.Discard, Getenv: func(string) string { return "" }}
	if k, err = e.open(t.Context(), o, cfg, score.Config{Router: router, Log: log}, quiet); err != nil {
		t.Fatal(err)
	}
	return k, k.background(t.Context(), router, log)
}

// TestEveryRequestIsLogged asks in every protocol from many clients and reads the log.
func TestEveryRequestIsLogged(t *testing.T) {
	for _, format := range []string{"parquet", "jsonl"} {
		dir := t.TempDir()
		one, two, log := put(t, filepath.Join(dir, "1.txt"), stump(1)), put(t, filepath.Join(dir, "2.txt"), stump(2)), filepath.Join(dir, "log")
		k, stop := started(t, &options{models: []string{one}, routing: routing{
			challengers: []string{"next=" + two + ",weight=50", "dark=" + two + ",shadow"}, log: log, sample: 1, format: format, every: 1e9}})
		bodies := map[string]string{
			"/invocations":           `{"dataframe_split":{"columns":["errors","age","serial_number","date"],"data":[[9,1,%[1]q,"2026-01-01"],[0,1,"other","2026-01-01"]]}}`,
			"/score":                 `{"data":[{"errors":9,"age":1,"serial_number":%[1]q}]}`,
			"/v2/models/model/infer": `{"inputs":[{"name":"errors","datatype":"FP64","shape":[1],"data":[9]},{"name":"age","datatype":"FP64","shape":[1],"data":[1]},{"name":"serial_number","datatype":"BYTES","shape":[1],"data":[%[1]q]}]}`,
		}
		var clients sync.WaitGroup
		for c := range 4 {
			clients.Go(func() {
				for i := range 25 {
					for path, body := range bodies {
						r := httptest.NewRequest("POST", path, strings.NewReader(fmt.Sprintf(body, fmt.Sprint("Z", i))))
						r.Header.Set("Content-Type", "application/json")
						id := fmt.Sprint(c, "-", i, path)
						r.Header.Set("x-ms-request-id", id)
						w := httptest.NewRecorder()
						k.handler.ServeHTTP(w, r)
						if w.Code != 200 || w.Header().Get("X-Correlation-Id") != id {
							t.Errorf("%s: %d %s, id %s", path, w.Code, w.Body, w.Header().Get("X-Correlation-Id"))
						}
					}
				}
			})
		}
		clients.Wait()
		stop()
		answers, err := route.ReadLog(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		live, routes := 0, map[string]map[string]bool{}
		for _, a := range answers {
			if a.Shadow != (a.Route == "dark") {
				t.Fatalf("%+v", a)
			}
			if a.Shadow {
				continue
			}
			live++
			want := answersOf(a.Route)
			if a.Row == 0 && (a.Score != want || a.Drive[0] != 'Z') || a.Row == 1 && (a.Drive != "other" || math.Abs(a.Score-1+want) > 1e-12) {
				t.Fatalf("%s: %+v", format, a)
			}
			if a.Row == 0 {
				if routes[a.Drive] == nil {
					routes[a.Drive] = map[string]bool{}
				}
				routes[a.Drive][a.Route] = true
			}
		}
		if live != 4*25*4 {
			t.Errorf("%s: %d rows were logged, want %d", format, live, 4*25*4)
		}
		for drive, r := range routes {
			if len(r) != 1 {
				t.Errorf("%s was answered by %v", drive, r)
			}
		}
	}
}

// answersOf is the failure probability of a row with errors.
func answersOf(name string) float64 {
	if name == route.Champion {
		return 0.7310585786300049
	}
	return 0.8807970779778823
}

func TestAChallengersAliasIsFollowed(t *testing.T) {
	var alias atomic.Int32
	alias.Store(1)
	one := put(t, filepath.Join(t.TempDir(), "1.txt"), stump(1))
	k, stop := started(t, &options{models: []string{one}, tracking: registry(t, &alias), routing: routing{challengers: []string{"models:/disks@next,weight=100"}}})
	defer stop()
	for _, v := range []int32{1, 2} {
		alias.Store(v)
		k.look(t.Context(), k.models[1])
		if _, text := ask(k.handler, "POST", "/invocations", plain); !strings.Contains(text, answers[fmt.Sprint(v)]) {
			t.Errorf("version %d: %s", v, text)
		}
	}
}

// TestSpansAndMetricsOfRoutes reads what was sent over OTLP and what is scraped.
func TestSpansAndMetricsOfRoutes(t *testing.T) {
	var sent bytes.Buffer
	var mu sync.Mutex
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/v1/traces" {
			_, _ = io.Copy(&sent, r.Body)
		}
	}))
	defer collector.Close()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.URL)
	dir := t.TempDir()
	k, stop := started(t, &options{models: []string{"disks=" + put(t, filepath.Join(dir, "1.txt"), stump(1))}, routing: routing{challengers: []string{"fresh=" + put(t, filepath.Join(dir, "2.txt"), stump(2)) + ",weight=100"}}})
	defer stop()
	env := Env{Getenv: func(name string) string { return map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": collector.URL}[name] }}
	h, flush, err := env.Measured(context.Background(), k.handler, slog.New(slog.DiscardHandler), k, k.handler.Router())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest("POST", "/invocations", strings.NewReader(plain))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	h.ServeHTTP(httptest.NewRecorder(), r)
	flush()
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{"POST /invocations", "drivecast.model", "drivecast.route", "fresh", "drivecast.rows", "0af7651916cd43dd8448eb211c80319c", "drivecast-scoring"} {
		if !strings.Contains(sent.String(), want) {
			t.Errorf("no %q among the spans", want)
		}
	}
	_, text := ask(h, "GET", "/metrics", "")
	for _, want := range []string{`drivecast_route_requests_total{mode="live",route="fresh"} 1`, `drivecast_route_weight{route="fresh"} 100`, `drivecast_route_duration_seconds_count{route="fresh"} 1`, `drivecast_route_rolled_back{route="fresh"} 0`} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s among the metrics", want)
		}
	}
}
