package score_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/drivecast/drivecast/internal/score"
)

const infer = "/v2/models/disks/infer"

// TestInferenceForms sends the same two rows in every form that they can have.
func TestInferenceForms(t *testing.T) {
	h := handler(t, bare(), score.Config{Name: "disks", ModelVersion: "7"})
	column := func(name, kind, data string) string {
		return fmt.Sprintf(`{"name":%q,"datatype":%q,"shape":[2],"data":%s}`, name, kind, data)
	}
	for name, inputs := range map[string]string{
		"columns":     column("cap", "FP64", "[0.5,1.0]") + "," + column("kind", "INT64", "[0,1]"),
		"other order": column("kind", "UINT8", "[0,1]") + "," + column("cap", "FP32", "[0.5,1]"),
		"n x 1":       `{"name":"cap","datatype":"FP32","shape":[2,1],"data":[[0.5],[1]]},{"name":"kind","datatype":"BOOL","shape":[2,1],"data":[false,true]}`,
		"one tensor":  `{"name":"x","datatype":"FP32","shape":[2,2],"data":[0.5,0,1,1]}`,
		"nested":      `{"name":"input-0","datatype":"FP64","shape":[2,2],"data":[[0.5,0],[1,1]]}`,
	} {
		w := post(h, infer, js, `{"id":"a","inputs":[`+inputs+`]}`)
		want := `{"model_name":"disks","model_version":"7","id":"a","outputs":[{"name":"predict","datatype":"INT64","shape":[2],"data":[0,1]},` +
			`{"name":"predict_proba","datatype":"FP64","shape":[2,2],"data":[0.7310585786300049,0.2689414213699951,0.3775406687981454,0.6224593312018546]}]}`
		if got := w.Body.String(); w.Code != 200 || got != want {
			t.Errorf("%s: %d %s\nwant %s", name, w.Code, got, want)
		}
	}
	w := post(h, infer, js, `{"inputs":[{"name":"x","datatype":"FP64","shape":[2],"data":[0.5,0]}],"outputs":[{"name":"predict"}]}`)
	if want := `{"model_name":"disks","model_version":"7","outputs":[{"name":"predict","datatype":"INT64","shape":[1],"data":[0]}]}`; w.Body.String() != want {
		t.Errorf("one flat row: %s", w.Body)
	}
}

// TestInferenceInBinary sends tensors behind the JSON and asks for such.
func TestInferenceInBinary(t *testing.T) {
	h := handler(t, signed(), score.Config{Name: "disks"})
	var tail []byte
	for _, v := range []float32{.5, 0} {
		tail = binary.LittleEndian.AppendUint32(tail, math.Float32bits(v))
	}
	for _, text := range []string{"HGST", "ST4"} {
		tail = append(binary.LittleEndian.AppendUint32(tail, uint32(len(text))), text...)
	}
	head := `{"inputs":[{"name":"cap","datatype":"FP32","shape":[2],"parameters":{"binary_data_size":8}},` +
		`{"name":"model","datatype":"BYTES","shape":[2],"parameters":{"binary_data_size":15}}],"parameters":{"binary_data_output":true},` +
		`"outputs":[{"name":"predict_proba"},{"name":"predict","parameters":{"binary_data":false}}]}`
	r := httptest.NewRequest("POST", infer, strings.NewReader(head+string(tail)))
	r.Header.Set("Inference-Header-Content-Length", strconv.Itoa(len(head)))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	n, err := strconv.Atoi(w.Header().Get("Inference-Header-Content-Length"))
	if err != nil || w.Code != 200 || n >= w.Body.Len() {
		t.Fatalf("%d, header %q, %s", w.Code, w.Header(), w.Body)
	}
	want := `{"model_name":"disks","model_version":"1","outputs":[{"name":"predict_proba","datatype":"FP64","shape":[2,2],"parameters":{"binary_data_size":32}},` +
		`{"name":"predict","datatype":"INT64","shape":[2],"data":[0,1]}]}`
	if got := w.Body.String()[:n]; got != want {
		t.Errorf("the head is %s", got)
	}
	var p [4]float64
	if err := binary.Read(bytes.NewReader(w.Body.Bytes()[n:]), binary.LittleEndian, &p); err != nil || p != [4]float64{0.7310585786300049, 0.2689414213699951, 0.3775406687981454, 0.6224593312018546} {
		t.Errorf("the probabilities are %v, %v", p, err)
	}
}

// TestInferenceRefuses sends what cannot be answered.
func TestInferenceRefuses(t *testing.T) {
	h := handler(t, bare(), score.Config{Name: "disks"})
	x := func(s string) string { return `{"inputs":[` + s + `]}` }
	for _, c := range []struct{ body, want string }{
		{`{"inputs"`, "not the JSON"},
		{x(""), "no tensor"},
		{x(`{"name":"x","datatype":"FP31","shape":[1,2],"data":[1,2]}`), `no datatype \"FP31\"`},
		{x(`{"name":"x","datatype":"FP32","shape":[1,2],"data":[1]}`), "is of 2 elements, and it has 1"},
		{x(`{"name":"x","datatype":"FP32","shape":[1,2]}`), "it has no data"},
		{x(`{"name":"x","datatype":"FP32","shape":[-1,-2],"data":[1,2]}`), "its shape is"},
		{x(`{"name":"x","datatype":"FP32","shape":[4294967296,4294967296],"data":[]}`), "its shape is"},
		{x(`{"name":"x","datatype":"FP32","shape":[1,2],"data":["a",2]}`), "not of datatype FP32"},
		{x(`{"name":"x","datatype":"INT32","shape":[1,2],"data":[1.5,2]}`), "1.5 is not of datatype INT32"},
		{x(`{"name":"x","datatype":"FP32","shape":[1,2],"data":{"a":2}}`), "an object"},
		{x(`{"name":"x","datatype":"FP32","shape":[1,3],"data":[1,2,3]}`), "shape [rows, 2]"},
		{x(`{"name":"x","datatype":"FP32","shape":[0,2],"data":[]}`), "no rows"},
		{x(`{"name":"x","datatype":"FP32","shape":[2,2],"parameters":{"binary_data_size":16}}`), "0 bytes are left"},
		{x(`{"name":"cap","datatype":"FP32","shape":[2],"data":[1,2]},{"name":"cap","datatype":"FP32","shape":[2],"data":[1,2]}`), "two tensors"},
		{x(`{"name":"cap","datatype":"FP32","shape":[2],"data":[1,2]},{"name":"kind","datatype":"FP32","shape":[1],"data":[1]}`), "one length"},
		{`{"inputs":[{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}],"outputs":[{"name":"z"}]}`, "no output"},
	} {
		w := post(h, infer, js, c.body)
		if w.Code != 400 || !strings.HasPrefix(w.Body.String(), `{"error":"`) || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s: %d %s", c.body, w.Code, w.Body)
		}
	}
}

// TestInferenceRoutes asks for what a client looks at first.
func TestInferenceRoutes(t *testing.T) {
	h := handler(t, bare(), score.Config{Name: "disks", Release: "v1"})
	for _, c := range []struct {
		method, path string
		code         int
		want         string
	}{
		{"GET", "/v2", 200, `{"extensions":["binary_tensor_data"],"name":"drivecast","version":"v1"}`},
		{"GET", "/v2/health/live", 200, `{"live":true}`},
		{"GET", "/v2/health/ready", 200, `{"ready":true}`},
		{"GET", "/v2/models/disks/ready", 200, `{"name":"disks","ready":true}`},
		{"GET", "/v2/models/disks/versions/1/ready", 200, `{"name":"disks","ready":true}`},
		{"GET", "/v2/models/disks", 200, `{"name":"disks","versions":["1"],"platform":"","inputs":[{"name":"cap","datatype":"FP64","shape":[-1]},{"name":"kind","datatype":"FP64","shape":[-1]}],` +
			`"outputs":[{"name":"predict","datatype":"INT64","shape":[-1]},{"name":"predict_proba","datatype":"FP64","shape":[-1,2]}]}`},
		{"GET", "/v2/models/other", 404, `{"error":"there is no model \"other\"; this server has \"disks\""}`},
		{"GET", "/v2/models/disks/versions/2", 404, `{"error":"there is no version \"2\" of the model; this server has \"1\""}`},
		{"GET", "/v2/models/disks/infer", 405, `{"error":"GET is not for /v2/models/disks/infer"}`},
		{"GET", "/v2/repository/index", 404, `{"error":"there is no route /v2/repository/index"}`},
	} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(c.method, c.path, nil))
		if w.Code != c.code || w.Body.String() != c.want {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
}

// FuzzInference sends bodies whose first bytes are said to be JSON.
func FuzzInference(f *testing.F) {
	f.Add([]byte(`{"inputs":[{"name":"x","datatype":"FP16","shape":[1,2],"parameters":{"binary_data_size":4}}]}1234`), 93)
	f.Add([]byte(`{"inputs":[{"name":"cap","datatype":"BYTES","shape":[1],"data":["1"]},{"name":"kind","datatype":"INT8","shape":[1],"data":[null]}]}`), -1)
	h := handler(f, bare(), score.Config{Name: "disks"})
	f.Fuzz(func(t *testing.T, body []byte, size int) {
		r := httptest.NewRequest("POST", infer, bytes.NewReader(body))
		if size >= 0 {
			r.Header.Set("Inference-Header-Content-Length", strconv.Itoa(size))
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 400 || w.Code == 400 && !strings.HasPrefix(w.Body.String(), `{"error":"`) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}
