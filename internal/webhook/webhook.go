// Package webhook tells other services what happened in the registry: a POST of
// JSON to each address that asked for the event, signed, and tried again until
// it is taken. Deliveries are recorded before they are sent, so that an ended
// process loses none.
package webhook

import (
	"context"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/drivecast/drivecast/errs"
)

// The states of webhooks.
const (
	Active   = "ACTIVE"
	Disabled = "DISABLED"
)

// Event is what happened to which kind of thing, such as MODEL_VERSION CREATED.
type Event struct {
	Entity string `json:"entity"`
	Action string `json:"action"`
}

// actions lists what can happen to each kind of thing.
var actions = map[string][]string{
	"REGISTERED_MODEL": {"CREATED"}, "MODEL_VERSION": {"CREATED"}, "MODEL_VERSION_TAG": {"SET", "DELETED"}, "MODEL_VERSION_ALIAS": {"CREATED", "DELETED"},
	"PROMPT": {"CREATED"}, "PROMPT_VERSION": {"CREATED"}, "PROMPT_TAG": {"SET", "DELETED"}, "PROMPT_VERSION_TAG": {"SET", "DELETED"}, "PROMPT_ALIAS": {"CREATED", "DELETED"},
	"BUDGET_POLICY": {"EXCEEDED"},
}

// Webhook is an address and the events that it asked for.
type Webhook struct {
	ID          string
	Name        string
	Description string
	URL         string
	Events      []Event
	Secret      string // signs deliveries; "" for none; never shown
	Status      string // Active or Disabled
	Created     int64  // milliseconds since 1970
	Updated     int64
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID       string // also sent, so that a receiver can drop repeats
	Webhook  Webhook
	Body     []byte
	Attempts int   // so far
	Due      int64 // when to try next, in milliseconds since 1970
}

// Store keeps webhooks and deliveries. Every method is one transaction.
type Store interface {
	Create(ctx context.Context, w Webhook) error
	Get(ctx context.Context, id string) (*Webhook, error) // errs.NotFound
	List(ctx context.Context, limit int, token string) ([]Webhook, string, error)
	Replace(ctx context.Context, w Webhook) error // errs.NotFound
	Delete(ctx context.Context, id string) error  // errs.NotFound

	// Enqueue records one delivery of body for each active webhook that asked for
	// the event, and returns how many.
	Enqueue(ctx context.Context, e Event, body []byte, newID func() string, now int64) (int, error)
	// Due returns deliveries to be tried at now, the oldest first, and when the
	// next one after them is due (0 for none).
	Due(ctx context.Context, now int64, limit int) ([]Delivery, int64, error)
	// Settle records the outcome of one try: done, or given up, or due again.
	Settle(ctx context.Context, id string, o Outcome) error
	// Replay makes a delivery due again, also one that was done or given up.
	Replay(ctx context.Context, id string, now int64) error // errs.NotFound
}

// Outcome is how one try of a delivery ended.
type Outcome struct {
	Status int    // of the answer, 0 when there was none
	Error  string // why it failed, "" when it did not
	Done   bool   // taken, or given up
	Due    int64  // when to try again, unless Done
}

// NoWebhook says that there is no webhook of that id.
func NoWebhook(id string) error {
	return errs.New(errs.NotFound, "Webhook with ID %s not found.", id)
}

var nameForm = regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,61}[a-zA-Z0-9])?$`)

// check refuses webhooks that cannot be kept.
func (s *Service) check(w Webhook) error {
	if !nameForm.MatchString(w.Name) {
		return errs.New(errs.Invalid, "Webhook name '%.100s' is invalid. It must start and end with a letter or digit, be less than 63 characters long, and contain only letters, digits, dots (.), underscores (_), and hyphens (-).", w.Name)
	}
	if len(w.Events) == 0 {
		return errs.New(errs.Invalid, "Webhook events must be a non-empty list of WebhookEvent objects: [].")
	}
	for _, e := range w.Events {
		if !slices.Contains(actions[e.Entity], e.Action) {
			return errs.New(errs.Invalid, "Invalid action '%.40s' for entity '%.40s'. Valid actions are: %v", e.Action, e.Entity, actions[e.Entity])
		}
	}
	if w.Status != Active && w.Status != Disabled {
		return errs.New(errs.Invalid, "Invalid webhook status '%.40s'. Valid values are ACTIVE, DISABLED", w.Status)
	}
	return s.checkURL(w.URL)
}

func (s *Service) checkURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || len(text) > 500 || u.Hostname() == "" || u.User != nil {
		return errs.New(errs.Invalid, "Webhook URL must be an address with a host and without a user: '%.100s'", text)
	}
	private := s.allowed(u.Hostname())
	if u.Scheme != "https" && !(u.Scheme == "http" && private) {
		return errs.New(errs.Invalid, "Invalid webhook URL scheme: '%s'. Allowed schemes are: https.", u.Scheme)
	}
	if !private && (notPublicName(u.Hostname()) || !public(u.Hostname())) {
		return errs.New(errs.Invalid, "Webhook URL must not point to a private or local address: '%.100s'", text)
	}
	return nil
}

// Service keeps webhooks and sends events to them. It is safe for concurrent use.
type Service struct {
	store   Store
	now     func() time.Time
	private []string // hosts that may be private, and spoken to over http
	wake    chan struct{}
	sender
}

// New returns a service. Webhooks go to public https addresses only, but for the
// hosts in private. Nothing is sent before Run is called.
func New(store Store, now func() time.Time, private []string) *Service {
	s := &Service{store: store, now: now, wake: make(chan struct{}, 1)}
	for _, p := range private {
		s.private = append(s.private, strings.ToLower(p))
	}
	s.sender = newSender(s.allowed)
	return s
}

func (s *Service) allowed(host string) bool { return slices.Contains(s.private, strings.ToLower(host)) }

// Create makes a webhook; its ID and times are chosen here.
func (s *Service) Create(ctx context.Context, w Webhook) (*Webhook, error) {
	if w.Status == "" {
		w.Status = Active
	}
	if err := s.check(w); err != nil {
		return nil, err
	}
	w.ID = newID()
	w.Created = s.now().UnixMilli()
	w.Updated = w.Created
	return &w, s.store.Create(ctx, w)
}

// Get returns a webhook.
func (s *Service) Get(ctx context.Context, id string) (*Webhook, error) { return s.store.Get(ctx, id) }

// List returns one page of webhooks and the token of the next, or "". limit 0 is
// 100.
func (s *Service) List(ctx context.Context, limit int, token string) ([]Webhook, string, error) {
	switch {
	case limit == 0:
		limit = 100
	case limit < 0 || limit > 1000:
		return nil, "", errs.New(errs.Invalid, "Invalid value %d for parameter 'max_results' supplied. It must be at least 1 and at most 1000", limit)
	}
	return s.store.List(ctx, limit, token)
}

// Update changes a webhook to what f makes of it.
func (s *Service) Update(ctx context.Context, id string, f func(*Webhook)) (*Webhook, error) {
	w, err := s.store.Get(ctx, id)
	if err != nil {
		return nil, err
	}
	f(w)
	if err := s.check(*w); err != nil {
		return nil, err
	}
	w.ID = id
	w.Updated = s.now().UnixMilli()
	return w, s.store.Replace(ctx, *w)
}

// Delete removes a webhook and what is on its way to it.
func (s *Service) Delete(ctx context.Context, id string) error { return s.store.Delete(ctx, id) }

// Replay sends a delivery once more.
func (s *Service) Replay(ctx context.Context, id string) error {
	err := s.store.Replay(ctx, id, s.now().UnixMilli())
	s.poke()
	return err
}
