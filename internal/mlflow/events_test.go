package mlflow

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/auth"
	"github.com/drivecast/drivecast/internal/tracking"
)

// follower reads a stream event by event.
type follower struct {
	in   *bufio.Scanner
	stop func()
}

// event is the next one, as "name data", and its id; "" when the stream ended.
func (f *follower) event() (text, id string) {
	name := ""
	for f.in.Scan() {
		key, value, _ := strings.Cut(f.in.Text(), ": ")
		switch key {
		case "event":
			name = value
		case "data":
			text = name + " " + value
		case "id":
			id = value
		case "":
			if text != "" {
				return text, id
			}
		}
	}
	return "", ""
}

func (s *house) follow(t *testing.T, url, who, id string) *follower {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	r, err := http.NewRequestWithContext(ctx, "GET", url+"/ajax-api/2.0/drivecast/events?experiment_id="+s.experiment, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.tokens[who])
	if id != "" {
		r.Header.Set("Last-Event-ID", id)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("the stream is answered %s", resp.Status)
	}
	f := &follower{bufio.NewScanner(resp.Body), func() { stop(); resp.Body.Close() }}
	t.Cleanup(f.stop)
	return f
}

func TestEvents(t *testing.T) {
	stopping := make(chan struct{})
	s := newHouseUntil(t, stopping)
	s.grant(t, auth.Read)
	server := httptest.NewServer(s.h)
	t.Cleanup(server.Close)
	expect := func(f *follower, want string) (id string) {
		t.Helper()
		got, id := f.event()
		if got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
		return id
	}
	f := s.follow(t, server.URL, "eve", "")
	first := expect(f, "hello {}")
	elsewhere := s.made(t, "experiments/create", `{"name":"elsewhere"}`, "experiment_id")
	s.made(t, "runs/create", fmt.Sprintf(`{"experiment_id":%q}`, elsewhere), "run_id")
	run := s.made(t, "runs/create", fmt.Sprintf(`{"experiment_id":%q}`, s.experiment), "run_id")
	for range 20 {
		s.status(t, 200, "bob", "POST", api20+"runs/log-metric", fmt.Sprintf(`{"run_id":%q,"key":"k","value":1,"timestamp":1}`, run))
	}
	mid := expect(f, fmt.Sprintf(`run {"run_id":%q,"change":"created"}`, run))
	s.status(t, 200, "bob", "POST", api20+"runs/delete", fmt.Sprintf(`{"run_id":%q}`, run))
	expect(f, fmt.Sprintf(`run {"run_id":%q,"change":"deleted"}`, run))

	again := s.follow(t, server.URL, "eve", mid)
	expect(again, "hello {}")
	expect(again, fmt.Sprintf(`run {"run_id":%q,"change":"deleted"}`, run))
	all := s.follow(t, server.URL, "eve", first)
	expect(all, "hello {}")
	expect(all, fmt.Sprintf(`run {"run_id":%q,"change":"deleted"}`, run))
	for _, id := range []string{"another-1", "rubbish", strings.Split(first, "-")[0] + "-999999"} {
		expect(s.follow(t, server.URL, "eve", id), "reset {}")
	}

	g, err := s.users.Store().GrantOf(t.Context(), "eve", auth.Thing{Kind: auth.Experiment, ID: s.experiment})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.users.Store().RemoveGrant(t.Context(), g.ID); err != nil {
		t.Fatal(err)
	}
	s.made(t, "runs/create", fmt.Sprintf(`{"experiment_id":%q}`, s.experiment), "run_id")
	if got, _ := f.event(); got != "" {
		t.Errorf("after the permission was taken: %s", got)
	}
	bobs := s.follow(t, server.URL, "bob", "")
	expect(bobs, "hello {}")
	close(stopping)
	if got, _ := bobs.event(); got != "" {
		t.Errorf("while the server stops: %s", got)
	}
}

// TestFeedIsBounded lets more happen than is kept.
func TestFeedIsBounded(t *testing.T) {
	s := newHouse(t)
	feed := s.h.Runs.Feed()
	begin := feed.Last()
	for i := range 5000 {
		if err := s.h.Runs.Log(t.Context(), s.run, tracking.Batch{Single: true, Tags: []tracking.Tag{{Key: "k", Value: fmt.Sprint(i)}}}); err != nil {
			t.Fatal(err)
		}
	}
	list, last, whole, _ := feed.After(begin, s.experiment)
	if whole || last != begin+5000 || len(list) != 1 {
		t.Errorf("got %d changes up to %d, whole: %t", len(list), last, whole)
	}
	if _, _, whole, more := feed.After(last, s.experiment); !whole || more == nil {
		t.Error("at the end there is nothing to wait for")
	}
}
