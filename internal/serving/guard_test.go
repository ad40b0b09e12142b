package serving_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/serving"
)

func TestScoringIsMeasuredAndGuarded(t *testing.T) {
	env := serving.Env{Stderr: io.Discard, Getenv: func(string) string { return "" }}
	inner := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "answer") })
	measured, flush, err := env.Measured(t.Context(), inner, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer flush()
	file := filepath.Join(t.TempDir(), "tokens")
	if err := os.WriteFile(file, []byte("# of the lab\nsecret one\n\nsecret-two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h, err := serving.Guarded(measured, file)
	if err != nil {
		t.Fatal(err)
	}
	send := func(path, header string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", path, nil)
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, c := range []struct {
		path, header string
		want         int
	}{
		{"/invocations", "Bearer secret-two", 200}, {"/invocations", "bearer secret one", 200}, {"/invocations", "", 401}, {"/invocations", "Bearer ", 401},
		{"/invocations", "Bearer # of the lab", 401}, {"/invocations", "Basic secret-two", 401}, {"/metrics", "", 401}, {"/health", "", 200}, {"/nobody", "", 401},
	} {
		if got := send(c.path, c.header).Code; got != c.want {
			t.Errorf("%s with %q is answered %d, want %d", c.path, c.header, got, c.want)
		}
	}
	text := send("/metrics", "Bearer secret-two").Body.String()
	for _, want := range []string{`drivecast_http_requests_total{method="POST",route="/invocations",server="scoring",status="200"} 2`, `route="/health"`} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in %s", want, text)
		}
	}
	if err := os.WriteFile(file, []byte("\n# nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := serving.Guarded(measured, file); !errs.Is(err, errs.Invalid) {
		t.Errorf("a file without tokens: %v", err)
	}
}
