// Command scale fills a database with many runs, by bulk, and measures searches
// over HTTP from the first to the last byte:
//
//	go run ./bench/scale -runs 30000 -metrics 100 -params 20
//	go run ./bench/scale -runs 1000000 -metrics 20 -params 0
//
// A database that has the runs already, named with -store, is not filled again.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/internal/artifact"
	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

type size struct{ runs, metrics, params int }

func main() {
	var s size
	store := flag.String("store", "", "URI of the database; default: a new SQLite file that is removed")
	flag.IntVar(&s.runs, "runs", 30000, "runs")
	flag.IntVar(&s.metrics, "metrics", 100, "metrics of each run")
	flag.IntVar(&s.params, "params", 20, "parameters of each run")
	profile := flag.String("cpuprofile", "", "file to write a profile of the searches to")
	n := flag.Int("n", 200, "requests of each kind")
	only := flag.String("only", "", "measure only the searches whose name begins so")
	rest := flag.Duration("rest", 0, "wait before the searches, so that the server can settle the runs")
	flag.Parse()
	if err := run(context.Background(), *store, s, *n, *rest, *only, *profile); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, uri string, s size, n int, rest time.Duration, only, profile string) (err error) {
	dir, err := os.MkdirTemp("", "scale")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if uri == "" {
		uri = "sqlite:///" + filepath.Join(dir, "store.db")
	}
	db, err := sqlstore.Open(ctx, uri, sqlstore.Options{})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	begin := time.Now()
	if err := fill(ctx, db, s); err != nil {
		return err
	}
	fmt.Printf("filled %d runs x %d metrics x %d params in %.1f s\n", s.runs, s.metrics, s.params, time.Since(begin).Seconds())
	files, err := artifact.OpenFolder(filepath.Join(dir, "files"))
	if err != nil {
		return err
	}
	defer files.Close()
	h, err := mlflow.NewHandler(ctx, mlflow.Config{Tracking: db.Tracking(), Registry: db.Registry(), Artifacts: files})
	if err != nil {
		return err
	}
	defer h.Close()
	server := httptest.NewServer(h)
	defer server.Close()
	time.Sleep(rest)
	if profile != "" {
		f, err := os.Create(profile)
		if err != nil {
			return err
		}
		defer f.Close()
		if err := pprof.StartCPUProfile(f); err != nil {
			return err
		}
		defer pprof.StopCPUProfile()
	}
	return measure(server.URL, n, s, only)
}

const experiment = "1"

// fill adds the runs that are not there.
func fill(ctx context.Context, db *sqlstore.DB, s size) error {
	into := db.Import()
	if _, _, err := into.Experiment(ctx, tracking.Experiment{ID: experiment, Name: "scale", ArtifactLocation: "mlflow-artifacts:/1", Stage: tracking.Active, Created: 1, Updated: 1}); err != nil {
		return err
	}
	last, err := into.HasRun(ctx, runID(s.runs-1))
	if err != nil || last {
		return err
	}
	r := rand.New(rand.NewPCG(1, 2))
	names := make([]string, s.metrics)
	for m := range names {
		names[m] = fmt.Sprint("m", m)
	}
	var batch []sqlstore.ImportedRun
	for i := range s.runs {
		id := runID(i)
		x := sqlstore.ImportedRun{RunInfo: tracking.RunInfo{ID: id, Name: fmt.Sprint("run-", i), ExperimentID: experiment, UserID: "bench", Status: tracking.Finished,
			Start: int64(1_700_000_000_000 + i), End: int64(1_700_000_001_000 + i), ArtifactURI: "mlflow-artifacts:/1/" + id, Stage: tracking.Active},
			Tags: []tracking.Tag{{Key: "mlflow.user", Value: "bench"}}}
		for p := range s.params {
			x.Params = append(x.Params, tracking.Tag{Key: fmt.Sprint("p", p), Value: fmt.Sprint(r.IntN(50))})
		}
		values := make([]float64, s.metrics)
		for m := range values {
			values[m] = r.Float64()
		}
		x.Points = func(yield func(tracking.Metric, error) bool) {
			for m, v := range values {
				if !yield(tracking.Metric{Key: names[m], Value: v, Timestamp: 1, Step: 1}, nil) {
					return
				}
			}
		}
		if batch = append(batch, x); len(batch) == 500 || i == s.runs-1 {
			if err := into.Runs(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return nil
}

func runID(i int) string { return fmt.Sprintf("%032x", i*2654435761) }

func measure(url string, n int, s size, only string) error {
	r := rand.New(rand.NewPCG(3, 4))
	for _, c := range []struct {
		name string
		body func() string
	}{
		{"first page, unfiltered", func() string { return `{"experiment_ids":["1"],"max_results":100}` }},
		{"metric filter and order, 100 runs", func() string {
			m := r.IntN(s.metrics)
			return fmt.Sprintf(`{"experiment_ids":["1"],"max_results":100,"filter":"metrics.m%d > %.3f","order_by":["metrics.m%d DESC"]}`, m, r.Float64()*.9, m)
		}},
		{"metric filter, newest first", func() string {
			return fmt.Sprintf(`{"experiment_ids":["1"],"max_results":100,"filter":"metrics.m%d > %.3f"}`, r.IntN(s.metrics), r.Float64()*.9)
		}},
		{"two metric filters and order", func() string {
			m := r.IntN(s.metrics)
			return fmt.Sprintf(`{"experiment_ids":["1"],"max_results":100,"filter":"metrics.m%d > 0.5 AND metrics.m%d < 0.5","order_by":["metrics.m%d ASC"]}`, m, (m+1)%s.metrics, m)
		}},
		{"parameter filter, newest first", func() string {
			return fmt.Sprintf(`{"experiment_ids":["1"],"max_results":100,"filter":"params.p%d = '%d'"}`, r.IntN(max(s.params, 1)), r.IntN(50))
		}},
	} {
		if !strings.HasPrefix(c.name, only) {
			continue
		}
		took := make([]time.Duration, n)
		bytes := int64(0)
		for i := range took {
			begin := time.Now()
			resp, err := http.Post(url+"/api/2.0/mlflow/runs/search", "application/json", strings.NewReader(c.body()))
			if err != nil {
				return err
			}
			if bytes, err = io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s %v", c.name, resp.Status, err)
			}
			resp.Body.Close()
			took[i] = time.Since(begin)
		}
		first := took[0]
		slices.Sort(took)
		fmt.Printf("%-36s first %7.2f ms, p50 %7.2f ms, p95 %7.2f ms, %d bytes\n", c.name, ms(first), ms(took[n/2]), ms(took[n*95/100]), bytes)
	}
	return nil
}

func ms(d time.Duration) float64 { return d.Seconds() * 1000 }
