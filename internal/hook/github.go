package hook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

const (
	// MaxBody is the largest delivery that GitHub sends, in bytes.
	MaxBody = 25 << 20
	// Path is where deliveries are taken.
	Path = "/webhooks/github"

	patience = 30 * time.Second // for a body to arrive
	atOnce   = 8                // bodies in memory
)

// Verify reports whether a signature, the header X-Hub-Signature-256, is that of the
// body under one of the secrets. It takes as long for a wrong one as for a right one.
func Verify(body []byte, signature string, secrets [][]byte) bool {
	digits, ok := strings.CutPrefix(signature, "sha256=")
	got, err := hex.DecodeString(digits)
	good := false
	for _, s := range secrets {
		mac := hmac.New(sha256.New, s)
		mac.Write(body)
		good = hmac.Equal(mac.Sum(nil), got) && len(s) > 0 || good
	}
	return good && ok && err == nil
}

// push is what we read of a delivery of the event push.
type push struct {
	Ref        string `json:"ref"`
	After      string `json:"after"`
	Deleted    bool   `json:"deleted"`
	Created    bool   `json:"created"`
	Forced     bool   `json:"forced"`
	Repository struct {
		FullName string `json:"full_name"`
	} `json:"repository"`
	Commits []struct {
		Added    []string `json:"added"`
		Modified []string `json:"modified"`
		Removed  []string `json:"removed"`
	} `json:"commits"`
}

// maxCommits is how many commits GitHub lists of a push.
const maxCommits = 2048

// skips says why a push starts nothing; "" when it does.
func (c *Config) skips(p *push) string {
	switch {
	case !strings.EqualFold(p.Repository.FullName, c.Repository):
		return "it is of another repository"
	case p.Ref != "refs/heads/"+c.Branch:
		return "it is not of the branch " + c.Branch
	case p.Deleted:
		return "the branch was deleted"
	case len(c.Paths) == 0 || p.Created || p.Forced || len(p.Commits) == 0 || len(p.Commits) >= maxCommits:
		return "" // what changed is not known in full
	}
	for _, commit := range p.Commits {
		for _, list := range [][]string{commit.Added, commit.Modified, commit.Removed} {
			for _, name := range list {
				if c.touches(name) {
					return ""
				}
			}
		}
	}
	return "no file changed that starts a job"
}

func parsePush(body []byte) (*push, error) {
	var p push
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, errs.New(errs.Invalid, "the delivery is not the JSON of a push: %w", err)
	}
	if n := len(p.After); n != 40 && n != 64 || strings.Trim(p.After, "0123456789abcdef") != "" {
		return nil, errs.New(errs.Invalid, "the delivery's field after, %.80q, is no commit", p.After)
	}
	return &p, nil
}

// answer is what a delivery is told.
type answer struct {
	Status string   `json:"status"` // queued, duplicate, ignored, pong or refused
	Reason string   `json:"reason,omitempty"`
	Jobs   []string `json:"jobs,omitempty"`
}

// ServeHTTP takes one delivery.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	code, a := r.deliver(w, req)
	if code >= 400 {
		r.o.Logger.Warn("webhook delivery refused", "status", code, "reason", a.Reason, "delivery", req.Header.Get("X-GitHub-Delivery"))
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(a) // whoever asked has gone
}

func refused(code int, reason string) (int, answer) {
	return code, answer{Status: "refused", Reason: reason}
}

func (r *Receiver) deliver(w http.ResponseWriter, req *http.Request) (int, answer) {
	signature := req.Header.Get("X-Hub-Signature-256")
	switch {
	case req.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		return refused(http.StatusMethodNotAllowed, "deliveries are posted")
	case signature == "":
		return refused(http.StatusUnauthorized, "there is no X-Hub-Signature-256: set the webhook's secret on GitHub")
	case req.ContentLength > MaxBody:
		return refused(http.StatusRequestEntityTooLarge, "the body is larger than 25 MiB")
	}
	select {
	case r.bodies <- struct{}{}:
		defer func() { <-r.bodies }()
	case <-req.Context().Done():
		return refused(http.StatusServiceUnavailable, "too many deliveries at once")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience)) // where a connection has none, the server's own holds
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refused(http.StatusRequestEntityTooLarge, "the body is larger than 25 MiB")
	case err != nil:
		return refused(http.StatusBadRequest, "the body did not arrive")
	case !Verify(body, signature, r.o.Secrets):
		return refused(http.StatusUnauthorized, "the signature is not that of the body under any secret")
	}
	return r.act(req, body)
}

// act does what a delivery asks for whose signature is right.
func (r *Receiver) act(req *http.Request, body []byte) (int, answer) {
	switch event := req.Header.Get("X-GitHub-Event"); event {
	case "push":
	case "ping":
		return http.StatusOK, answer{Status: "pong"}
	default:
		return http.StatusOK, answer{Status: "ignored", Reason: "only pushes start jobs"}
	}
	text := body
	switch kind, _, _ := mime.ParseMediaType(req.Header.Get("Content-Type")); kind {
	case "application/json":
	case "application/x-www-form-urlencoded":
		form, err := url.ParseQuery(string(body))
		if err != nil {
			return refused(http.StatusBadRequest, "the form cannot be read")
		}
		text = []byte(form.Get("payload"))
	default:
		return refused(http.StatusUnsupportedMediaType, "choose the content type application/json on GitHub")
	}
	p, err := parsePush(text)
	if err != nil {
		return refused(http.StatusBadRequest, err.Error())
	}
	if why := r.cfg.skips(p); why != "" {
		return http.StatusOK, answer{Status: "ignored", Reason: why}
	}
	sum := sha256.Sum256(body)
	d := delivery{Key: hex.EncodeToString(sum[:16]), ID: req.Header.Get("X-GitHub-Delivery"), Commit: p.After, Received: r.o.Now().UTC()}
	fresh, err := r.accept(&d)
	switch {
	case errs.Is(err, errs.Full):
		return refused(http.StatusInsufficientStorage, err.Error())
	case err != nil:
		return refused(http.StatusServiceUnavailable, err.Error())
	case !fresh:
		return http.StatusOK, answer{Status: "duplicate", Reason: "this delivery was taken before", Jobs: d.Jobs}
	}
	return http.StatusAccepted, answer{Status: "queued", Jobs: d.Jobs}
}
