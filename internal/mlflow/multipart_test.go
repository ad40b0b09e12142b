package mlflow_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestPartsOfAFolder wants the words on which clients send a file in one piece,
// and the refusal of paths that lead out before anything else is asked.
func TestPartsOfAFolder(t *testing.T) {
	h := open(t)
	const base = "/api/2.0/mlflow-artifacts/"
	for _, verb := range []string{"create", "complete", "abort"} {
		w := send(h, "POST", base+"mpu/"+verb+"/0/run/artifacts", "application/json", `{"path":"/home/me/big.bin","num_parts":2,"upload_id":"x","parts":[{"part_number":1,"etag":"e","url":"u"}]}`)
		if w.Code != http.StatusNotImplemented || !strings.Contains(w.Body.String(), "Multipart upload is not supported for the current artifact repository") {
			t.Errorf("%s: %d %s", verb, w.Code, w.Body)
		}
		for path, body := range map[string]string{
			"%2e%2e/%2e%2e/etc": `{"path":"x","parts":[]}`, "a%252e%252e/..": `{"path":"x","parts":[]}`, "0": `{"path":"..","parts":[]}`, "1": `{"path":"a/%2e%2e","parts":[]}`, "2": `{"parts":[]}`,
		} {
			if w := send(h, "POST", base+"mpu/"+verb+"/"+path, "application/json", body); w.Code != http.StatusBadRequest {
				t.Errorf("%s %s %s: %d %s", verb, path, body, w.Code, w.Body)
			}
		}
	}
	for path, code := range map[string]int{"presigned/0/x": 501, "presigned/../x": 400, "presigned/%2e%2e/x": 400, "mpu/nobody/0": 404, "mpu/create/0": 404} {
		if w := send(h, "GET", base+path, "", ""); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", path, w.Code, code, w.Body)
		}
	}
	id := newRun(t, h)
	for body, code := range map[string]int{`{"run_id":"` + id + `","path":"a"}`: 400, `{"path":"a"}`: 400, `{"run_id":"` + id + `","model_id":"m-1","path":"a"}`: 400, `{"run_id":"0123","path":"a"}`: 404} {
		if w := send(h, "POST", api+"artifacts/presigned-upload-url", "application/json", body); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", body, w.Code, code, w.Body)
		}
	}
}

// TestHistoryOverHTTP wants the actor that the headers name on the record.
func TestHistoryOverHTTP(t *testing.T) {
	h := open(t)
	do(t, h, "POST", api+"registered-models/create", `{"name":"m"}`)
	do(t, h, "POST", api+"model-versions/create", `{"name":"m","source":"s3://b/x"}`)
	w := send(h, "POST", api+"registered-models/alias", "application/json", `{"name":"m","alias":"champion","version":"1"}`,
		"X-Drivecast-User", "ann", "X-Drivecast-Reason", "better+%C3%A9%0A")
	if w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	w = do(t, h, "GET", api+"registered-models/history?name=m&alias=champion", "")
	if !strings.Contains(w.Body.String(), `"what":"alias","key":"champion","version":1,"from":"","to":"1","who":"ann","verified":false,"why":"better é "`) || !strings.Contains(w.Body.String(), `"intact":true`) {
		t.Errorf("got %s", w.Body)
	}
	for query, code := range map[string]int{"name=m&alias=champion&at=99999999999999": 200, "name=m&alias=champion&at=1": 404, "name=m&at=1": 400, "name=nobody": 404, "": 400} {
		if w := send(h, "GET", api+"registered-models/history?"+query, "", ""); w.Code != code {
			t.Errorf("%s: %d, want %d: %s", query, w.Code, code, w.Body)
		}
	}
}
