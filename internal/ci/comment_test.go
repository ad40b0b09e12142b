package ci

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

// pulls keeps the comments of pull request 7 of o/r as GitHub does.
type pulls struct {
	mu       sync.Mutex
	comments []comment
	calls    []string
	fail     []int // statuses of the next answers; 0: as it should be
	lose     bool  // the next POST takes effect and answers 502
}

func (p *pulls) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, r.Method)
	if r.Header.Get("Authorization") != "Bearer secret" {
		http.Error(w, `{"message":"Bad credentials"}`, http.StatusUnauthorized)
		return
	}
	if len(p.fail) > 0 {
		status := p.fail[0]
		if p.fail = p.fail[1:]; status != 0 {
			http.Error(w, `{"message":"no"}`, status)
			return
		}
	}
	var sent comment
	if r.Method != http.MethodGet {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	switch {
	case r.Method == http.MethodGet && r.URL.Path == "/repos/o/r/issues/7/comments":
		page, _ := strconv.Atoi(r.FormValue("page"))
		from := min((page-1)*100, len(p.comments))
		_ = json.NewEncoder(w).Encode(p.comments[from:min(from+100, len(p.comments))])
	case r.Method == http.MethodPost && r.URL.Path == "/repos/o/r/issues/7/comments":
		sent.ID = int64(len(p.comments))
		p.comments = append(p.comments, sent)
		if p.lose {
			p.lose = false
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(sent)
	case r.Method == http.MethodPatch && strings.HasPrefix(r.URL.Path, "/repos/o/r/issues/comments/"):
		id, _ := strconv.Atoi(filepath.Base(r.URL.Path))
		p.comments[id].Body = sent.Body
		_ = json.NewEncoder(w).Encode(p.comments[id])
	default:
		http.NotFound(w, r)
	}
}

func TestCommentIsUpdatedInPlace(t *testing.T) {
	fake := &pulls{}
	for i := range 150 { // two pages, and one that quotes the marker
		fake.comments = append(fake.comments, comment{ID: int64(i), Body: "> " + Marker("gate")})
	}
	server := httptest.NewServer(fake)
	defer server.Close()
	pull := &Pull{API: server.URL, Token: "secret", Repository: "o/r", Number: 7}
	comment := func(key, text string) {
		t.Helper()
		if _, err := pull.Comment(context.Background(), key, text); err != nil {
			t.Fatal(err)
		}
	}
	fake.lose = true // answered by an error although it was made
	comment("gate", "first")
	comment("gate", "second")
	fake.fail = []int{503, 0, 429}
	comment("gate", "third")
	comment("other", "beside it")
	got := fake.comments[150:]
	if len(got) != 2 || got[0].Body != Marker("gate")+"third" || got[1].Body != Marker("other")+"beside it" {
		t.Errorf("%+v", got)
	}
}

func TestCommentRefused(t *testing.T) {
	for _, c := range []struct {
		token  string
		number int
		fail   []int
		size   int
		kind   errs.Kind
		calls  int
	}{
		{"wrong", 7, nil, 0, errs.Unauthenticated, 1},
		{"secret", 8, nil, 0, errs.NotFound, 1},
		{"secret", 7, []int{0, 403}, 0, errs.Denied, 2},
		{"secret", 7, []int{0, 422}, 0, errs.Invalid, 2},
		{"secret", 7, []int{500, 500, 500, 500, 500}, 0, errs.Unavailable, 4},
		{"secret", 7, nil, CommentLimit, errs.TooLarge, 0},
	} {
		fake := &pulls{fail: c.fail}
		server := httptest.NewServer(fake)
		pull := &Pull{API: server.URL, Token: c.token, Repository: "o/r", Number: c.number}
		_, err := pull.Comment(context.Background(), "gate", strings.Repeat("x", c.size))
		server.Close()
		if !errs.Is(err, c.kind) || len(fake.calls) != c.calls || len(fake.comments) != 0 {
			t.Errorf("%+v: %v after %v", c, err, fake.calls)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("the token is told: %v", err)
		}
	}
}

func TestPullOf(t *testing.T) {
	event := filepath.Join(t.TempDir(), "event.json")
	if err := os.WriteFile(event, []byte(`{"pull_request":{"number":12}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	full := map[string]string{"GITHUB_TOKEN": "t", "GITHUB_REPOSITORY": "o/r"}
	for _, c := range []struct {
		set    map[string]string
		number int
		want   string
	}{
		{map[string]string{"GITHUB_REF": "refs/pull/34/merge"}, 0, "34 true"},
		{map[string]string{"GITHUB_EVENT_PATH": event}, 0, "12 true"},
		{map[string]string{"GITHUB_EVENT_PATH": event}, 5, "5 true"},
		{map[string]string{"GITHUB_REF": "refs/heads/main"}, 0, "none"},
		{map[string]string{"GITHUB_EVENT_PATH": event + "x"}, 0, "not found"},
		{map[string]string{"GITHUB_TOKEN": ""}, 5, "unauthenticated"},
		{map[string]string{"GITHUB_REPOSITORY": "o/r/../.."}, 5, "usage"},
		{map[string]string{"GITHUB_API_URL": "file:///x"}, 5, "usage"},
	} {
		env := func(name string) string {
			if v, ok := c.set[name]; ok {
				return v
			}
			return full[name]
		}
		p, ok, err := PullOf(env, c.number)
		got := "none"
		if err != nil {
			got = errs.KindOf(err).String()
		} else if ok {
			got = fmt.Sprint(p.Number, ok)
		}
		if got != c.want {
			t.Errorf("%+v: %s, want %s", c, got, c.want)
		}
	}
}
