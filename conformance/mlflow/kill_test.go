//go:build conformance

package mlflow

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// writer makes random writes to one run and remembers what was acknowledged.
type writer struct {
	id      int
	run     string
	base    string // of its artifacts
	sent    int
	batches map[int]bool   // batch number: acknowledged
	tags    map[int]bool   // tag number: acknowledged
	files   map[string]int // file: size, acknowledged
	tried   map[string]int // file: size, last sent
}

const batchSize = 20

// TestKillWhileWriting kills the server at random moments while four clients
// write, starts it again and looks: what was acknowledged is there, and what was
// not is there as a whole or not at all.
func TestKillWhileWriting(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(7, 7))
	writers := make([]*writer, 4)
	s := start(t, dir)
	for i := range writers {
		_, run, uri := s.run(t, fmt.Sprintf("kill-%d", i))
		writers[i] = &writer{id: i, run: run, base: "/api/2.0/mlflow-artifacts/artifacts" + strings.TrimPrefix(uri, "mlflow-artifacts:") + "/",
			batches: map[int]bool{}, tags: map[int]bool{}, files: map[string]int{}, tried: map[string]int{}}
	}
	for round := range 10 {
		var group sync.WaitGroup
		for _, w := range writers {
			seed := r.Uint64()
			group.Go(func() { w.write(s.url, rand.New(rand.NewPCG(seed, 1))) })
		}
		time.Sleep(time.Duration(50+r.IntN(300)) * time.Millisecond)
		s.kill()
		group.Wait()
		s = start(t, dir)
		for _, w := range writers {
			w.check(t, s, round)
		}
		if t.Failed() {
			return
		}
	}
	total := 0
	for _, w := range writers {
		total += len(w.batches) + len(w.tags) + len(w.files)
	}
	t.Logf("%d acknowledged writes survived", total)
	if total < 200 {
		t.Errorf("only %d writes were acknowledged; the test proves little", total)
	}
}

// write goes on until the server is gone.
func (w *writer) write(url string, r *rand.Rand) {
	client := &http.Client{Timeout: 10 * time.Second}
	for {
		w.sent++
		n := w.sent
		switch r.IntN(4) {
		case 0, 1:
			var metrics []string
			for k := range batchSize {
				metrics = append(metrics, fmt.Sprintf(`{"key":"m%d","value":%d,"timestamp":%d,"step":%d}`, k, n, n, n))
			}
			body := fmt.Sprintf(`{"run_id":%q,"metrics":[%s],"params":[{"key":"p%d","value":"%d"}]}`, w.run, strings.Join(metrics, ","), n, n)
			w.batches[n] = false
			if !request(client, http.MethodPost, url+api+"runs/log-batch", "application/json", strings.NewReader(body)) {
				return
			}
			w.batches[n] = true
		case 2:
			w.tags[n] = false
			if !request(client, http.MethodPost, url+api+"runs/set-tag", "application/json", strings.NewReader(fmt.Sprintf(`{"run_id":%q,"key":"t%d","value":"%d"}`, w.run, n, n))) {
				return
			}
			w.tags[n] = true
		case 3:
			name, size := fmt.Sprintf("f%d", r.IntN(5)), 1000+r.IntN(500_000)
			w.tried[name] = size
			if !request(client, http.MethodPut, url+w.base+name, "application/octet-stream", strings.NewReader(content(w.id, size))) {
				return
			}
			w.files[name] = size
		}
	}
}

// content is a text that tells its size and whose it is, to its last byte.
func content(id, size int) string {
	line := fmt.Sprintf("%d/%d;", id, size)
	return strings.Repeat(line, size/len(line)+1)[:size]
}

func request(c *http.Client, method, url, kind string, body io.Reader) bool {
	req, err := http.NewRequest(method, url, body)
	if err != nil {
		return false
	}
	req.Header.Set("Content-Type", kind)
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.ReadAll(resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

func (w *writer) check(t *testing.T, s *server, round int) {
	t.Helper()
	text := string(s.do(t, http.MethodGet, api+"runs/get?run_id="+w.run, "").body)
	text = strings.NewReplacer(" ", "", "\n", "").Replace(text)
	points := map[string]string{}
	for k := range batchSize {
		points[fmt.Sprint("m", k)] = strings.NewReplacer(" ", "", "\n", "").Replace(string(s.do(t, http.MethodGet, fmt.Sprintf("%smetrics/get-history?run_id=%s&metric_key=m%d", api, w.run, k), "").body))
	}
	for n, acknowledged := range w.batches {
		there := 0
		for k := range batchSize {
			if strings.Contains(points[fmt.Sprint("m", k)], fmt.Sprintf(`"step":%d}`, n)) || strings.Contains(points[fmt.Sprint("m", k)], fmt.Sprintf(`"step":%d,`, n)) {
				there++
			}
		}
		param := strings.Contains(text, fmt.Sprintf(`{"key":"p%d","value":"%d"}`, n, n))
		if acknowledged && (there != batchSize || !param) {
			t.Errorf("round %d: batch %d was acknowledged; %d of %d metrics are there, its parameter: %v", round, n, there, batchSize, param)
		}
		if there != 0 && there != batchSize || param != (there == batchSize) {
			t.Errorf("round %d: batch %d is there in part: %d of %d metrics, its parameter: %v", round, n, there, batchSize, param)
		}
	}
	for n, acknowledged := range w.tags {
		if acknowledged && !strings.Contains(text, fmt.Sprintf(`{"key":"t%d","value":"%d"}`, n, n)) {
			t.Errorf("round %d: tag %d was acknowledged and is gone", round, n)
		}
	}
	for name, size := range w.files {
		a := s.do(t, http.MethodGet, w.base+name, "")
		got := string(a.body)
		known := len(got) == size || len(got) == w.tried[name]
		if a.status != http.StatusOK || !known || got != content(w.id, len(got)) {
			t.Errorf("round %d: file %s of %d bytes was acknowledged; now it has status %d and %d bytes", round, name, size, a.status, len(got))
		}
	}
}
