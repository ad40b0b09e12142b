package serving

import (
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func TestLocate(t *testing.T) {
	for _, c := range [][3]string{
		{"models:/a/1", "models:/a/1", ""},
		{"./folder", "./folder", ""},
		{"http://h:5000/models/disks@champion", "models:/disks@champion", "http://h:5000"},
		{"http://h:5000/models/disks/3", "models:/disks/3", "http://h:5000"},
		{"http://h:5000/models/disks/Production", "models:/disks/Production", "http://h:5000"},
		{"https://h/mlflow/models/hot%20disks/3", "models:/hot disks/3", "https://h/mlflow"},
		{"http://h:5000/models:/disks@champion", "models:/disks@champion", "http://h:5000"},
		{"https://h/a/runs:/0af/sub/model", "runs:/0af/sub/model", "https://h/a"},
		{"http://h/runs/0af/model", "runs:/0af/model", "http://h"},
		{"http://h:5000/#/models/disks", "models:/disks/latest", "http://h:5000"},
		{"https://h/prefix/#/models/disks/versions/12?tab=1", "models:/disks/12", "https://h/prefix"},
		{"http://h/#/experiments/4/runs/0af/artifacts/model", "runs:/0af/model", "http://h"},
	} {
		uri, server, err := Locate(c[0])
		if err != nil || uri != c[1] || server != c[2] {
			t.Errorf("%s: %q at %q, %v; want %q at %q", c[0], uri, server, err, c[1], c[2])
		}
	}
	for _, bad := range []string{"http://h:5000", "http://h/models/", "http://", "http://h/#/experiments/4", "http://h/runs/0af", "http://h/models/a/b/c/d"} {
		if uri, _, err := Locate(bad); !errs.Is(err, errs.Usage) {
			t.Errorf("%s: %q, %v", bad, uri, err)
		}
	}
}

func TestAddressOfARegistryIsServedAndFollowed(t *testing.T) {
	var alias atomic.Int32
	alias.Store(1)
	at := registry(t, &alias)
	k, _ := opened(t, &options{models: []string{at + "/models/disks@champion"}, tracking: "http://127.0.0.1:1"})
	for _, v := range []int32{1, 2} {
		alias.Store(v)
		k.look(t.Context(), k.models[0])
		_, body := ask(k.handler, "POST", "/v2/models/disks/infer", row)
		if want := answers[string(rune('0'+v))]; !strings.Contains(body, want) {
			t.Errorf("version %d: %s", v, body)
		}
	}
	e := Env{Stderr: io.Discard, Getenv: func(string) string { return "" }}
	if m, err := e.Open(t.Context(), at+"/#/models/disks/versions/2", ""); err != nil || m.Source != at+"/#/models/disks/versions/2" {
		t.Errorf("%v", err)
	}
}

func TestCredentialsStayWithTheirServer(t *testing.T) {
	vars := map[string]string{"MLFLOW_TRACKING_URI": "https://ours", "MLFLOW_TRACKING_TOKEN": "secret"}
	e := Env{Getenv: func(k string) string { return vars[k] }}
	for server, want := range map[string]string{"https://ours/x": "secret", "https://other": "", "http://ours": ""} {
		if got := e.trusted(server)("MLFLOW_TRACKING_TOKEN"); got != want {
			t.Errorf("%s gets %q", server, got)
		}
	}
}
