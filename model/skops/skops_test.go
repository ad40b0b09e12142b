package skops

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/model/pickle"
)

// file zips entries.
func file(t testing.TB, entries map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, text := range entries {
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const npy = "\x93NUMPY\x01\x00\x46\x00{'descr': '<f8', 'fortran_order': False, 'shape': (1,), }            \n"

func TestLoadReadsNodes(t *testing.T) {
	schema := `{"__class__":"StandardScaler","__module__":"sklearn.preprocessing._data","__loader__":"ObjectNode","content":
		{"__loader__":"DictNode","content":{"n":{"__loader__":"JsonNode","content":"3"},"f":{"__loader__":"JsonNode","content":"3.0"},
		"s":{"__loader__":"JsonNode","content":"\"x\""},"t":{"__loader__":"TupleNode","content":[{"__loader__":"JsonNode","content":"null"}]},
		"a":{"__class__":"ndarray","__loader__":"NdArrayNode","type":"numpy","file":"1.npy"}}}}`
	head := npy[:10] + npy[10:10+0x46]
	v, err := Load(file(t, map[string]string{"schema.json": schema, "1.npy": head + "\x00\x00\x00\x00\x00\x00\xf8\x3f"}))
	if err != nil {
		t.Fatal(err)
	}
	o := v.(*pickle.Object)
	for name, want := range map[string]any{"n": int64(3), "f": 3.0, "s": "x"} {
		if got, _ := o.Attr(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	a, _ := o.Attr("a")
	if f, err := a.(*pickle.Array).Floats(); err != nil || len(f) != 1 || f[0] != 1.5 {
		t.Errorf("a is %v, %v", f, err)
	}
}

func TestHostileFilesOnlyFail(t *testing.T) {
	nest := strings.Repeat(`{"__loader__":"ListNode","content":[`, 400) + strings.Repeat(`]}`, 400)
	for name, c := range map[string]struct {
		entries map[string]string
		kind    errs.Kind
	}{
		"os.system":    {map[string]string{"schema.json": `{"__class__":"system","__module__":"os","__loader__":"ObjectNode"}`}, errs.Unsupported},
		"a function":   {map[string]string{"schema.json": `{"__class__":"system","__module__":"os","__loader__":"FunctionNode"}`}, errs.Unsupported},
		"unknown node": {map[string]string{"schema.json": `{"__loader__":"EvalNode"}`}, errs.Unsupported},
		"climbing":     {map[string]string{"../../etc/cron.d/x": "", "schema.json": `{}`}, errs.Invalid},
		"no schema":    {map[string]string{"x": ""}, errs.Invalid},
		"deep":         {map[string]string{"schema.json": nest}, errs.Invalid},
		"bomb":         {map[string]string{"schema.json": strings.Repeat(" ", 100<<20)}, errs.TooLarge},
		"no array":     {map[string]string{"schema.json": `{"__loader__":"NdArrayNode","type":"numpy","file":"1.npy"}`}, errs.Invalid},
		"huge array": {map[string]string{"schema.json": `{"__loader__":"NdArrayNode","type":"numpy","file":"1.npy"}`,
			"1.npy": "\x93NUMPY\x01\x00\x3c\x00{'descr': '<f8', 'shape': (4294967296, 4294967296, 4294967296)}"}, errs.Invalid},
	} {
		if _, err := Load(file(t, c.entries)); !errs.Is(err, c.kind) {
			t.Errorf("%s: got %v (%v)", name, err, errs.KindOf(err))
		}
	}
	if _, err := Load([]byte("PK\x03\x04nonsense")); !errs.Is(err, errs.Invalid) {
		t.Errorf("got %v", err)
	}
}

func FuzzNPY(f *testing.F) {
	f.Add([]byte(npy + "12345678"))
	f.Add([]byte("\x93NUMPY\x01\x00\x40\x00{'descr': [('a', '<i8'), ('', '|V7')], 'shape': (1,)}"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, err := parseNPY(raw); err == nil {
			_, _ = a.Values()
		}
	})
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"__class__":"slice","__module__":"builtins","__loader__":"SliceNode","content":{"start":1}}`)
	f.Add(`{"__loader__":"NdArrayNode","type":"json","shape":{"__loader__":"TupleNode","content":[{"__loader__":"JsonNode","content":"1"}]},"content":[{"__loader__":"JsonNode","content":"1e5"}]}`)
	f.Fuzz(func(t *testing.T, schema string) {
		_, _ = Load(file(t, map[string]string{"schema.json": schema}))
	})
}
