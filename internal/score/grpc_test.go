package score_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/drivecast/drivecast/internal/score"
)

// message writes fields: texts, messages, or lists of doubles.
func message(parts ...any) (b []byte) {
	for i := 0; i < len(parts); i += 2 {
		n := protowire.Number(parts[i].(int))
		switch v := parts[i+1].(type) {
		case string:
			b = protowire.AppendString(protowire.AppendTag(b, n, protowire.BytesType), v)
		case []byte:
			b = protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
		case int:
			b = protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), uint64(v))
		case []float64:
			var packed []byte
			for _, x := range v {
				packed = binary.LittleEndian.AppendUint64(packed, math.Float64bits(x))
			}
			b = message2(b, n, packed)
		}
	}
	return b
}

func message2(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func framed(m []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(m))), m...)
}

// caller serves h over HTTP/2 without TLS and returns what calls it.
func caller(t *testing.T, h http.Handler) func(path string, body []byte) (status, text string, out []byte) {
	s := httptest.NewUnstartedServer(h)
	s.Config.Protocols = new(http.Protocols)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	s.Start()
	t.Cleanup(s.Close)
	tr := &http.Transport{Protocols: s.Config.Protocols}
	t.Cleanup(tr.CloseIdleConnections)
	return func(path string, body []byte) (string, string, []byte) {
		resp, err := (&http.Client{Transport: tr}).Post(s.URL+path, "application/grpc", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		out, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != 200 {
			t.Fatalf("%s: %s %v", path, resp.Status, err)
		}
		return resp.Trailer.Get("Grpc-Status"), resp.Trailer.Get("Grpc-Message"), out
	}
}

const service = "/inference.GRPCInferenceService/"

func TestCalls(t *testing.T) {
	call := caller(t, handler(t, bare(), score.Config{Name: "disks", ModelVersion: "7", Release: "v1"}))
	tensor := func(name string, xs ...float64) []byte {
		return message(1, name, 2, "FP64", 3, len(xs), 5, message(7, xs))
	}
	infer := message(1, "disks", 2, "7", 3, "a", 5, tensor("cap", .5, 1), 5, tensor("kind", 0, 1), 6, message(1, "predict_proba"))
	proba := message(1, "predict_proba", 2, "FP64", 3, []byte{2, 2}, 5, message(7, []float64{0.7310585786300049, 0.2689414213699951, 0.3775406687981454, 0.6224593312018546}))
	raw := message(1, "disks", 5, message(1, "x", 2, "FP64", 3, []byte{1, 2}), 6, message(1, "predict"), 7, message(1, []float64{.5, 0})[2:])
	for _, c := range []struct {
		method       string
		body         []byte
		status, text string
		out          []byte
	}{
		{service + "ServerLive", nil, "0", "", message(1, 1)},
		{service + "ServerReady", nil, "0", "", message(1, 1)},
		{"/grpc.health.v1.Health/Check", nil, "0", "", message(1, 1)},
		{service + "ServerMetadata", nil, "0", "", message(1, "drivecast", 2, "v1")},
		{service + "ModelReady", message(1, "disks"), "0", "", message(1, 1)},
		{service + "ModelReady", message(1, "disks", 2, "8"), "0", "", []byte{}},
		{service + "ModelReady", message(1, "x"), "0", "", []byte{}},
		{service + "ModelInfer", infer, "0", "", message(1, "disks", 2, "7", 3, "a", 5, proba)},
		{service + "ModelInfer", raw, "0", "", message(1, "disks", 2, "7", 5, message(1, "predict", 2, "INT64", 3, []byte{1}), 6, make([]byte, 8))},
		{service + "ModelInfer", message(1, "x"), "5", "no%20model", nil},
		{service + "ModelMetadata", message(1, "disks", 2, "8"), "5", "no%20version", nil},
		{service + "ModelInfer", message(1, "disks"), "3", "no%20tensor", nil},
		{service + "ModelInfer", []byte{10, 200}, "3", "damaged", nil},
		{service + "ModelInfer", message(1, "disks", 5, message(1, "x", 2, "FP32", 3, []byte{1, 2}, 5, message(7, []float64{1, 2}))), "3", "field%206", nil},
		{service + "ModelInfer", message(1, "disks", 5, tensor("x", 1, 2), 7, "12345678"), "3", "raw_input_contents", nil},
		{service + "ModelStatistics", nil, "12", "no%20method", nil},
	} {
		status, text, out := call(c.method, framed(c.body))
		if status != c.status || !strings.Contains(text, c.text) || c.out != nil && !bytes.Equal(out, framed(c.out)) {
			t.Errorf("%s %x: status %s %s\n%x\nwant %x", c.method, c.body, status, text, out, framed(c.out))
		}
	}
	if status, text, _ := call(service+"ModelInfer", []byte{0, 0, 0, 0, 9, 1}); status != "3" || !strings.Contains(text, "one%20whole%20message") {
		t.Errorf("a cut message: %s %s", status, text)
	}
	if _, _, out := call(service+"ModelMetadata", framed(message(1, "disks"))); !bytes.Contains(out, message(4, message(1, "cap", 2, "FP64"))[2:]) {
		t.Errorf("the metadata are %q", out)
	}
}

// TestCompressedBodies sends what inflates to more than is taken.
func TestCompressedBodies(t *testing.T) {
	h := handler(t, signed(), score.Config{MaxBody: 1 << 20})
	for _, c := range []struct {
		body, encoding string
		status         int
	}{{one, "", 200}, {one, "gzip", 400}, {one, "br", 415}, {one, "identity", 200}} {
		r := httptest.NewRequest("POST", "/invocations", strings.NewReader(c.body))
		r.Header.Set("Content-Type", js)
		if c.encoding != "" {
			r.Header.Set("Content-Encoding", c.encoding)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != c.status {
			t.Errorf("%q: %d %s", c.encoding, w.Code, w.Body)
		}
	}
	for text, status := range map[string]int{one: 200, strings.Repeat(" ", 2<<20) + one: 413} {
		r := httptest.NewRequest("POST", "/invocations", zipped(t, text))
		r.Header.Set("Content-Type", js)
		r.Header.Set("Content-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%d bytes: %d %s", len(text), w.Code, w.Body)
		}
	}
}

// FuzzCall sends messages to the method that reads the most.
func FuzzCall(f *testing.F) {
	f.Add(message(1, "disks", 5, message(1, "x", 2, "FP64", 3, []byte{1, 2}, 5, message(7, []float64{1, 2})), 6, message(1, "predict")))
	f.Add(message(1, "disks", 5, message(1, "x", 2, "BYTES", 3, []byte{1, 2}), 7, "\x01\x00\x00\x001\x01\x00\x00\x002"))
	h := handler(f, bare(), score.Config{Name: "disks"})
	f.Fuzz(func(t *testing.T, body []byte) {
		r := httptest.NewRequest("POST", service+"ModelInfer", bytes.NewReader(framed(body)))
		r.ProtoMajor = 2
		r.Header.Set("Content-Type", "application/grpc")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if s := w.Header().Get("Grpc-Status"); s != "0" && s != "3" && s != "5" {
			t.Errorf("status %s %s", s, w.Header().Get("Grpc-Message"))
		}
	})
}
