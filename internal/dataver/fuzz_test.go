package dataver

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"
)

func FuzzDecodeList(f *testing.F) {
	f.Add([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "a/b"}]`))
	f.Add([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "../b"}]`))
	f.Add([]byte(`[{"relpath": "\ud83d\ude00"}]`))
	f.Add([]byte(`[{"md5": "60b725f10c9c85c70d97880dfe8191b3", "relpath": "b"}, {"md5": "401b30e3b8b5d629635a5c613cdb7919", "relpath": "a"}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if quick, ok := decodePlain(string(text)); ok {
			if slow, err := decodeJSON(text); err != nil || !slices.Equal(quick, slow) {
				t.Errorf("%q is read in two ways: %v and %v, %v", text, quick, slow, err)
			}
		}
		entries, err := DecodeList(text)
		if err != nil {
			return
		}
		for _, e := range entries {
			if path.Clean("/x/"+e.Path) != "/x/"+e.Path {
				t.Errorf("%q leads elsewhere", e.Path)
			}
		}
		again, oid := EncodeList(entries)
		back, err := DecodeList(again)
		if err != nil || len(back) != len(entries) || !oid.IsDir() {
			t.Errorf("round trip of %q: %v", again, err)
		}
	})
}

func FuzzPointer(f *testing.F) {
	f.Add([]byte("outs:\n- md5: 401b30e3b8b5d629635a5c613cdb7919\n  size: 2\n  hash: md5\n  path: one.csv\n"))
	f.Add([]byte("wdir: ..\nouts:\n- path: ../x\n"))
	f.Add([]byte("outs: [{path: a, md5: b}]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		doc, err := parseDocument("a/x.dvc", text)
		if err != nil {
			return
		}
		p, err := parsePointer("a/x.dvc", doc)
		if err != nil {
			return
		}
		for _, o := range p.outs {
			if clean := path.Clean("/" + o.Path); clean != "/"+o.Path || reservedPath(o.Path) {
				t.Errorf("%q leads out", o.Path)
			}
		}
	})
}

// What we emit is read as what it was.
func FuzzEmit(f *testing.F) {
	for _, s := range []string{"plain", "yes", "1e-05", "a: b", "it's", "- x", "two\nlines\n", "tab\t", " x", "é #1", "0x1", "2.0", strings.Repeat("long words ", 20) + "end"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !strings.Contains(string(bytes.ToValidUTF8([]byte(s), []byte("?"))), s) || strings.ContainsAny(s, "\x00\x85") {
			return
		}
		root := mapping()
		set(root, "cmd", textNode(s))
		text := emit(root)
		doc, err := parseDocument("x", text)
		if err != nil {
			t.Fatalf("%q became %q: %v", s, text, err)
		}
		if got := get(doc.Content[0], "cmd"); got == nil || got.Value != s || got.Tag != "!!str" {
			t.Errorf("%q became %q, read as %+v", s, text, got)
		}
	})
}

func FuzzConfig(f *testing.F) {
	f.Add("[core]\n    remote = r\n['remote \"r\"']\n    url = ../x\n")
	f.Add("[cache]\ntype = \"hardlink,copy\"\n")
	f.Fuzz(func(t *testing.T, text string) {
		c := &config{sections: map[string]map[string]string{}}
		if c.parse("config", text) != nil {
			return
		}
		c = &config{sections: map[string]map[string]string{}}
		if err := c.parse("config", setValue(text, "core", "remote", "zz")); err == nil && c.get("core", "remote") != "zz" && strings.Count(text, "[core]") < 2 && !strings.Contains(text, "\r") {
			t.Errorf("setting a value in %q is not read back", text)
		}
	})
}
