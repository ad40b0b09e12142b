package main

import (
	"io"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestProxySurvivesKills asks a proxy in front of two servers without a pause while
// one of them after the other is killed and started again: no request fails.
func TestProxySurvivesKills(t *testing.T) {
	model := smallModel(t, t.TempDir())
	var servers [2]*killable
	args := []string{"serve", "--proxy-every", "100ms"}
	for i := range servers {
		host, port := freeAddress(t)
		servers[i] = &killable{t: t, args: []string{"serve", "-m", model, "--host", host, "--port", port}}
		servers[i].start()
		t.Cleanup(servers[i].kill)
		uri := "http://" + host + ":" + port
		if err := waitFor(uri+"/readyz", 20*time.Second); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--proxy", string(rune('a'+i))+"="+uri)
	}
	host, port := freeAddress(t)
	proxy := &killable{t: t, args: append(args, "--host", host, "--port", port)}
	proxy.start()
	t.Cleanup(proxy.kill)
	base := "http://" + host + ":" + port
	if err := waitFor(base+"/readyz", 20*time.Second); err != nil {
		t.Fatal(err)
	}

	var by [2]atomic.Int64
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 4 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				resp, err := http.Post(base+"/invocations", "application/json", strings.NewReader(`{"dataframe_split":{"columns":["a","b"],"data":[[150,3]]}}`))
				if err != nil {
					t.Error(err)
					return
				}
				body, err := io.ReadAll(resp.Body)
				resp.Body.Close()
				if err != nil || resp.StatusCode != 200 || !strings.Contains(string(body), "predictions") {
					t.Errorf("%s %s %v", resp.Status, body, err)
					return
				}
				by[resp.Header.Get("X-Drivecast-Endpoint")[0]-'a'].Add(1)
			}
		})
	}
	answers := func(i int) {
		t.Helper()
		for before, end := by[i].Load(), time.Now().Add(20*time.Second); by[i].Load() < before+20 && !t.Failed(); time.Sleep(10 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("endpoint %d does not answer; the proxy said %s", i, proxy.log.String())
			}
		}
	}
	for range 3 {
		answers(0)
		servers[0].kill()
		answers(1)
		servers[0].start()
		answers(0) // the preferred one again
		servers[1].kill()
		answers(0)
		servers[1].start()
		if err := waitFor("http://"+servers[1].args[4]+":"+servers[1].args[6]+"/readyz", 20*time.Second); err != nil {
			t.Fatal(err)
		}
		time.Sleep(400 * time.Millisecond) // the proxy has looked twice
	}
	close(stop)
	clients.Wait()
	proxy.cmd.Process.Signal(os.Interrupt)
	if err := proxy.cmd.Wait(); err != nil {
		t.Errorf("the proxy ended with %v", err)
	}
	proxy.cmd = nil
}
