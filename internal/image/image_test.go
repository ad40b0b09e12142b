package image

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"

	"github.com/drivecast/drivecast/errs"
)

// program builds a small static program that stands for the scorer.
func program(t *testing.T, goos, arch string) string {
	t.Helper()
	dir := t.TempDir()
	source := "package main\n\nimport \"fmt\"\n\nfunc main() { fmt.Println(\"ready\") }\n"
	for n, text := range map[string]string{"main.go": source, "go.mod": "module example.com/scorer\n\ngo 1.26\n"} {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", "scorer", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+goos, "GOARCH="+arch, "GOFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return filepath.Join(dir, "scorer")
}

func newModel(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for n, text := range map[string]string{"MLmodel": "flavors: {}\n", "data/model.bin": strings.Repeat("weights ", 1000)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, n)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, n), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func newOptions(t *testing.T) Options {
	t.Helper()
	return Options{Model: newModel(t), Scorer: program(t, "linux", runtime.GOARCH), OS: "linux", Arch: runtime.GOARCH, Port: 8080, Source: "models:/m/1", Version: "v1"}
}

func build(t *testing.T, o Options) *Built {
	t.Helper()
	b, err := Build(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(b.Image); err != nil {
		t.Fatalf("not a valid image: %v", err)
	}
	return b
}

func TestEqualInputsGiveEqualImages(t *testing.T) {
	o := newOptions(t)
	a := build(t, o)
	later := time.Now().Add(time.Hour)
	if err := os.Chtimes(filepath.Join(o.Model, "MLmodel"), later, later); err != nil {
		t.Fatal(err)
	}
	b := build(t, o)
	if a.Digest != b.Digest {
		t.Errorf("digests %s and %s", a.Digest, b.Digest)
	}
	for i := range a.Referrers {
		x, _ := a.Referrers[i].Digest()
		if y, _ := b.Referrers[i].Digest(); x != y || x.Hex == "" {
			t.Errorf("referrer %d: %s and %s", i, x, y)
		}
	}
	if err := os.WriteFile(filepath.Join(o.Model, "MLmodel"), []byte("other\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if c := build(t, o); c.Digest == a.Digest {
		t.Error("another model gave the same image")
	}
}

func TestTheImageRunsAsNobody(t *testing.T) {
	b := build(t, newOptions(t))
	c, err := b.Image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.Config.User != "65532:65532" || c.Config.Entrypoint[0] != "/"+ScorerPath || len(c.Config.ExposedPorts) != 1 || c.OS != "linux" {
		t.Errorf("config %+v", c.Config)
	}
	if layers, _ := b.Image.Layers(); len(layers) != 3 {
		t.Errorf("%d layers, want 3", len(layers))
	}
	root := t.TempDir()
	unpack(t, b, root)
	out, err := exec.Command(filepath.Join(root, ScorerPath)).Output()
	if runtime.GOOS == "linux" && (err != nil || string(out) != "ready\n") {
		t.Errorf("the scorer says %q, %v", out, err)
	}
	for _, f := range []string{certificates, "etc/passwd", ModelPath + "/MLmodel", ModelPath + "/data/model.bin"} {
		if info, err := os.Stat(filepath.Join(root, f)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", f, err)
		}
	}
}

func unpack(t *testing.T, b *Built, root string) {
	t.Helper()
	cmd := exec.Command("tar", "-x", "-C", root)
	cmd.Stdin = mutate.Extract(b.Image)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("unpack: %v\n%s", err, out)
	}
}

func TestLayoutCarriesWhatRefersToTheImage(t *testing.T) {
	b := build(t, newOptions(t))
	dir := filepath.Join(t.TempDir(), "image")
	p, err := ParsePlace("oci:" + dir)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // again over itself
		if err := b.Write(t.Context(), p, authn.DefaultKeychain); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 3 || m.Manifests[0].Digest != b.Digest {
		t.Fatalf("index %+v %v", m, err)
	}
	if err := os.WriteFile(filepath.Join(t.TempDir(), "x"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	other := t.TempDir()
	if err := os.WriteFile(filepath.Join(other, "mine"), []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	p, _ = ParsePlace("oci:" + other)
	if err := b.Write(t.Context(), p, authn.DefaultKeychain); !errs.Is(err, errs.Exists) {
		t.Errorf("over other files: %v", err)
	}
}

// dropping breaks the connection in the middle of the first uploads of a layer.
type dropping struct {
	http.Handler
	drops  atomic.Int32
	broken atomic.Int32
}

func (d *dropping) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if (r.Method == http.MethodPatch || r.Method == http.MethodPut) && strings.Contains(r.URL.Path, "/blobs/uploads/") && d.drops.Add(-1) >= 0 {
		_, _ = io.CopyN(io.Discard, r.Body, 1000)
		d.broken.Add(1)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0)
			}
			conn.Close()
		}
		return
	}
	d.Handler.ServeHTTP(w, r)
}

func TestPushGoesOnAfterABrokenConnection(t *testing.T) {
	d := &dropping{Handler: registry.New(registry.WithReferrersSupport(true))}
	d.drops.Store(3)
	server := httptest.NewServer(d)
	defer server.Close()
	b := build(t, newOptions(t))
	at := strings.TrimPrefix(server.URL, "http://") + "/team/scorer:v1"
	p, err := ParsePlace(at)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := b.Write(ctx, p, authn.DefaultKeychain); err != nil {
		t.Fatal(err)
	}
	if d.broken.Load() != 3 {
		t.Errorf("%d connections were broken, want 3", d.broken.Load())
	}
	ref, err := name.ParseReference(at)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(pulled); err != nil {
		t.Error(err)
	}
	if digest, _ := pulled.Digest(); digest != b.Digest {
		t.Errorf("pulled %s, pushed %s", digest, b.Digest)
	}
	checkReferrers(t, ref, b)
}

func checkReferrers(t *testing.T, ref name.Reference, b *Built) {
	t.Helper()
	index, err := remote.Referrers(ref.Context().Digest(b.Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	m, err := index.IndexManifest()
	if err != nil || len(m.Manifests) != 2 {
		t.Fatalf("referrers %+v %v", m, err)
	}
	kinds := map[string]bool{}
	for _, d := range m.Manifests {
		img, err := remote.Image(ref.Context().Digest(d.Digest.String()))
		if err != nil {
			t.Fatal(err)
		}
		layers, _ := img.Layers()
		body, err := layers[0].Compressed()
		if err != nil {
			t.Fatal(err)
		}
		var doc map[string]any
		if err := json.NewDecoder(body).Decode(&doc); err != nil {
			t.Fatal(err)
		}
		kind, _ := layers[0].MediaType()
		kinds[string(kind)] = doc["bomFormat"] == "CycloneDX" || doc["predicateType"] == "https://slsa.dev/provenance/v1"
	}
	if !kinds[SBOMType] || !kinds[ProvenanceType] {
		t.Errorf("referrers %v", kinds)
	}
}

func TestBadInput(t *testing.T) {
	o := newOptions(t)
	foreign := o
	foreign.Arch = "riscv64"
	if _, err := Build(foreign); !errs.Is(err, errs.Invalid) || !strings.Contains(err.Error(), "riscv64") {
		t.Errorf("another platform: %v", err)
	}
	text := o
	text.Scorer = filepath.Join(o.Model, "MLmodel")
	if _, err := Build(text); !errs.Is(err, errs.Invalid) {
		t.Errorf("no program: %v", err)
	}
	bare := o
	bare.Model = t.TempDir()
	if _, err := Build(bare); !errs.Is(err, errs.Invalid) {
		t.Errorf("an empty model: %v", err)
	}
	for _, s := range []string{"oci:", "UPPER/case", ""} {
		if _, err := ParsePlace(s); !errs.Is(err, errs.Usage) {
			t.Errorf("place %q: %v", s, err)
		}
	}
}

func TestOnABase(t *testing.T) {
	o := newOptions(t)
	base := build(t, o)
	o.Base, o.BaseRef = base.Image, "example.com/base:1"
	b := build(t, o)
	if layers, _ := b.Image.Layers(); len(layers) != 5 {
		t.Errorf("%d layers, want the base's 3 and 2", len(layers))
	}
}
