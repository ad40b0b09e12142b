package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// The rules of sending: how long one try may take, how often a delivery is tried,
// and how long to wait before the second try (it doubles from then on).
const (
	timeout   = 30 * time.Second
	maxTries  = 6
	firstWait = 2 * time.Second
	atOnce    = 16 // deliveries taken from the store at a time
)

func newID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// Fire records an event for the webhooks that asked for it. data is what the
// receivers are told about it.
func (s *Service) Fire(ctx context.Context, e Event, data any) error {
	body, err := s.payload(e, data)
	if err != nil {
		return err
	}
	n, err := s.store.Enqueue(ctx, e, body, newID, s.now().UnixMilli())
	if n > 0 {
		s.poke()
	}
	return errs.Wrap(err, "record the event %s %s", e.Entity, e.Action)
}

func (s *Service) payload(e Event, data any) ([]byte, error) {
	return json.Marshal(map[string]any{
		"entity": strings.ToLower(e.Entity), "action": strings.ToLower(e.Action),
		"timestamp": s.now().UTC().Format("2006-01-02T15:04:05.000000+00:00"), "data": data,
	})
}

func (s *Service) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends what is due until the context ends.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	for ctx.Err() == nil {
		list, next, err := s.store.Due(ctx, s.now().UnixMilli(), atOnce)
		if err != nil && ctx.Err() == nil {
			log.Error("webhooks cannot be read", "error", err)
		}
		for _, d := range list {
			o := s.try(ctx, d)
			if ctx.Err() != nil {
				return // the delivery stays due
			}
			if o.Error != "" {
				log.Warn("webhook was not taken", "webhook", d.Webhook.Name, "delivery", d.ID, "try", d.Attempts+1, "error", o.Error)
			}
			if err := s.store.Settle(ctx, d.ID, o); err != nil {
				log.Error("webhook outcome cannot be recorded", "error", err)
			}
		}
		if len(list) == 0 {
			s.sleep(ctx, next)
		}
	}
}

// sleep waits until something is due or recorded.
func (s *Service) sleep(ctx context.Context, next int64) {
	wait := time.Minute
	if next > 0 {
		wait = min(wait, max(0, time.Duration(next-s.now().UnixMilli())*time.Millisecond))
	}
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-t.C:
	}
}

// try sends a delivery once.
func (s *Service) try(ctx context.Context, d Delivery) Outcome {
	status, text, err := s.send(ctx, d, s.now())
	o := Outcome{Status: status, Done: true}
	switch {
	case err != nil:
		o.Error = err.Error()
	case status < 200 || status > 299:
		o.Error = fmt.Sprintf("answered %d: %.200s", status, text)
	}
	again := err != nil || status == http.StatusTooManyRequests || status >= 500
	if o.Error != "" && again && d.Attempts+1 < maxTries {
		o.Done, o.Due = false, s.now().Add(firstWait<<d.Attempts).UnixMilli()
	}
	return o
}

// Test sends a sample of the event to a webhook at once and reports its answer.
func (s *Service) Test(ctx context.Context, id string, e Event, sample any) (status int, text string, err error) {
	w, err := s.store.Get(ctx, id)
	if err != nil {
		return 0, "", err
	}
	body, err := s.payload(e, sample)
	if err != nil {
		return 0, "", err
	}
	return s.send(ctx, Delivery{ID: newID(), Webhook: *w, Body: body}, s.now())
}

// sender posts to addresses that may be spoken to.
type sender struct{ client *http.Client }

// newSender makes a client that dials public addresses only, whatever names
// resolve to, follows no redirect and uses no proxy.
func newSender(allowed func(host string) bool) sender {
	plain := &net.Dialer{Timeout: 10 * time.Second}
	guarded := &net.Dialer{Timeout: 10 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		host, _, err := net.SplitHostPort(address)
		if err != nil || !public(host) {
			return errs.New(errs.Denied, "the address %s is not public", address)
		}
		return nil
	}}
	transport := &http.Transport{
		TLSHandshakeTimeout: 10 * time.Second, MaxIdleConns: 4, IdleConnTimeout: 30 * time.Second, ForceAttemptHTTP2: true,
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				return nil, err
			}
			if allowed(host) {
				return plain.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
	}
	return sender{&http.Client{Timeout: timeout, Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// send posts a delivery and returns the answer's status and the start of its
// text.
func (s sender) send(ctx context.Context, d Delivery, now time.Time) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Webhook.URL, bytes.NewReader(d.Body))
	if err != nil {
		return 0, "", err
	}
	stamp := strconv.FormatInt(now.Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "drivecast")
	req.Header.Set("X-MLflow-Delivery-Id", d.ID)
	req.Header.Set("X-MLflow-Timestamp", stamp)
	if d.Webhook.Secret != "" {
		req.Header.Set("X-MLflow-Signature", Sign(d.Webhook.Secret, d.ID, stamp, d.Body))
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	return resp.StatusCode, strings.ToValidUTF8(string(text), "?"), err
}

// Sign returns the signature of a delivery: v1, and the base64 of the
// HMAC-SHA256 of id, time and body with dots between them.
func Sign(secret, id, stamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s.%s.%s", id, stamp, body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// reserved are ranges that netip does not call private and that are not public.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"), netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("64:ff9b:1::/48"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("2001::/32"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("100::/64"),
}

// public reports whether host is no IP address, or a public one.
func public(host string) bool {
	a, err := netip.ParseAddr(host)
	if err != nil {
		return true
	}
	a = a.Unmap().WithZone("")
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// notPublicName reports whether a name is one of this machine, or a number in a
// spelling that resolvers take for an address.
func notPublicName(host string) bool {
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || strings.HasSuffix(host, ".local") || strings.HasSuffix(host, ".internal") {
		return true
	}
	last := host[strings.LastIndex(host, ".")+1:]
	_, err := strconv.ParseUint(last, 0, 64)
	return err == nil && public(host) && !isAddr(host)
}

func isAddr(host string) bool {
	_, err := netip.ParseAddr(host)
	return err == nil
}
