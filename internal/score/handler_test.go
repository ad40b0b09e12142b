package score_test

import (
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/linear"
	"github.com/drivecast/drivecast/model"
	"github.com/drivecast/drivecast/model/mlfolder"
	"github.com/drivecast/drivecast/table"
)

// signed is a logistic regression over two columns with a signature and an
// encoder: class 1 when cap + kind > 1.5.
func signed() *model.Model {
	return &model.Model{
		Estimator: &linear.Logistic{Coef: [][]float64{{1, 1}}, Intercept: []float64{-1.5}, Labels: []float64{0, 1}},
		Names:     []string{"cap", "kind"}, LabelType: mlfolder.Long,
		Signature: &mlfolder.Signature{Inputs: []mlfolder.Field{{Name: "cap", Type: mlfolder.Double}, {Name: "kind", Type: mlfolder.Long}}},
		Encoders:  []model.Encoder{{Column: "kind", Source: "model", Texts: []string{"HGST", "ST4"}, Codes: []float64{0, 2}}},
	}
}

func bare() *model.Model {
	m := signed()
	m.Signature, m.Encoders = nil, nil
	return m
}

func handler(t testing.TB, m *model.Model, cfg score.Config) http.Handler {
	t.Helper()
	cfg.Model, cfg.Logger = m, slog.New(slog.NewTextHandler(io.Discard, nil))
	h, err := score.NewHandler(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func post(h http.Handler, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const js = "application/json"

func TestEveryFormGivesTheSameAnswer(t *testing.T) {
	for name, c := range map[string]struct{ typ, body string }{
		"split":          {js, `{"dataframe_split":{"columns":["cap","kind"],"data":[[0.5,0],[1.0,1]]}}`},
		"split, order":   {js, `{"dataframe_split":{"data":[[0,0.5,9],[1,1.0,9]],"index":[7,8],"columns":["kind","cap","extra"]}}`},
		"records":        {js, `{"dataframe_records": [{"cap": 0.5, "kind": 0}, {"kind": 1, "cap": 1.0}]}`},
		"instances":      {js, `{"instances": [{"cap": 0.5, "kind": 0}, {"cap": 1.0, "kind": 1}]}`},
		"inputs":         {js + "; charset=utf-8", `{"inputs": {"cap": [0.5, 1.0], "kind": [0, 1]}}`},
		"inputs, rows":   {js, `{"inputs": [{"cap": 0.5, "kind": 0}, {"cap": 1.0, "kind": 1}]}`},
		"csv":            {"text/csv", "kind,cap\n0,0.5\n1,1.0\n"},
		"csv, quotes":    {"text/csv", "x,\"kind\",cap\r\n\"a,\"\"b\"\"\",\"0\",0.5\r\n\r\n,1,1e0"},
		"text numbers":   {js, `{"dataframe_split":{"columns":["cap","kind"],"data":[["0.5","0"],[" 1.0 ","1"]]}}`},
		"long truncates": {js, `{"dataframe_split":{"columns":["cap","kind"],"data":[[0.5,0.9],[1.0,1.9]]}}`},
		"encoded":        {js, `{"dataframe_records": [{"cap": 0.5, "kind": "HGST"}, {"kind": "ST4", "cap": 0}]}`},
		"raw name":       {js, `{"dataframe_records": [{"cap": 0.5, "model": "HGST"}, {"model": "ST4", "cap": 0}]}`},
		"raw name, csv":  {"text/csv", "model,cap\nHGST,0.5\nST4,0\n"},
		"repeated key":   {js, `{"inputs": 1, "inputs": {"cap": [0.5, 1.0], "kind": [0, 1]}}`},
		"escapes":        {js, `{"dataframe_split":{"columns":["c\u0061p","kind"],"data":[[0.5,0],[1.0,1]]}}`},
	} {
		w := post(handler(t, signed(), score.Config{}), "/invocations", c.typ, c.body)
		if got := w.Body.String(); w.Code != 200 || got != `{"predictions": [0, 1]}` {
			t.Errorf("%s: %d %s", name, w.Code, got)
		}
	}
}

func TestWithoutSignatureColumnsGoByNameThenPosition(t *testing.T) {
	for name, body := range map[string]string{
		"positions": `{"instances": [[0.5, 0], [1, 1]]}`,
		"inputs":    `{"inputs": [[0.5, 0], [1, 1]]}`,
		"split":     `{"dataframe_split": {"data": [[0.5, 0], [1, 1]]}}`,
		"names":     `{"dataframe_records": [{"kind": 0, "cap": 0.5}, {"kind": 1, "cap": 1}]}`,
	} {
		w := post(handler(t, bare(), score.Config{}), "/invocations", js, body)
		if got := w.Body.String(); w.Code != 200 || got != `{"predictions": [0, 1]}` {
			t.Errorf("%s: %d %s", name, w.Code, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	const split = `{"dataframe_split":{"columns":["cap","kind"],"data":`
	for _, c := range []struct {
		typ, body string
		status    int
		text      string
	}{
		{"", `{}`, 415, "This predictor only supports the following content types"},
		{"text/html", `{}`, 415, "Got 'text/html'"},
		{js + "; charset=latin-1", `{}`, 415, "The scoring server only supports UTF-8"},
		{js + "; format=pandas-split", `{}`, 415, "Unrecognized content type parameters: format. IMPORTANT"},
		{js, `{"a": `, 400, `"Invalid input. Ensure that input is a valid JSON formatted string. Error: 'JSONDecodeError('Expecting value: line 1 column 7 (char 6)')'`},
		{js, `{"inputs": [1,]}`, 400, `Expecting value: line 1 column 15 (char 14)`},
		{js, `{"inputs": [1]} x`, 400, `Extra data: line 1 column 17 (char 16)`},
		{js, `[1]`, 400, "exactly one of the input fields"},
		{js, `7`, 400, "Received unexpected input type '<class 'int'>"},
		{js, `{}`, 400, "Received dictionary with input fields: []"},
		{js, `{"inputs": [1], "instances": [1]}`, 400, "Received dictionary with input fields: ['inputs', 'instances']"},
		{js, `{"dataframe_split": [1]}`, 400, "Invalid input. Dataframe split format must be a dictionary. Got list."},
		{js, `{"dataframe_records": {"a": 1}}`, 400, "must be a list of records. Got dictionary."},
		{js, `{"dataframe_split": {"columns": ["a"]}}`, 400, "must have 'data' field"},
		{js, split + `[[1]]}}`, 400, "2 columns passed, passed data had 1 columns"},
		{js, split + `[[1, "x"]]}}`, 400, "the model does not know the value"},
		{js, split + `[["x", 1]]}}`, 400, "Failed to convert column cap to type 'float64'. Error: 'ValueError(\\\"could not convert string to float: 'x'\\\")'"},
		{js, split + `[[1, null], [1, 2]]}}`, 400, "Cannot convert non-finite values"},
		{js, split + `[[[1], 1]]}}`, 400, "Failed to convert column cap"},
		{js, `{"dataframe_records": [{"cap": 1, "b": 2}]}`, 400, "Error: Model is missing inputs ['kind']. Note that there were extra inputs: ['b']."},
		{js, `{"instances": [[1, 2]]}`, 400, "Model is missing inputs ['cap', 'kind']. Note that there were extra inputs: [0, 1]."},
		{js, `{"inputs": {"cap": [1, 2], "kind": [1]}}`, 400, "All arrays must be of the same length"},
		{js, `{"instances": [{"cap": 1, "kind": 1}, {"cap": 1}]}`, 400, "The length of values for each input/column name are not the same"},
		{js, `{"instances": [{"cap": 1, "kind": 1}, [1, 1]]}`, 400, "Invalid input. The rows mix lists and objects"},
		{js, split + `[[1, 1], {"cap": 1, "kind": 1}]}}`, 400, "The rows mix lists and objects"},
		{js, "{\"inputs\": \"\xff\"}", 400, "UnicodeDecodeError"},
		{js, strings.Repeat("[", 100000), 400, "Nested too deeply"},
		{js, `{"dataframe_records": []}`, 400, "Model is missing inputs"},
		{"text/csv", "", 400, "No columns to parse from file"},
		{"text/csv", "cap,kind\n1,2,3\n", 400, "Expected 2 fields in line 2, saw 3"},
		{"text/csv", "cap,kind\nx,2\n", 400, "could not convert string to float: 'x'"},
		{js, `{"instances": [{"cap": 1, "kind": 1}], "params": {"predict_method": "x"}}`, 400, "predict_method must be"},
	} {
		w := post(handler(t, signed(), score.Config{}), "/invocations", c.typ, c.body)
		if got := w.Body.String(); w.Code != c.status || !strings.Contains(got, c.text) {
			t.Errorf("%.60s: %d %s\nwant %d %s", c.body, w.Code, got, c.status, c.text)
		}
	}
}

func TestParams(t *testing.T) {
	h := handler(t, signed(), score.Config{})
	w := post(h, "/invocations", js, `{"instances": [{"cap": 1.5, "kind": 0}], "params": {"predict_method": "predict_proba"}}`)
	if got := w.Body.String(); got != `{"predictions": [[0.5, 0.5]]}` {
		t.Error(got)
	}
	w = post(h, "/invocations", js, `{"instances": [{"cap": 1.5, "kind": 0}], "params": {"explain": true}}`)
	want := `{"predictions": [0], "probabilities": [[0.5, 0.5]], "explanations": [{"space": "log-odds", "base_value": -1.5, "contributions": {"cap": 1.5, "kind": 0.0}}]}`
	if got := w.Body.String(); got != want {
		t.Error(got)
	}
}

func TestAzure(t *testing.T) {
	h := handler(t, signed(), score.Config{})
	row := `{"prediction": 0, "failure_probability": 0.5, "risk_level": "MEDIUM"}`
	for body, want := range map[string]string{
		`{"data": [[1.5, 0], [1.5, 0]]}`:                                  "[" + row + ", " + row + "]",
		`{"data": [1.5, 0]}`:                                              "[" + row + "]",
		`{"data": [{"kind": "HGST", "cap": 1.5}]}`:                        "[" + row + "]",
		`{"input_data": {"columns": ["cap", "kind"], "data": [[1.5,0]]}}`: "[" + row + "]",
	} {
		if w := post(h, "/score", js, body); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	for body, text := range map[string]string{
		`{"dat": [[1]]}`:                            `the body must be {\"data\": [[…]]}`,
		`{"data": [[1]]}`:                           "each row of data must have 2 values, got 1",
		`{"data": [[1, 2], [1]]}`:                   "differ in length",
		`{"data": []}`:                              "no rows",
		`{"data": [[1, 2], {"cap": 1, "kind": 0}]}`: "The rows mix lists and objects",
		`{"data": [{"cap": 1, "kind": 0}, [1, 2]]}`: "The rows mix lists and objects",
		`{"data": 3}`:                               "must be a list",
		`nonsense`:                                  "Expecting value",
	} {
		if w := post(h, "/score", js, body); w.Code != 400 || !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
}

func TestProbesAndOtherRoutes(t *testing.T) {
	h := handler(t, signed(), score.Config{Version: "9.9"})
	for _, c := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", "/ping", 200, "\n"},
		{"GET", "/health", 200, "\n"},
		{"GET", "/version", 200, "9.9"},
		{"GET", "/", 200, "Healthy"},
		{"GET", "/invocations", 405, `{"detail":"Method Not Allowed"}`},
		{"POST", "/ping", 405, `{"detail":"Method Not Allowed"}`},
		{"GET", "/nothing", 404, `{"detail":"Not Found"}`},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.status || w.Body.String() != c.body {
			t.Errorf("%s %s: %d %q", c.method, c.path, w.Code, w.Body)
		}
	}
}

func TestLimits(t *testing.T) {
	big := `{"instances": [{"cap": 1.5, "kind": 0}]}` + strings.Repeat(" ", 1000)
	if w := post(handler(t, signed(), score.Config{MaxBody: 500}), "/invocations", js, big); w.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w := post(handler(t, signed(), score.Config{MaxBuffered: 500}), "/invocations", js, big)
	if w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	// The columns of this body would need a table of 10^10 cells.
	sparse := `{"dataframe_records": [` + strings.Repeat(`{},`, 100000) + `{"x": 1` + wide(100000) + `}]}`
	if w := post(handler(t, signed(), score.Config{}), "/invocations", js, sparse); w.Code != 400 || !strings.Contains(w.Body.String(), "too many empty cells") {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
	if w := post(handler(t, signed(), score.Config{}), "/invocations", js, big); w.Code != 200 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func wide(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(`,"c` + strings.Repeat("0", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + string(rune('a'+i/676%26)) + `":1`)
	}
	return b.String()
}

func TestRowsTreatsAnEmptyCellAsMissing(t *testing.T) {
	tab, err := table.New(&table.Column{Name: "kind", Floats: []float64{0, math.NaN()}}, &table.Column{Name: "cap", Floats: []float64{1.5, 1}})
	if err != nil {
		t.Fatal(err)
	}
	p, err := score.NewBatch(signed()).Rows(tab)
	if err != nil || len(p) != 4 || p[1] != .5 || !math.IsNaN(p[3]) {
		t.Errorf("got %v, %v", p, err)
	}
}

func FuzzInvocations(f *testing.F) {
	h := handler(f, signed(), score.Config{})
	f.Add(js, `{"dataframe_split":{"columns":["cap","kind"],"data":[[0.5,"ST4"],[1e5,-1]]},"params":{"explain":true}}`)
	f.Add("text/csv", "kind,cap\n0,\"0.5\"\n,1.0\n")
	f.Add(js, `{"inputs":{"cap":[[1],[2]],"kind":[0,NaN]}}`)
	f.Fuzz(func(t *testing.T, typ, body string) {
		for _, path := range []string{"/invocations", "/score"} {
			if w := post(h, path, typ, body); w.Code >= 500 {
				t.Errorf("%s: %d %s", path, w.Code, w.Body)
			}
		}
	})
}

func BenchmarkOneRow(b *testing.B) {
	h := handler(b, signed(), score.Config{})
	body := `{"dataframe_split":{"columns":["cap","kind"],"data":[[0.5326532214943864,17]]}}`
	b.ReportAllocs()
	for b.Loop() {
		post(h, "/invocations", js, body)
	}
}
