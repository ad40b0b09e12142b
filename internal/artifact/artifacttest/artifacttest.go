// Package artifacttest holds the checks that every store of artifacts must pass,
// wherever it keeps the files.
package artifacttest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/artifact"
)

// Run runs every check, each on an empty store that open makes.
func Run(t *testing.T, open func(t *testing.T) artifact.Store) {
	for _, c := range []struct {
		name string
		f    func(*testing.T, artifact.Store)
	}{
		{"files", files}, {"names", names}, {"broken uploads", broken}, {"ranges", ranges}, {"deleting", deleting},
		{"together", together}, {"large", large}, {"parts", parts}, {"signed", signed},
	} {
		t.Run(c.name, func(t *testing.T) { c.f(t, open(t)) })
	}
}

func put(t *testing.T, s artifact.Store, p, text string) {
	t.Helper()
	if err := s.Put(t.Context(), p, strings.NewReader(text), int64(len(text))); err != nil {
		t.Fatalf("put %s: %v", p, err)
	}
}

func read(t *testing.T, s artifact.Store, p string) string {
	t.Helper()
	f, err := s.Open(t.Context(), p)
	if err != nil {
		t.Errorf("open %s: %v", p, err)
		return ""
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil || int64(len(text)) != f.Size() {
		t.Errorf("read %s: %d bytes of %d, %v", p, len(text), f.Size(), err)
	}
	return string(text)
}

func list(t *testing.T, s artifact.Store, p string) string {
	t.Helper()
	l, err := s.List(t.Context(), p)
	if err != nil {
		t.Errorf("list %q: %v", p, err)
	}
	return fmt.Sprint(l)
}

func same(t *testing.T, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %.300s, want %s", what, got, want)
	}
}

func files(t *testing.T, s artifact.Store) {
	same(t, "empty", list(t, s, ""), "[]")
	put(t, s, "1/run/artifacts/model/MLmodel", "flavors")
	put(t, s, "1/run/artifacts/b.txt", "old one")
	put(t, s, "1/run/artifacts/b.txt", "new")
	put(t, s, "1/run/artifacts/empty", "")
	put(t, s, "1/run/artifacts-not", "x")
	if err := s.Put(t.Context(), "1/run/artifacts/z", strings.NewReader("unknown"), -1); err != nil {
		t.Error(err)
	}
	same(t, "list", list(t, s, "1/run/artifacts"), "[{b.txt false 3} {empty false 0} {model true 0} {z false 7}]")
	same(t, "root", list(t, s, ""), "[{1 true 0}]")
	same(t, "folders", list(t, s, "1/run"), "[{artifacts true 0} {artifacts-not false 1}]")
	same(t, "nobody", list(t, s, "nobody")+list(t, s, "1/run/artifacts/b.txt"), "[][]")
	for p, want := range map[string]string{"b.txt": "new", "empty": "", "z": "unknown", "model/MLmodel": "flavors"} {
		same(t, p, read(t, s, "1/run/artifacts/"+p), want)
	}
	for _, p := range []string{"nobody", "1/run/artifacts/model", "1/run/artifacts/b"} {
		if _, err := s.Open(t.Context(), p); !errs.Is(err, errs.NotFound) {
			t.Errorf("open %s: got %v, want that there is none", p, err)
		}
	}
	var walked []string
	err := artifact.Walk(t.Context(), s, "1", func(p string, e artifact.Entry) error {
		walked = append(walked, fmt.Sprint(p, e.Size))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	same(t, "walk", fmt.Sprint(walked), "[1/run/artifacts/b.txt3 1/run/artifacts/empty0 1/run/artifacts/model/MLmodel7 1/run/artifacts/z7 1/run/artifacts-not1]")
}

// names that encodings like to break.
func names(t *testing.T, s artifact.Store) {
	all := []string{"a b", "50%", "dog%step%100", "a+b", "é ü", "..x", "x..", "~", "a&b=c", "q'\"", "(1)[2]{3}", "日本"}
	for _, n := range all {
		put(t, s, "f/"+n+"/"+n, n)
	}
	slices.Sort(all)
	l, err := s.List(t.Context(), "f")
	if err != nil || len(l) != len(all) {
		t.Fatalf("got %v, %v", l, err)
	}
	for i, n := range all {
		same(t, "name", l[i].Name, n)
		same(t, n, read(t, s, "f/"+n+"/"+n), n)
	}
}

type failing struct{ n int }

// Read yields n times and fails then.
func (f *failing) Read(p []byte) (int, error) {
	if f.n--; f.n < 0 {
		return 0, io.ErrUnexpectedEOF
	}
	return len(p), nil
}

func broken(t *testing.T, s artifact.Store) {
	put(t, s, "a/a.txt", "before")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for name, err := range map[string]error{
		"reader":  s.Put(t.Context(), "a/a.txt", &failing{3}, -1),
		"sized":   s.Put(t.Context(), "a/a.txt", &failing{1}, 1<<20),
		"new":     s.Put(t.Context(), "a/new", &failing{3}, -1),
		"short":   s.Put(t.Context(), "a/a.txt", strings.NewReader("x"), 5),
		"long":    s.Put(t.Context(), "a/a.txt", strings.NewReader("xxxxxxxx"), 5),
		"context": s.Put(ended, "a/a.txt", strings.NewReader("x"), 1),
		"root":    s.Put(t.Context(), "", strings.NewReader("x"), 1),
	} {
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	same(t, "after", read(t, s, "a/a.txt"), "before")
	same(t, "list", list(t, s, "a"), "[{a.txt false 6}]")
	same(t, "root", list(t, s, ""), "[{a true 0}]")
}

func ranges(t *testing.T, s artifact.Store) {
	text := strings.Repeat("0123456789", 100)
	put(t, s, "r", text)
	f, err := s.Open(t.Context(), "r")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end != int64(len(text)) {
		t.Errorf("the end is at %d, %v", end, err)
	}
	for _, at := range []int64{0, 995, 3, 500} {
		if _, err := f.Seek(at, io.SeekStart); err != nil {
			t.Error(err)
		}
		b := make([]byte, 5)
		if _, err := io.ReadFull(f, b); err != nil || string(b) != text[at:at+5] {
			t.Errorf("at %d: got %q, %v", at, b, err)
		}
	}
	if n, err := f.Seek(-2, io.SeekCurrent); err != nil || n != 503 {
		t.Errorf("got %d, %v", n, err)
	}
	if _, err := f.Seek(-1, io.SeekStart); err == nil {
		t.Error("a place before the start")
	}
}

func deleting(t *testing.T, s artifact.Store) {
	for i := range 30 {
		put(t, s, fmt.Sprintf("d/%d/f%d", i%3, i), "x")
	}
	put(t, s, "d2", "stays")
	for _, p := range []string{"d/1", "d/1", "d/0/f0", "nobody"} {
		if err := s.Delete(t.Context(), p); err != nil {
			t.Errorf("delete %s: %v", p, err)
		}
	}
	same(t, "left", list(t, s, "d"), "[{0 true 0} {2 true 0}]")
	if err := s.Delete(t.Context(), "d"); err != nil {
		t.Error(err)
	}
	same(t, "left", list(t, s, ""), "[{d2 false 5}]")
	if err := s.Delete(t.Context(), ""); err == nil {
		t.Error("everything may be deleted")
	}
}

// together lets readers and writers meet at one path: every answer is whole. A
// service may be too busy for some of them, as test servers are.
func together(t *testing.T, s artifact.Store) {
	texts := []string{strings.Repeat("a", 50_000), strings.Repeat("b", 60_000)}
	put(t, s, "t/x", texts[0])
	var done sync.WaitGroup
	for i := range 4 {
		done.Go(func() {
			for range 5 {
				if i%2 == 0 {
					for _, p := range []string{"t/x", fmt.Sprint("t/", i)} {
						if err := s.Put(t.Context(), p, strings.NewReader(texts[i/2]), int64(len(texts[i/2]))); err != nil && !errs.Is(err, errs.Unavailable) {
							t.Errorf("put %s: %v", p, err)
						}
					}
				} else if got := read(t, s, "t/x"); got != texts[0] && got != texts[1] {
					t.Errorf("a mixture of %d bytes", len(got))
				}
			}
		})
	}
	done.Wait()
}

func large(t *testing.T, s artifact.Store) {
	if testing.Short() {
		t.Skip("37 MB")
	}
	data := make([]byte, 37<<20+11)
	for i := range data {
		data[i] = byte(i * 7 >> 3)
	}
	for _, size := range []int64{int64(len(data)), -1} {
		if err := s.Put(t.Context(), "large", bytes.NewReader(data), size); err != nil {
			t.Fatal(err)
		}
		if got := read(t, s, "large"); got != string(data) {
			t.Errorf("%d bytes came back changed", len(data))
		}
	}
}

func send(t *testing.T, method, url string, headers map[string]string, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for k, v := range headers {
		req.Header.Set(k, v)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(resp.Body)
	resp.Body.Close()
	if err != nil || resp.StatusCode >= 300 {
		t.Fatalf("%s %s: %d %s %v", method, url, resp.StatusCode, text, err)
	}
	resp.Body = io.NopCloser(bytes.NewReader(text))
	return resp
}

func parts(t *testing.T, s artifact.Store) {
	m, ok := s.(artifact.Multipart)
	if !ok {
		t.Skip("this store takes no parts")
	}
	id, to, err := m.Begin(t.Context(), "m/é file", 2)
	if err != nil || len(to) != 2 {
		t.Fatal(to, err)
	}
	texts := []string{strings.Repeat("x", 5<<20), "the end"}
	var sent []artifact.Sent
	for i, p := range to {
		etag := send(t, http.MethodPut, p.URL, p.Headers, texts[i]).Header.Get("ETag")
		sent = append(sent, artifact.Sent{Number: p.Number, ETag: etag, URL: p.URL})
	}
	same(t, "before", list(t, s, "m"), "[]")
	if err := m.Finish(t.Context(), "m/é file", id, sent); err != nil {
		t.Fatal(err)
	}
	if got := read(t, s, "m/é file"); got != texts[0]+texts[1] {
		t.Errorf("the parts became %d bytes", len(got))
	}
	id, _, err = m.Begin(t.Context(), "m/2", 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Abort(t.Context(), "m/2", id); err != nil {
		t.Error(err)
	}
	if _, err := s.Open(t.Context(), "m/2"); !errs.Is(err, errs.NotFound) {
		t.Errorf("an upload that was given up: %v", err)
	}
}

func signed(t *testing.T, s artifact.Store) {
	p, ok := s.(artifact.Presigner)
	if !ok {
		t.Skip("this store signs nothing")
	}
	url, headers, err := p.SignedPut(t.Context(), "s/a b.txt", time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	send(t, http.MethodPut, url, headers, "signed")
	same(t, "sent", read(t, s, "s/a b.txt"), "signed")
	url, size, err := p.SignedGet(t.Context(), "s/a b.txt", time.Minute)
	if err != nil || size != 6 {
		t.Fatal(size, err)
	}
	text, err := io.ReadAll(send(t, http.MethodGet, url, nil, "").Body)
	if string(text) != "signed" || err != nil {
		t.Errorf("got %q, %v", text, err)
	}
	if _, _, err := p.SignedGet(t.Context(), "s/nobody", time.Minute); !errs.Is(err, errs.NotFound) {
		t.Errorf("a URL of nothing: %v", err)
	}
}
