package hook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

const (
	secret = "a secret of the tests"
	older  = "the secret before that"
)

func TestGitHubsOwnExample(t *testing.T) {
	const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	key := [][]byte{[]byte("It's a Secret to Everybody")}
	for _, c := range []struct {
		body, signature string
		secrets         [][]byte
		want            bool
	}{
		{"Hello, World!", signature, key, true},
		{"Hello, World!", signature, [][]byte{[]byte("another"), key[0]}, true},
		{"Hello, World!", signature, [][]byte{key[0], []byte("another")}, true},
		{"Hello, World.", signature, key, false},
		{"Hello, World!", signature, [][]byte{[]byte("another")}, false},
		{"Hello, World!", signature, nil, false},
		{"Hello, World!", strings.TrimPrefix(signature, "sha256="), key, false},
		{"Hello, World!", signature[:len(signature)-2], key, false},
		{"Hello, World!", "sha256=", key, false},
		{"", "sha256=" + strings.Repeat("z", 64), key, false},
		{"", sign("", ""), [][]byte{nil}, false},
	} {
		if got := Verify([]byte(c.body), c.signature, c.secrets); got != c.want {
			t.Errorf("%q under %q: %v", c.body, c.signature, got)
		}
	}
}

func sign(body, key string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(body))
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// queue remembers what was started.
type queue struct {
	mu    sync.Mutex
	names []string
	fails int // how many calls fail
	ended bool
}

func (q *queue) Start(_ context.Context, name, file, commit string, _ Job) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if text, err := os.ReadFile(file); err != nil || string(text) != "command: echo\n" || len(commit) != 40 {
		return errs.New(errs.Invalid, "%s: %q %v", file, text, err)
	}
	if slices.Contains(q.names, name) {
		return errs.New(errs.Exists, "%s is there", name)
	}
	if q.fails > 0 && len(q.names) > 0 {
		q.fails--
		return errs.New(errs.Unavailable, "the queue is away")
	}
	q.names = append(q.names, name)
	return nil
}

func (q *queue) Ended(context.Context, string) (bool, error) { return q.ended, nil }

func (q *queue) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.names)
}

// origin makes a repository with a job and returns its folder and its commit.
func origin(t *testing.T) (dir, commit string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "job.yml"), []byte("command: echo\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"init", "-q", "-b", "main"}, {"add", "."}, {"-c", "user.name=A", "-c", "user.email=a@example.com", "commit", "-q", "-m", "one"}} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, args...)...).CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v %s", args, err, out)
		}
	}
	out, err := exec.Command("git", "-C", dir, "rev-parse", "HEAD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return dir, strings.TrimSpace(string(out))
}

func newReceiver(t *testing.T, clone, dir string, q Queue) *Receiver {
	t.Helper()
	cfg, err := ParseConfig(fmt.Appendf(nil, "repository: team/drives\nclone: %s\njobs:\n- {file: job.yml, set: [inputs.iteration=1]}\n- {file: job.yml, set: [inputs.iteration=2]}\n", clone))
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(cfg, Options{Secrets: [][]byte{[]byte(secret), []byte(older)}, Dir: dir, Queue: q,
		Logger: slog.New(slog.DiscardHandler), Now: time.Now, Wait: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func body(commit, more string) string {
	return `{"ref": "refs/heads/main", "after": "` + commit + `", "repository": {"full_name": "Team/Drives"}` + more + `}`
}

// post delivers a body with headers "Name: value" beside the usual ones.
func post(t *testing.T, h http.Handler, text, signature string, headers ...string) (int, answer) {
	t.Helper()
	req := httptest.NewRequest(http.MethodPost, Path, strings.NewReader(text))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", "one")
	if signature != "" {
		req.Header.Set("X-Hub-Signature-256", signature)
	}
	for _, h := range headers {
		k, v, _ := strings.Cut(h, ": ")
		req.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	return w.Code, a
}

func TestWhatIsAnswered(t *testing.T) {
	clone, commit := origin(t)
	q := &queue{}
	r := newReceiver(t, clone, t.TempDir(), q)
	r.cfg.Paths = []string{"src", "*.yml"}
	good, gone := body(commit, ""), strings.Repeat("0", 40)
	form := "payload=%7B%7D"
	for _, c := range []struct {
		name, text, signature string
		headers               []string
		code                  int
		status                string
	}{
		{"no signature", good, "", nil, 401, "refused"},
		{"wrong secret", good, sign(good, "a secret of somebody else"), nil, 401, "refused"},
		{"SHA-1", good, "sha1=" + strings.Repeat("0", 40), nil, 401, "refused"},
		{"ping", "{}", sign("{}", secret), []string{"X-GitHub-Event: ping"}, 200, "pong"},
		{"another event", "{}", sign("{}", secret), []string{"X-GitHub-Event: issues"}, 200, "ignored"},
		{"no JSON", "{", sign("{", secret), nil, 400, "refused"},
		{"a commit that leads elsewhere", body("../../x", ""), sign(body("../../x", ""), secret), nil, 400, "refused"},
		{"XML", good, sign(good, secret), []string{"Content-Type: text/xml"}, 415, "refused"},
		{"a form without a push", form, sign(form, secret), []string{"Content-Type: application/x-www-form-urlencoded"}, 400, "refused"},
		{"a deleted branch", body(gone, `, "deleted": true`), sign(body(gone, `, "deleted": true`), secret), nil, 200, "ignored"},
		{"other files", body(commit, `, "commits": [{"added": ["docs/a.md"]}]`), sign(body(commit, `, "commits": [{"added": ["docs/a.md"]}]`), secret), nil, 200, "ignored"},
		{"a push", good, sign(good, secret), nil, 202, "queued"},
		{"again", good, sign(good, secret), nil, 200, "duplicate"},
		{"again as another delivery", good, sign(good, older), []string{"X-GitHub-Delivery: two"}, 200, "duplicate"},
		{"files that matter", body(commit, `, "commits": [{"modified": ["src/a.py"]}]`), sign(body(commit, `, "commits": [{"modified": ["src/a.py"]}]`), older), nil, 202, "queued"},
	} {
		code, a := post(t, r, c.text, c.signature, c.headers...)
		if code != c.code || a.Status != c.status {
			t.Errorf("%s: %d %+v, want %d %s", c.name, code, a, c.code, c.status)
		}
	}
	for _, ref := range []string{"refs/heads/other", "refs/tags/main"} {
		text := strings.Replace(good, "refs/heads/main", ref, 1)
		if code, a := post(t, r, text, sign(text, secret)); code != 200 || a.Status != "ignored" {
			t.Errorf("%s: %d %+v", ref, code, a)
		}
	}
	if _, err := r.round(t.Context()); err != nil || q.count() != 4 {
		t.Errorf("%d jobs were started, want 4 (%v)", q.count(), err)
	}
}

// endless gives zeros without end and counts them.
type endless struct{ n int }

func (e *endless) Read(p []byte) (int, error) {
	clear(p)
	e.n += len(p)
	return len(p), nil
}

func TestThirtyMegabytesAreRefused(t *testing.T) {
	r := newReceiver(t, "x", t.TempDir(), &queue{})
	server := httptest.NewServer(r)
	defer server.Close()
	for name, length := range map[string]int64{"with its length": 30 << 20, "in chunks": -1} {
		source := &endless{}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, server.URL, io.LimitReader(source, 30<<20))
		if err != nil {
			t.Fatal(err)
		}
		req.ContentLength = length
		req.Header.Set("X-Hub-Signature-256", sign("", secret))
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			continue // the connection was closed on us while we sent
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%s: %s", name, resp.Status)
		}
	}
	text := strings.Repeat(" ", 30<<20)
	if code, _ := post(t, r, text, sign(text, secret)); code != http.StatusRequestEntityTooLarge {
		t.Errorf("answered %d", code)
	}
}

func TestNothingIsLostOrStartedTwice(t *testing.T) {
	clone, commit := origin(t)
	dir, q := t.TempDir(), &queue{fails: 1}
	r := newReceiver(t, clone, dir, q)
	text := body(commit, "")
	if code, a := post(t, r, text, sign(text, secret)); code != 202 || len(a.Jobs) != 2 {
		t.Fatalf("%d %+v", code, a)
	}
	// The process ends before it has started anything; the next one fails half way.
	r = newReceiver(t, clone, dir, q)
	if again, err := r.round(t.Context()); err != nil || again == 0 || q.count() != 1 {
		t.Fatalf("again in %s, %d started, %v", again, q.count(), err)
	}
	r = newReceiver(t, clone, dir, q)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	go r.Run(ctx)
	for q.count() < 2 && ctx.Err() == nil {
		time.Sleep(5 * time.Millisecond)
	}
	for range 3 {
		if code, a := post(t, r, text, sign(text, secret)); code != 200 || a.Status != "duplicate" {
			t.Errorf("%d %+v", code, a)
		}
	}
	cancel()
	if q.count() != 2 {
		t.Errorf("%d jobs", q.count())
	}
	q.ended = true
	r = newReceiver(t, clone, dir, q)
	if _, err := r.round(t.Context()); err != nil || q.count() != 2 {
		t.Errorf("%d jobs, %v", q.count(), err)
	}
	if left, _ := os.ReadDir(filepath.Join(dir, "checkouts")); len(left) != 0 {
		t.Errorf("%d checkouts are left", len(left))
	}
}

func TestAFailedDeliveryIsTakenAgain(t *testing.T) {
	clone, commit := origin(t)
	q := &queue{}
	r := newReceiver(t, clone, t.TempDir(), q)
	gone := body(strings.Repeat("1", 40), "")
	for range 2 { // a commit that is not there does not come by waiting
		if code, a := post(t, r, gone, sign(gone, secret)); code != 202 {
			t.Fatalf("%d %+v", code, a)
		}
		if again, err := r.round(t.Context()); err != nil || again != 0 {
			t.Errorf("again in %s, %v", again, err)
		}
		list, err := r.list()
		if err != nil || len(list) != 1 || list[0].State != failed || !strings.Contains(list[0].Reason, "not on the branch") {
			t.Fatalf("%+v %v", list, err)
		}
	}
	r.cfg.Clone = filepath.Join(clone, "missing") // away for now
	text := body(commit, "")
	if code, _ := post(t, r, text, sign(text, secret)); code != 202 {
		t.Fatal(code)
	}
	if again, err := r.round(t.Context()); err != nil || again == 0 {
		t.Errorf("again in %s, %v", again, err)
	}
	r.cfg.Clone = clone
	if _, err := r.round(t.Context()); err != nil || q.count() != 2 {
		t.Errorf("%d jobs, %v", q.count(), err)
	}
}

func TestBadSettings(t *testing.T) {
	const good = "repository: a/b\nclone: x\njobs: [{file: job.yml}]\n"
	if _, err := ParseConfig([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{
		{"a/b", "a"}, {"a/b", "a/b/c"}, {"clone: x", "clone: --upload-pack=x"}, {"clone: x", "clone: 'ext::sh -c x'"}, {"clone: x\n", ""},
		{"job.yml", "../job.yml"}, {"job.yml", "/job.yml"}, {"jobs: [{file: job.yml}]", "jobs: []"}, {"clone: x", "clone: x\nbranch: a..b"},
		{"clone: x", "clone: x\npaths: ['[']"}, {"clone: x", "clone: x\nsecrets: [a]"}, {good, "- a"},
	} {
		if _, err := ParseConfig([]byte(strings.Replace(good, change[0], change[1], 1))); !errs.Is(err, errs.Invalid) {
			t.Errorf("%q: %v", change[1], err)
		}
	}
	cfg, _ := ParseConfig([]byte(good))
	for _, secrets := range [][][]byte{nil, {[]byte("short")}} {
		if _, err := New(cfg, Options{Secrets: secrets, Dir: t.TempDir()}); !errs.Is(err, errs.Usage) {
			t.Errorf("%q: %v", secrets, err)
		}
	}
}

func FuzzParsePush(f *testing.F) {
	f.Add([]byte(body(strings.Repeat("a", 40), "")))
	f.Add([]byte(`{"after": 1, "commits": [{"added": [null]}]}`))
	cfg := &Config{Repository: "a/b", Branch: "main", Paths: []string{"src/*"}}
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := parsePush(text)
		if err != nil {
			if !errs.Is(err, errs.Invalid) {
				t.Error(err)
			}
			return
		}
		if len(p.After) < 40 || bytes.ContainsAny([]byte(p.After), "./-") {
			t.Errorf("commit %q", p.After)
		}
		cfg.skips(p)
	})
}
