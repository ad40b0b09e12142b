package mlflow_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/drivecast/drivecast/internal/mlflow"
	"github.com/drivecast/drivecast/internal/webhook"
)

type received struct {
	header http.Header
	body   string
}

// receiver answers the first requests with 500 and records all of them.
func receiver(t *testing.T, failures int32) (string, chan received) {
	got := make(chan received, 20)
	var left atomic.Int32
	left.Store(failures)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got <- received{r.Header, string(body)}
		if left.Add(-1) >= 0 {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, got
}

func next(t *testing.T, got chan received) received {
	t.Helper()
	select {
	case r := <-got:
		return r
	case <-time.After(20 * time.Second):
		t.Fatal("nothing was delivered")
		panic("unreachable")
	}
}

func TestWebhooks(t *testing.T) {
	url, got := receiver(t, 1)
	h := openWith(t, mlflow.Config{WebhookPrivate: []string{"127.0.0.1"}, Now: time.Now})
	body := do(t, h, "POST", api+"webhooks", `{"name":"ci","url":"`+url+`","secret":"s3cret","events":[{"entity":"MODEL_VERSION","action":"CREATED"},{"entity":4,"action":1}]}`).Body.String()
	if strings.Contains(body, "s3cret") || !strings.Contains(body, `"entity":"MODEL_VERSION_ALIAS","action":"CREATED"`) {
		t.Errorf("made: %s", body)
	}
	var made struct {
		Webhook struct {
			ID string `json:"webhook_id"`
		} `json:"webhook"`
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil {
		t.Fatal(err)
	}
	do(t, h, "POST", api+"registered-models/create", `{"name":"m"}`)
	do(t, h, "POST", api+"model-versions/create", `{"name":"m","source":"s3://b/x","tags":[{"key":"k","value":"v"}]}`)
	first, again := next(t, got), next(t, got)
	if first.body != again.body || first.header.Get("X-MLflow-Delivery-Id") != again.header.Get("X-MLflow-Delivery-Id") {
		t.Errorf("the second try differs: %v and %v", first, again)
	}
	want := webhook.Sign("s3cret", again.header.Get("X-MLflow-Delivery-Id"), again.header.Get("X-MLflow-Timestamp"), []byte(again.body))
	if again.header.Get("X-MLflow-Signature") != want {
		t.Errorf("signed %s, want %s", again.header.Get("X-MLflow-Signature"), want)
	}
	for _, part := range []string{`"entity":"model_version"`, `"action":"created"`, `"name":"m"`, `"version":"1"`, `"tags":{"k":"v"}`} {
		if !strings.Contains(again.body, part) {
			t.Errorf("there is no %s in %s", part, again.body)
		}
	}
	do(t, h, "POST", api+"registered-models/alias", `{"name":"m","alias":"champion","version":"1"}`)
	if r := next(t, got); !strings.Contains(r.body, `"alias":"champion"`) {
		t.Errorf("got %s", r.body)
	}
	do(t, h, "POST", api+"webhooks/"+made.Webhook.ID+"/replay", `{"delivery_id":"`+first.header.Get("X-MLflow-Delivery-Id")+`"}`)
	if r := next(t, got); r.body != first.body {
		t.Errorf("replayed %s", r.body)
	}
	result := do(t, h, "POST", api+"webhooks/"+made.Webhook.ID+"/test", `{}`).Body.String()
	if !strings.Contains(result, `"success":true`) || !strings.Contains(next(t, got).body, "example_model") {
		t.Errorf("test: %s", result)
	}
	do(t, h, "PATCH", api+"webhooks/"+made.Webhook.ID, `{"status":"DISABLED","name":"cd"}`)
	if list := do(t, h, "GET", api+"webhooks", "").Body.String(); !strings.Contains(list, `"status":"DISABLED"`) || !strings.Contains(list, `"name":"cd"`) {
		t.Errorf("list: %s", list)
	}
	do(t, h, "DELETE", api+"webhooks/"+made.Webhook.ID, "")
	if w := send(h, "GET", api+"webhooks/"+made.Webhook.ID, "", ""); w.Code != 404 {
		t.Errorf("deleted and still there: %d", w.Code)
	}
}

// TestWebhooksToPrivateAddresses checks that nothing is sent to an address that
// is not public, also when only the name's resolution says so.
func TestWebhooksToPrivateAddresses(t *testing.T) {
	url, got := receiver(t, 0)
	h := open(t)
	for _, u := range []string{url, "https://169.254.169.254/", "https://localhost/", "http://example.com/"} {
		w := send(h, "POST", api+"webhooks", jsonType, `{"name":"x","url":"`+u+`","events":[{"entity":"MODEL_VERSION","action":"CREATED"}]}`)
		if w.Code != 400 {
			t.Errorf("%s: got %d %s", u, w.Code, w.Body)
		}
	}
	if len(got) != 0 {
		t.Error("something was sent")
	}
}
