package ci

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// Pull is a pull request, and how to reach it.
type Pull struct {
	API        string // such as https://api.github.com
	Token      string
	Repository string // owner/name
	Number     int
	Client     *http.Client // nil: one that gives up after half a minute
	Pause      time.Duration
}

var repositoryName = regexp.MustCompile(`^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$`)

// PullOf finds the pull request in the environment of a workflow; number is used
// when it is not 0. ok is false when the run is about none.
func PullOf(getenv func(string) string, number int) (p *Pull, ok bool, err error) {
	p = &Pull{API: getenv("GITHUB_API_URL"), Token: getenv("GITHUB_TOKEN"), Repository: getenv("GITHUB_REPOSITORY"), Number: number, Pause: time.Second}
	if p.API == "" {
		p.API = "https://api.github.com"
	}
	if p.Number == 0 {
		if p.Number, err = numberOf(getenv); err != nil || p.Number == 0 {
			return nil, false, err
		}
	}
	if u, err := url.Parse(p.API); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, false, errs.New(errs.Usage, "GITHUB_API_URL %q is not an address like https://api.github.com", p.API)
	}
	switch {
	case p.Number < 0:
		return nil, false, errs.New(errs.Usage, "%d is not the number of a pull request", p.Number)
	case !repositoryName.MatchString(p.Repository):
		return nil, false, errs.New(errs.Usage, "GITHUB_REPOSITORY %q is not owner/name", p.Repository)
	case p.Token == "":
		return nil, false, errs.New(errs.Unauthenticated, "GITHUB_TOKEN is not set: give the step `env: GITHUB_TOKEN: ${{ github.token }}` and the job `permissions: pull-requests: write`")
	}
	return p, true, nil
}

var pullRef = regexp.MustCompile(`^refs/pull/([0-9]{1,9})/`)

func numberOf(getenv func(string) string) (int, error) {
	if m := pullRef.FindStringSubmatch(getenv("GITHUB_REF")); m != nil {
		return strconv.Atoi(m[1])
	}
	path := getenv("GITHUB_EVENT_PATH")
	if path == "" {
		return 0, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return 0, errs.New(errs.NotFound, "GITHUB_EVENT_PATH: %w", err)
	}
	var event struct {
		Pull struct {
			Number int `json:"number"`
		} `json:"pull_request"`
	}
	if err := json.Unmarshal(text, &event); err != nil {
		return 0, errs.New(errs.Invalid, "%s is not the JSON of an event: %w", path, err)
	}
	return event.Pull.Number, nil
}

// Marker begins the comment of the report called key, which GitHub does not show.
func Marker(key string) string { return "<!-- drivecast-report:" + plainKey(key) + " -->\n" }

func plainKey(key string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '_' {
			return r
		}
		return '_'
	}, key)
}

type comment struct {
	ID   int64  `json:"id"`
	Body string `json:"body"`
	URL  string `json:"html_url"`
}

// Comment puts text into the pull request's comment that begins with the marker of
// key, or makes one, and returns its address. When the server is away or asks to
// wait, all is tried again up to three times, beginning with the search, so that
// there is never a second comment.
func (p *Pull) Comment(ctx context.Context, key, text string) (address string, err error) {
	body := Marker(key) + text
	if len(body) > CommentLimit {
		return "", errs.New(errs.TooLarge, "a comment of %d bytes; GitHub takes %d", len(body), CommentLimit)
	}
	for try := range 4 {
		if address, err = p.upsert(ctx, key, body); err == nil || !errs.Is(err, errs.Unavailable) || try == 3 {
			return address, err
		}
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(p.Pause << try):
		}
	}
	return address, err
}

func (p *Pull) upsert(ctx context.Context, key, body string) (string, error) {
	base := strings.TrimSuffix(p.API, "/") + "/repos/" + p.Repository + "/issues"
	old, err := p.find(ctx, fmt.Sprintf("%s/%d/comments", base, p.Number), Marker(key))
	if err != nil {
		return "", err
	}
	method, at := http.MethodPost, fmt.Sprintf("%s/%d/comments", base, p.Number)
	if old != nil {
		method, at = http.MethodPatch, fmt.Sprintf("%s/comments/%d", base, old.ID)
	}
	var now comment
	err = p.call(ctx, method, at, map[string]string{"body": body}, &now)
	return now.URL, err
}

// find looks through all pages of comments.
func (p *Pull) find(ctx context.Context, at, marker string) (*comment, error) {
	const perPage, pages = 100, 100
	for page := 1; page <= pages; page++ {
		var got []comment
		if err := p.call(ctx, http.MethodGet, fmt.Sprintf("%s?per_page=%d&page=%d", at, perPage, page), nil, &got); err != nil {
			return nil, err
		}
		for _, c := range got {
			if strings.HasPrefix(strings.ReplaceAll(c.Body, "\r\n", "\n"), strings.TrimSuffix(marker, "\n")) {
				return &c, nil
			}
		}
		if len(got) < perPage {
			return nil, nil
		}
	}
	return nil, errs.New(errs.TooLarge, "the pull request has over %d comments", perPage*pages)
}

func (p *Pull) call(ctx context.Context, method, at string, send, receive any) error {
	var body io.Reader
	if send != nil {
		text, err := json.Marshal(send)
		if err != nil {
			return err
		}
		body = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, at, body)
	if err != nil {
		return errs.New(errs.Usage, "%w", err)
	}
	r.Header.Set("Accept", "application/vnd.github+json")
	r.Header.Set("Authorization", "Bearer "+p.Token)
	r.Header.Set("User-Agent", "drivecast")
	r.Header.Set("X-GitHub-Api-Version", "2022-11-28")
	client := p.Client
	if client == nil {
		client = &http.Client{Timeout: 30 * time.Second}
	}
	resp, err := client.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errs.New(errs.Unavailable, "comment on the pull request: %w", err)
	}
	defer resp.Body.Close()
	const most = 32 << 20 // a hundred comments of the greatest size
	text, err := io.ReadAll(io.LimitReader(resp.Body, most))
	if err != nil {
		return errs.New(errs.Unavailable, "comment on the pull request: %w", err)
	}
	if resp.StatusCode/100 != 2 {
		return refused(resp, method, text)
	}
	if err := json.Unmarshal(text, receive); err != nil {
		return errs.New(errs.Invalid, "%s answers with what is not GitHub's JSON: %w", p.API, err)
	}
	return nil
}

// refused turns GitHub's answer into an error that says what to do.
func refused(resp *http.Response, method string, text []byte) error {
	var said struct {
		Message string `json:"message"`
	}
	_ = json.Unmarshal(text, &said) // what is not JSON says nothing more than the status
	what := fmt.Sprintf("comment on the pull request: %s: %s %.200s", method, resp.Status, said.Message)
	code := resp.StatusCode
	switch {
	case code >= 500 || code == http.StatusTooManyRequests || resp.Header.Get("Retry-After") != "" || resp.Header.Get("X-RateLimit-Remaining") == "0":
		return errs.New(errs.Unavailable, "%s", what)
	case code == http.StatusUnauthorized:
		return errs.New(errs.Unauthenticated, "%s: GITHUB_TOKEN is not valid", what)
	case code == http.StatusForbidden:
		return errs.New(errs.Denied, "%s: the job needs `permissions: pull-requests: write`; a pull request from a fork has no such token", what)
	case code == http.StatusNotFound:
		return errs.New(errs.NotFound, "%s: no such pull request, or a token that may not see it", what)
	}
	return errs.New(errs.Invalid, "%s", what)
}
