package sqlstore_test

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/sqlstore"
	"github.com/drivecast/drivecast/internal/tracking"
)

// writerEnv names the file that a helper process of TestKilledWriter writes to.
const writerEnv = "DRIVECAST_TEST_STORE_WRITER"

const batchSize = 25

// TestWriter is the helper process: it logs batches until it is killed, and
// prints the number of each batch that was acknowledged.
func TestWriter(t *testing.T) {
	file := os.Getenv(writerEnv)
	if file == "" {
		t.Skip("this is the helper process of TestKilledWriter")
	}
	db := openFile(t, file)
	s := tracking.New(db.Tracking(), "mlflow-artifacts:", time.Now, 1)
	r, err := s.CreateRun(t.Context(), tracking.NewRun{Name: "killed"})
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("run", r.ID)
	for n := 0; ; n++ {
		if err := s.Log(t.Context(), r.ID, batchOf(n)); err != nil {
			t.Fatal(err)
		}
		fmt.Println("batch", n)
	}
}

func batchOf(n int) tracking.Batch {
	b := tracking.Batch{Tags: []tracking.Tag{{Key: "last", Value: strconv.Itoa(n)}}, Params: []tracking.Tag{{Key: fmt.Sprint("p", n), Value: "x"}}}
	for i := range int64(batchSize) {
		b.Metrics = append(b.Metrics, tracking.Metric{Key: "m", Value: float64(n), Timestamp: int64(n), Step: i})
	}
	return b
}

// TestKilledWriter kills a writing process at random moments: what it was told is
// recorded is there, and the batch in flight is whole or absent.
func TestKilledWriter(t *testing.T) {
	file := filepath.Join(t.TempDir(), "store.db")
	random := rand.New(rand.NewPCG(3, 5))
	for round := range 6 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestWriter$", "-test.count=1")
		cmd.Env = append(os.Environ(), writerEnv+"="+file)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		run, last := "", -1
		lines := bufio.NewScanner(out)
		wait := time.Duration(random.IntN(80)) * time.Millisecond
		for lines.Scan() {
			kind, rest, _ := strings.Cut(lines.Text(), " ")
			switch {
			case kind == "run":
				run = rest
				time.AfterFunc(wait, func() { cmd.Process.Kill() })
			case kind == "batch":
				if last, err = strconv.Atoi(rest); err != nil {
					t.Fatal(err)
				}
			case run == "":
				t.Fatalf("round %d: the writer said %q", round, lines.Text())
			}
		}
		cmd.Wait()
		checkKilled(t, file, run, last)
	}
}

func checkKilled(t *testing.T, file, id string, last int) {
	t.Helper()
	db, err := sqlstore.Open(t.Context(), "sqlite:///"+file, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	r, err := db.Tracking().Run(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	points, _, err := db.Tracking().History(t.Context(), id, "m", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	batches := len(r.Params)
	if batches < last+1 || len(points) != batches*batchSize {
		t.Errorf("%d batches were acknowledged; %d parameters and %d points are there", last+1, batches, len(points))
	}
	for _, tag := range r.Tags {
		if tag.Key == "last" && tag.Value != strconv.Itoa(batches-1) {
			t.Errorf("after %d batches the tag says %s", batches, tag.Value)
		}
	}
}
