package route

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/table"
)

func record(id string, rows int) *Record {
	r := &Record{Time: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), ID: id, Model: "drives", Version: "3", Route: "next", Took: 1500 * time.Microsecond, Rows: rows, Chance: true}
	in := []Input{{Name: "serial_number"}, {Name: "errors"}, {Name: "route"}}
	for i := range rows {
		in[0].Texts, in[0].Nums = append(in[0].Texts, fmt.Sprint("Z", i)), append(in[0].Nums, math.NaN())
		in[1].Nums, in[2].Nums = append(in[1].Nums, float64(i)), append(in[2].Nums, math.NaN())
		r.Decisions, r.Scores = append(r.Decisions, "1"), append(r.Scores, .75)
	}
	r.Inputs = in
	r.Keys = r.Column("serial_number")
	r.Key = r.Keys[0]
	return r
}

func written(t *testing.T, cfg LogConfig, records ...*Record) (*Log, []string) {
	cfg.Write = table.WriteParquet
	t.Helper()
	cfg.Sample, cfg.Logger = 1, slog.New(slog.DiscardHandler)
	l, err := NewLog(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	for _, r := range records {
		l.Put(r)
	}
	l.Run(ctx)
	var files []string
	_ = filepath.WalkDir(filepath.Dir(cfg.Path), func(p string, d fs.DirEntry, _ error) error {
		if !d.IsDir() {
			files = append(files, p)
		}
		return nil
	})
	return l, files
}

func TestLogAsAzureCollects(t *testing.T) {
	_, files := written(t, LogConfig{Path: filepath.Join(t.TempDir(), "log")}, record("a", 2), record("b", 1))
	if len(files) != 2 || !strings.Contains(filepath.ToSlash(files[0]), "/model_inputs/2026/03/04/05/") || !strings.Contains(files[1], "model_outputs") {
		t.Fatal(files)
	}
	for i, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		var e map[string]any
		if err := json.Unmarshal([]byte(lines[0]), &e); err != nil || len(lines) != 2 {
			t.Fatal(err, lines)
		}
		if e["correlationid"] != "a" || e["specversion"] != "1.0" || e["latencyms"] != 1.5 || e["route"] != "next" || e["modelversion"] != "3" || e["type"] != []string{"azureml.inference.inputs", "azureml.inference.outputs"}[i] {
			t.Errorf("%s", lines[0])
		}
		row := e["data"].([]any)[1].(map[string]any)
		if i == 0 && (row["serial_number"] != "Z1" || row["errors"] != 1.0 || row["route"] != nil) || i == 1 && (row["prediction"] != 1.0 || row["score"] != .75) {
			t.Errorf("%v", row)
		}
	}
}

func TestLogAsParquet(t *testing.T) {
	other := record("c", 1)
	other.Inputs = other.Inputs[:1]
	_, files := written(t, LogConfig{Path: filepath.Join(t.TempDir(), "calls.parquet")}, record("a", 2), other, record("b", 1))
	if len(files) != 2 || !strings.HasPrefix(filepath.Base(files[0]), "calls-20260304T050607") {
		t.Fatal(files)
	}
	tab, err := table.ReadFile(t.Context(), files[0], table.ReadOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if tab.Rows() != 3 || tab.Column("correlation_id").TextAt(2) != "b" || tab.Column("drive_id").TextAt(1) != "Z1" || tab.Column("errors").Floats[1] != 1 ||
		tab.Column("score").Floats[0] != .75 || tab.Column("route").TextAt(0) != "next" || tab.Column("input_route") == nil || tab.Column("latency_ms").Floats[0] != 1.5 {
		t.Errorf("%v", tab.Names())
	}
}

func TestLogNeverBlocks(t *testing.T) {
	l, err := NewLog(LogConfig{Path: t.TempDir(), Sample: .25, Queue: 10, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range 20_000 {
		if l.Wants(NewID()) {
			n++
		}
	}
	if share := float64(n) / 20_000; math.Abs(share-.25) > .013 {
		t.Errorf("%.3f of the requests are in a sample of .25", share)
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { // nobody writes
			for range 100 {
				l.Put(record("x", 1))
			}
		})
	}
	wg.Wait()
	if len(l.queue) != 10 {
		t.Errorf("%d of 10 places are taken", len(l.queue))
	}
	for range 100 {
		if l.Wants(NewID()) {
			t.Fatal("a full log wants more")
		}
	}
}

func TestLogRollsBySize(t *testing.T) {
	_, files := written(t, LogConfig{Path: filepath.Join(t.TempDir(), "log"), Format: "parquet", Bytes: 1000}, record("a", 10), record("b", 10), record("c", 10))
	if len(files) != 3 {
		t.Errorf("%d files", len(files))
	}
}

func TestBadLogs(t *testing.T) {
	for _, c := range []LogConfig{{Sample: 2}, {Sample: math.NaN()}, {Format: "csv"}} {
		if _, err := NewLog(c); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
