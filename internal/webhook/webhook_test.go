package webhook

import (
	"testing"
	"time"

	"github.com/drivecast/drivecast/errs"
)

func TestAddresses(t *testing.T) {
	s := New(nil, time.Now, []string{"hooks.lan", "127.0.0.1"})
	for _, u := range []string{"https://example.com/x", "https://93.184.216.34/", "https://example.com:8443/a?b=c", "http://hooks.lan/x", "http://127.0.0.1:99/", "https://[2606:4700::1111]/"} {
		if err := s.checkURL(u); err != nil {
			t.Errorf("%s: %v", u, err)
		}
	}
	for _, u := range []string{
		"http://example.com/", "ftp://example.com", "https://localhost/", "https://a.localhost", "https://LOCALHOST./", "https://169.254.169.254/latest", "https://10.0.0.1", "https://192.168.1.1",
		"https://172.16.0.1", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fd00::1]", "https://100.64.0.1", "https://0.0.0.0", "https://127.0.0.2", "https://2130706433/", "https://0x7f000001/",
		"https://127.1/", "https://user:pw@example.com", "https:///x", "", "javascript:alert(1)", "https://metadata.google.internal/", "https://[64:ff9b::a00:1]/", "https://[2002:a00:1::]/",
	} {
		if err := s.checkURL(u); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want a refusal", u, err)
		}
	}
}

func TestSign(t *testing.T) {
	// HMAC-SHA256 of "id.1.{}" under "key", from another implementation
	if got, want := Sign("key", "id", "1", []byte("{}")), "v1,5PVmP2AfJGwnp9flV+flrzfukNWA9zyUdqvI+IQalVs="; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestChecks(t *testing.T) {
	s := New(nil, time.Now, nil)
	good := Webhook{Name: "ci", URL: "https://example.com", Status: Active, Events: []Event{{"MODEL_VERSION", "CREATED"}}}
	if err := s.check(good); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Webhook){
		"name": func(w *Webhook) { w.Name = "-x" }, "no events": func(w *Webhook) { w.Events = nil }, "status": func(w *Webhook) { w.Status = "ON" },
		"action": func(w *Webhook) { w.Events = []Event{{"MODEL_VERSION", "DELETED"}} }, "entity": func(w *Webhook) { w.Events = []Event{{"RUN", "CREATED"}} },
	} {
		w := good
		change(&w)
		if err := s.check(w); !errs.Is(err, errs.Invalid) {
			t.Errorf("%s: got %v, want a refusal", name, err)
		}
	}
}
