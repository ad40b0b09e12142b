package score_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/internal/score/route"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
)

// always is a model of one column that gives class 1 a constant probability; it
// panics or is slow when told.
func always(logit float64, name string) *model.Model {
	return &model.Model{
		Estimator: &linear.Logistic{Coef: [][]float64{{0}}, Intercept: []float64{logit}, Labels: []float64{0, 1}},
		Names:     []string{name},
	}
}

// moody is an estimator that panics while broken, and waits.
type moody struct {
	model.Estimator
	broken *atomic.Bool
	wait   time.Duration
}

func (m moody) Scores(dst, x []float64) {
	time.Sleep(m.wait)
	if m.broken != nil && m.broken.Load() {
		panic("broken")
	}
	m.Estimator.Scores(dst, x)
}

type fleet struct {
	*score.Handler
	router *route.Router
}

func routed(t *testing.T, cfg route.Config, log *route.Log, challengers ...*model.Model) fleet {
	t.Helper()
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	router, err := route.New(cfg, time.Now, quiet)
	if err != nil {
		t.Fatal(err)
	}
	h, err := score.NewHandler(score.Config{Model: always(-5, "errors"), Logger: quiet, Name: "drives", Router: router, Log: log})
	if err != nil {
		t.Fatal(err)
	}
	for i, m := range challengers {
		if err := h.Put(cfg.Challengers[i].Name, "7", m); err != nil {
			t.Fatal(err)
		}
	}
	return fleet{h, router}
}

func (f fleet) ask(path, body string, head ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", js)
	for i := 0; i < len(head); i += 2 {
		r.Header.Set(head[i], head[i+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

func half() route.Config {
	return route.Config{Challengers: []route.Challenger{{Name: "next", Model: "x", Weight: 50}}}
}

func TestDrivesStickToTheirRouteInEveryProtocol(t *testing.T) {
	f := routed(t, half(), nil, always(5, "errors"))
	call := caller(t, f)
	seen := map[string]int{}
	for i := range 200 {
		id := fmt.Sprintf("Z%03d", i)
		var first string
		for path, body := range map[string]string{
			"/invocations":            fmt.Sprintf(`{"dataframe_records":[{"serial_number":%q,"errors":%d}]}`, id, i),
			"/models/drives/score":    fmt.Sprintf(`{"data":[{"errors":1,"serial_number":%q}]}`, id),
			"/v2/models/drives/infer": fmt.Sprintf(`{"inputs":[{"name":"errors","datatype":"FP64","shape":[1],"data":[3]},{"name":"serial_number","datatype":"BYTES","shape":[1],"data":[%q]}]}`, id),
			"/score":                  fmt.Sprintf(`{"data":[[%d]],"id":%q}`, i, id),
		} {
			w := f.ask(path, body, "X-Drivecast-Key", map[bool]string{true: id}[path == "/score"])
			got := w.Header().Get("X-Drivecast-Route")
			want := map[string]string{"champion": "0", "next": "1"}[got]
			var ok bool
			switch path {
			case "/invocations":
				ok = w.Body.String() == `{"predictions": [`+want+`]}`
			case "/v2/models/drives/infer":
				ok = strings.Contains(w.Body.String(), `"predict","datatype":"INT64","shape":[1],"data":[`+want+`]`)
			default:
				ok = strings.Contains(w.Body.String(), `"prediction": `+want)
			}
			if w.Code != 200 || !ok || first != "" && got != first {
				t.Fatalf("%s of %s: route %s after %s: %d %s", path, id, got, first, w.Code, w.Body)
			}
			first = got
		}
		_, failed, out := call("/inference.GRPCInferenceService/ModelInfer", framed(message(1, "drives",
			5, message(1, "errors", 2, "FP64", 3, 1, 5, message(7, []float64{1})), 5, message(1, "serial_number", 2, "BYTES", 3, 1, 5, message(8, []byte(id))))))
		if name := map[string]string{"champion": "drives", "next": "next"}[first]; failed != "" || !bytes.Contains(out, []byte(name)) {
			t.Fatalf("gRPC: %s is not of %s: %s %q", id, first, failed, out)
		}
		seen[first]++
	}
	if seen["next"] < 70 || seen["next"] > 130 {
		t.Errorf("%v of 200 drives", seen)
	}
}

func TestHeaderAsksForARoute(t *testing.T) {
	cfg := half()
	cfg.Challengers = append(cfg.Challengers, route.Challenger{Name: "dark", Model: "y", Shadow: true})
	f := routed(t, cfg, nil, always(5, "errors"), always(5, "errors"))
	for name, want := range map[string]string{"champion": "[0]", "next": "[1]"} {
		for i := range 20 {
			w := f.ask("/invocations", fmt.Sprintf(`{"inputs":[[%d]]}`, i), "X-Drivecast-Route", name)
			if !strings.Contains(w.Body.String(), want) || w.Header().Get("X-Drivecast-Route") != name {
				t.Fatalf("%s: %s", name, w.Body)
			}
		}
	}
	for _, name := range []string{"dark", "nobody"} {
		if w := f.ask("/invocations", `{"inputs":[[1]]}`, "X-Drivecast-Route", name); w.Code != 400 || !strings.Contains(w.Body.String(), "champion next") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	if w := f.ask("/models/next/invocations", `{"inputs":[[1]]}`); !strings.Contains(w.Body.String(), "[1]") || w.Header().Get("X-Drivecast-Route") != "" {
		t.Errorf("a challenger's own route: %s", w.Body)
	}
}

func TestShadowsAreComparedAndNeverAnswer(t *testing.T) {
	f := routed(t, route.Config{Challengers: []route.Challenger{{Name: "dark", Model: "y", Shadow: true}}}, nil, always(5, "errors"))
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); f.RunShadows(ctx) }()
	for i := range 50 {
		if w := f.ask("/invocations", fmt.Sprintf(`{"inputs":[[%d],[1]]}`, i)); w.Body.String() != `{"predictions": [0, 0]}` {
			t.Fatal(w.Body)
		}
	}
	f.ask("/invocations", `{"inputs":"bad"}`)
	wait(t, func() bool { return f.router.States()[1].Compared == 100 })
	stop()
	<-done
	s := f.router.States()[1]
	if s.Shadowed != 50 || s.Live != 0 || s.Failed != 0 || *s.Agreement != 0 || *s.Difference < .98 || *s.Difference > .99 {
		t.Errorf("%+v", s)
	}
	var view struct{ Routes []route.State }
	w := httptest.NewRecorder()
	f.ServeHTTP(w, httptest.NewRequest("GET", "/routes", nil))
	if err := json.Unmarshal(w.Body.Bytes(), &view); err != nil || view.Routes[1].Version != "7" || view.Routes[0].Model != "drives" || view.Routes[0].Weight != 100 {
		t.Errorf("%s: %v", w.Body, err)
	}
}

func TestASlowOrBrokenShadowCostsNothing(t *testing.T) {
	var broken atomic.Bool
	m := always(5, "errors")
	m.Estimator = moody{m.Estimator, &broken, 20 * time.Millisecond}
	f := routed(t, route.Config{Challengers: []route.Challenger{{Name: "dark", Model: "y", Shadow: true}}}, nil, m)
	broken.Store(true)
	go f.RunShadows(t.Context())
	begin := time.Now()
	for i := range 1000 {
		if w := f.ask("/invocations", fmt.Sprintf(`{"inputs":[[%d]]}`, i)); w.Code != http.StatusOK {
			t.Fatal(w.Code, w.Body)
		}
	}
	if took := time.Since(begin); took > 5*time.Second { // 20 s if answers waited
		t.Errorf("1000 answers took %v", took)
	}
	wait(t, func() bool { s := f.router.States()[1]; return s.Failed > 0 && s.Dropped > 500 })
}

func TestAFailingChallengerIsAnsweredForAndRolledBack(t *testing.T) {
	var broken atomic.Bool
	m := always(5, "errors")
	m.Estimator = moody{m.Estimator, &broken, 0}
	cfg := half()
	cfg.Challengers[0].Weight = 100
	f := routed(t, cfg, nil, m)
	if w := f.ask("/invocations", `{"inputs":[[1]]}`); !strings.Contains(w.Body.String(), "[1]") {
		t.Fatal(w.Body)
	}
	for i := range 50 { // faults of clients are nobody's
		if w := f.ask("/invocations", fmt.Sprintf(`{"inputs": %d`, i)); w.Code != 400 {
			t.Fatal(w.Code)
		}
	}
	if s := f.router.States()[1]; s.Failed != 0 || s.RolledBack {
		t.Fatalf("%+v", s)
	}
	broken.Store(true)
	for i := range 100 {
		if w := f.ask("/invocations", fmt.Sprintf(`{"inputs":[[%d]]}`, i)); w.Code != 200 || !strings.Contains(w.Body.String(), "[0]") || w.Header().Get("X-Drivecast-Route") != "champion" {
			t.Fatal(w.Code, w.Body)
		}
	}
	s := f.router.States()
	if !s[1].RolledBack || s[0].Weight != 100 || s[1].Failed == 0 || s[1].Failed > 50 {
		t.Errorf("%+v", s)
	}
}

func wait(t *testing.T, done func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it did not come")
		}
	}
}

// BenchmarkRoutedRow is BenchmarkOneRow with a challenger and with a log of every
// request.
func BenchmarkRoutedRow(b *testing.B) {
	quiet := slog.New(slog.DiscardHandler)
	router, err := route.New(half(), time.Now, quiet)
	if err != nil {
		b.Fatal(err)
	}
	log, err := route.NewLog(route.LogConfig{Path: b.TempDir(), Sample: .1, Logger: quiet})
	if err != nil {
		b.Fatal(err)
	}
	ctx, stop := context.WithCancel(b.Context())
	done := make(chan struct{})
	go func() { defer close(done); log.Run(ctx) }()
	for name, cfg := range map[string]score.Config{"routes": {Router: router}, "log": {Log: log}} {
		h := handler(b, signed(), cfg)
		if err := h.(*score.Handler).Put("next", "2", signed()); err != nil {
			b.Fatal(err)
		}
		body := `{"dataframe_split":{"columns":["cap","kind","serial_number"],"data":[[0.5326532214943864,17,"Z1"]]}}`
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				post(h, "/invocations", js, body)
			}
		})
	}
	stop()
	<-done
}
