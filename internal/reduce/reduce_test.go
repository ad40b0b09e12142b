package reduce_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/reduce"
	"github.com/drivecast/drivecast/model/native"
	"github.com/drivecast/drivecast/table"
	"github.com/drivecast/drivecast/tree/hist"
)

// TestMain lets the test binary be one process of a fit: see work.
func TestMain(m *testing.M) {
	if url := os.Getenv("REDUCE_TEST_URL"); url != "" {
		if err := work(url, os.Getenv("REDUCE_TEST_RANK"), os.Getenv("REDUCE_TEST_OUT")); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

const parties = 3

func data() (*table.Matrix, []float64, hist.Options) {
	r := rand.New(rand.NewPCG(1, 9))
	x, y := table.NewMatrix(2000, 4), make([]float64, 2000)
	for i := range y {
		for c := range 4 {
			x.Col(c)[i] = r.NormFloat64()
		}
		if x.Col(3)[i] = float64(r.IntN(20)); x.At(i, 0)+math.Sin(x.At(i, 3)) > 0 {
			y[i] = 1
		}
		if i%7 == 0 {
			x.Col(1)[i] = math.NaN()
		}
	}
	opt := hist.Defaults(hist.Binary)
	opt.Trees, opt.Leaves, opt.Categorical, opt.Balanced, opt.RowShare, opt.RowEvery = 12, 12, []int{3}, true, .7, 1
	return x, y, opt
}

// work fits on the rows of one rank and writes the model.
func work(url, rankText, out string) error {
	rank, err := strconv.Atoi(rankText)
	if err != nil {
		return err
	}
	x, y, opt := data()
	lo, hi := rank*rank*x.Rows/(parties*parties), (rank+1)*(rank+1)*x.Rows/(parties*parties)
	rows := make([]int, 0, hi-lo)
	for r := lo; r < hi; r++ {
		rows = append(rows, r)
	}
	x, y = x.Take(rows), y[lo:hi]
	peers := reduce.NewClient(url, rank, "secret", nil)
	if opt.Shard, err = hist.Join(context.Background(), peers, rank, parties, x, y, opt); err != nil {
		return err
	}
	m, err := hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		return err
	}
	file, err := native.Encode(m)
	if err != nil {
		return err
	}
	return os.WriteFile(out, file, 0o666)
}

func coordinator(t *testing.T, n int, patience time.Duration) *httptest.Server {
	t.Helper()
	c, err := reduce.NewCoordinator(n, "secret", patience)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(c)
	t.Cleanup(s.Close)
	return s
}

// TestProcessesMakeTheModelOfOne fits on three processes of the operating system.
func TestProcessesMakeTheModelOfOne(t *testing.T) {
	x, y, opt := data()
	m, err := hist.FitBoosted(context.Background(), x, y, nil, opt, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := native.Encode(m)
	if err != nil {
		t.Fatal(err)
	}
	s, dir := coordinator(t, parties, 0), t.TempDir()
	var wg sync.WaitGroup
	for rank := range parties {
		out := filepath.Join(dir, strconv.Itoa(rank))
		wg.Go(func() {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), "REDUCE_TEST_URL="+s.URL, "REDUCE_TEST_RANK="+strconv.Itoa(rank), "REDUCE_TEST_OUT="+out)
			if text, err := c.CombinedOutput(); err != nil {
				t.Errorf("process %d: %v\n%s", rank, err, text)
				return
			}
			if got, err := os.ReadFile(out); err != nil || !bytes.Equal(got, want) {
				t.Errorf("process %d has another model than one process alone (%v)", rank, err)
			}
		})
	}
	wg.Wait()
}

// flaky loses some answers after they were given, and some requests on the way.
type flaky struct {
	mu sync.Mutex
	r  *rand.Rand
}

func (f *flaky) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	luck := f.r.IntN(4)
	f.mu.Unlock()
	if luck == 0 {
		return nil, fmt.Errorf("lost on the way")
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil && luck == 1 {
		resp.Body.Close()
		return nil, fmt.Errorf("lost on the way back")
	}
	return resp, err
}

func TestLostAnswersCountOnce(t *testing.T) {
	s := coordinator(t, 2, time.Minute)
	var wg sync.WaitGroup
	for rank := range 2 {
		wg.Go(func() {
			c := reduce.NewClient(s.URL, rank, "secret", &http.Client{Transport: &flaky{r: rand.New(rand.NewPCG(uint64(rank), 3))}})
			for turn := range 4 {
				v, top := []int64{1, int64(turn), -int64(rank)}, []float64{float64(rank), -1, math.Inf(-1)}
				if err := c.Sum(context.Background(), v); err != nil || v[0] != 2 || v[1] != 2*int64(turn) || v[2] != -1 {
					t.Errorf("turn %d: %v, %v", turn, v, err)
					return
				}
				if err := c.Max(context.Background(), top); err != nil || top[0] != 1 || top[1] != -1 || !math.IsInf(top[2], -1) {
					t.Errorf("turn %d: %v, %v", turn, top, err)
					return
				}
			}
		})
	}
	wg.Wait()
}

func TestFailuresReachEveryProcess(t *testing.T) {
	for name, other := range map[string]func(c *reduce.Client) error{
		"gives up":        func(c *reduce.Client) error { return c.Abort(context.Background(), fmt.Errorf("the disk is full")) },
		"another length":  func(c *reduce.Client) error { return c.Sum(context.Background(), make([]int64, 3)) },
		"another command": func(c *reduce.Client) error { return c.Max(context.Background(), make([]float64, 2)) },
		"is not there":    func(*reduce.Client) error { return nil },
	} {
		s := coordinator(t, 2, 300*time.Millisecond)
		done := make(chan error)
		go func() { done <- reduce.NewClient(s.URL, 0, "secret", nil).Sum(context.Background(), make([]int64, 2)) }()
		time.Sleep(50 * time.Millisecond)
		other(reduce.NewClient(s.URL, 1, "secret", nil))
		if err := <-done; !errs.Is(err, errs.Unavailable) {
			t.Errorf("%s: %v", name, err)
		} else if name == "gives up" && !strings.Contains(err.Error(), "the disk is full") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStrangersAreRefused(t *testing.T) {
	s := coordinator(t, 2, time.Second)
	if err := reduce.NewClient(s.URL, 0, "guess", nil).Sum(context.Background(), []int64{1}); !errs.Is(err, errs.Denied) {
		t.Errorf("a wrong token: %v", err)
	}
	for _, path := range []string{"/turns/0/sum?rank=2", "/turns/0/sum?rank=-1", "/turns/x/sum?rank=0", "/turns/0/mul?rank=0", "/?rank=0"} {
		req, _ := http.NewRequest(http.MethodPost, s.URL+path, strings.NewReader("12345678"))
		req.Header.Set("Authorization", "Bearer secret")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode < 400 || resp.StatusCode >= 500 || resp.StatusCode == http.StatusConflict {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if err := reduce.NewClient(s.URL, 0, "secret", nil).Sum(ctx, []int64{1}); err == nil {
		t.Error("a canceled turn gave no error")
	}
	if _, err := reduce.NewCoordinator(0, "", 0); !errs.Is(err, errs.Invalid) {
		t.Errorf("no processes: %v", err)
	}
}
