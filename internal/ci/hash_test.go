package ci

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
)

func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		at := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func hashOf(t *testing.T, path string) string {
	t.Helper()
	h, err := HashModel(path)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestEqualModelsHashEqually(t *testing.T) {
	base := hashOf(t, folder(t, map[string]string{"MLmodel": "a", "data/model.bin": "b"}))
	for _, c := range []struct {
		name  string
		files map[string]string
		equal bool
	}{
		{"the same", map[string]string{"data/model.bin": "b", "MLmodel": "a"}, true},
		{"fetched by MLflow's client", map[string]string{"MLmodel": "a", "data/model.bin": "b", "registered_model_meta": "x"}, true},
		{"other content", map[string]string{"MLmodel": "a", "data/model.bin": "c"}, false},
		{"another name", map[string]string{"MLmodel": "a", "data/model.bit": "b"}, false},
		{"another place", map[string]string{"MLmodel": "a", "model.bin": "b"}, false},
		{"a file more", map[string]string{"MLmodel": "a", "data/model.bin": "b", "x": ""}, false},
		{"content that moved", map[string]string{"MLmodel": "ab", "data/model.bin": ""}, false},
	} {
		if got := hashOf(t, folder(t, c.files)); (got == base) != c.equal {
			t.Errorf("%s: %s against %s", c.name, got, base)
		}
	}
	dir := folder(t, map[string]string{"model.pkl": "abc"})
	if got, want := hashOf(t, filepath.Join(dir, "model.pkl")), "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; got != want {
		t.Errorf("a file hashes to %s, want the SHA-256 of its content, %s", got, want)
	}
	if _, err := HashModel(filepath.Join(dir, "none")); !errs.Is(err, errs.NotFound) {
		t.Errorf("nothing there: %v", err)
	}
}

func TestADecisionAdmitsItsModelAlone(t *testing.T) {
	mine, other := folder(t, map[string]string{"MLmodel": "a"}), folder(t, map[string]string{"MLmodel": "b"})
	for _, c := range []struct {
		name string
		d    Decision
		path string
		says string
	}{
		{"its model", Decision{Verdict: Passed, ModelHash: hashOf(t, mine)}, mine, ""},
		{"another", Decision{Verdict: Passed, ModelHash: hashOf(t, mine)}, other, "about another model"},
		{"refused", Decision{Verdict: Failed, ModelHash: hashOf(t, mine), Reason: "calibration"}, mine, "refused"},
		{"no hash", Decision{Verdict: Passed}, mine, "does not say"},
	} {
		err := c.d.Admits(c.path)
		if c.says == "" && err != nil || c.says != "" && (!errs.Is(err, errs.State) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.says)
		}
	}
}
