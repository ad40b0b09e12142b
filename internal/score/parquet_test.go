package score_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/drivecast/drivecast/internal/score"
	"github.com/drivecast/drivecast/table"
)

const packed = "application/vnd.apache.parquet"

func parquetBody[T any](t *testing.T, rows []T) string {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[T](&b)
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestParquetKeepsTypes(t *testing.T) {
	type fits struct {
		Kind int64   `parquet:"kind"`
		Cap  float32 `parquet:"cap"`
	}
	type floats struct {
		Cap  float64 `parquet:"cap"`
		Kind float64 `parquet:"kind"`
	}
	type words struct {
		Cap  float64 `parquet:"cap"`
		Kind string  `parquet:"model"`
	}
	h := handler(t, signed(), score.Config{Parquet: table.WithParquet()})
	for name, c := range map[string]struct {
		body, want string
		status     int
	}{
		"widened": {parquetBody(t, []fits{{0, .5}, {1, 1}}), `{"predictions": [0, 1]}`, 200},
		"encoded": {parquetBody(t, []words{{.5, "HGST"}, {0, "ST4"}}), `{"predictions": [0, 1]}`, 200},
		"floats":  {parquetBody(t, []floats{{1, 1}}), "Can not safely convert float64 to int64.", 400},
		"cut":     {parquetBody(t, []fits{{1, 1}})[:40], "to_parquet()", 400},
		"empty":   {"", "to_parquet()", 400},
	} {
		w := post(h, "/invocations", packed, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
}

// A small body may hold many rows: their memory counts as scored until the answer is
// there, and one large request is always let in.
func TestParquetMemoryCountsAsScored(t *testing.T) {
	type row struct {
		Cap  float64 `parquet:"cap,dict"`
		Kind int64   `parquet:"kind,dict"`
	}
	body := parquetBody(t, make([]row, 200_000))
	h := handler(t, signed(), score.Config{Parquet: table.WithParquet(), MaxScored: int64(len(body)) + 1000})
	for range 3 {
		if w := post(h, "/invocations", packed, body); w.Code != 200 || strings.Count(w.Body.String(), ",") != 199_999 {
			t.Fatalf("%d %.200s", w.Code, w.Body)
		}
	}
	bomb := parquetBody(t, make([]row, 20_000_000))
	if w := post(h, "/invocations", packed, bomb); w.Code != 413 {
		t.Errorf("%d bytes with 40 million cells: %d %.200s", len(bomb), w.Code, w.Body)
	}
}
