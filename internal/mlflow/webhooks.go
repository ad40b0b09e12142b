package mlflow

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/registry"
	"github.com/drivecast/drivecast/internal/webhook"
)

var webhookRoutes = []at{
	{"POST", "webhooks", admin, "name!:string url!:string events!:array description:string secret:string status:any", createWebhook},
	{"GET", "webhooks", admin, "max_results:int page_token:string", listWebhooks},
	{"GET", "webhooks/*", admin, "", func(c *call) error { return c.webhook(c.h.hooks.Get(c.r.Context(), c.path[0])) }},
	{"PATCH", "webhooks/*", admin, "name:string description:string url:string events:array secret:string status:any", updateWebhook},
	{"DELETE", "webhooks/*", admin, "", func(c *call) error { return c.done(c.h.hooks.Delete(c.r.Context(), c.path[0])) }},
	{"POST", "webhooks/*/test", admin, "event:any", testWebhook},
	{"POST", "webhooks/*/replay", admin, "delivery_id!:string", func(c *call) error {
		return c.done(c.h.hooks.Replay(c.r.Context(), c.str("delivery_id")))
	}},
}

// startHooks starts what delivers webhooks; it ends with Close.
func (h *Handler) startHooks() {
	if h.cfg.Webhooks == nil {
		return
	}
	h.hooks = webhook.New(h.cfg.Webhooks, h.cfg.Now, h.cfg.WebhookPrivate)
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		h.hooks.Run(ctx, h.cfg.Logger)
	}()
	closer := h.closer
	h.closer = func() error {
		stop()
		<-ended
		return closer()
	}
}

// fire tells the webhooks what happened. It happened whether they can be told or
// not, so a failure is only logged.
func (h *Handler) fire(ctx context.Context, entity, action, model string, data map[string]any) {
	if h.hooks == nil {
		return
	}
	m, err := h.Models.Model(ctx, model)
	if err == nil && isPrompt(m.Tags) {
		entity = strings.NewReplacer("REGISTERED_MODEL", "PROMPT", "MODEL_VERSION_ALIAS", "PROMPT_ALIAS", "MODEL_VERSION", "PROMPT_VERSION").Replace(entity)
	} else if entity == "REGISTERED_MODEL_TAG" {
		return // only prompts have such an event
	}
	if err := h.hooks.Fire(context.WithoutCancel(ctx), webhook.Event{Entity: entity, Action: action}, data); err != nil {
		h.cfg.Logger.Error("webhooks are not told", "error", err)
	}
}

func isPrompt(tags []registry.Tag) bool {
	for _, t := range tags {
		if t.Key == registry.PromptTag && strings.EqualFold(t.Value, "true") {
			return true
		}
	}
	return false
}

func tagMap(tags []registry.Tag) map[string]string {
	out := map[string]string{}
	for _, t := range tags {
		out[t.Key] = t.Value
	}
	return out
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func (h *Handler) fireVersion(ctx context.Context, v *registry.Version) {
	data := map[string]any{
		"name": v.Name, "version": strconv.FormatInt(v.Number, 10), "source": v.Source, "run_id": orNull(v.RunID),
		"tags": tagMap(v.Tags), "description": orNull(v.Description),
	}
	if text, ok := tagMap(v.Tags)["mlflow.prompt.text"]; ok {
		data["template"] = text
		delete(data, "source")
		delete(data, "run_id")
	}
	h.fire(ctx, "MODEL_VERSION", "CREATED", v.Name, data)
}

// fired answers with {} and tells the webhooks, or answers with the error. The
// named fields of the request are the event's data.
func (c *call) fired(err error, entity, action string, fields ...string) error {
	if err != nil {
		return err
	}
	data := map[string]any{}
	for _, f := range fields {
		data[f] = c.str(f)
	}
	c.h.fire(c.r.Context(), entity, action, c.str("name"), data)
	return c.empty()
}

var entityNames = map[string]string{
	"1": "REGISTERED_MODEL", "2": "MODEL_VERSION", "3": "MODEL_VERSION_TAG", "4": "MODEL_VERSION_ALIAS", "5": "PROMPT",
	"6": "PROMPT_VERSION", "7": "PROMPT_TAG", "8": "PROMPT_VERSION_TAG", "9": "PROMPT_ALIAS", "10": "BUDGET_POLICY",
}

var actionNames = map[string]string{"1": "CREATED", "2": "UPDATED", "3": "DELETED", "4": "SET", "5": "EXCEEDED"}

// wireEvent is an event whose parts are names or numbers.
type wireEvent struct {
	Entity json.RawMessage `json:"entity"`
	Action json.RawMessage `json:"action"`
}

func (w wireEvent) event() webhook.Event {
	name := func(raw json.RawMessage, names map[string]string) string {
		text := strings.Trim(string(raw), `"`)
		if n, ok := names[text]; ok {
			return n
		}
		return text
	}
	return webhook.Event{Entity: name(w.Entity, entityNames), Action: name(w.Action, actionNames)}
}

func (c *call) events() ([]webhook.Event, error) {
	var list []wireEvent
	err := c.decode("events", &list)
	out := make([]webhook.Event, len(list))
	for i, e := range list {
		out[i] = e.event()
	}
	return out, err
}

var webhookStatusNames = map[string]string{"1": webhook.Active, "2": webhook.Disabled}

func (e *encoder) webhook(w *webhook.Webhook) {
	e.open('{')
	e.text("webhook_id", w.ID)
	e.text("name", w.Name)
	e.some("description", w.Description)
	e.text("url", w.URL)
	e.key("events")
	e.open('[')
	for _, v := range w.Events {
		e.open('{')
		e.text("entity", v.Entity)
		e.text("action", v.Action)
		e.close('}')
	}
	e.close(']')
	e.text("status", w.Status)
	e.int("creation_timestamp", w.Created)
	e.int("last_updated_timestamp", w.Updated)
	e.close('}')
}

func (c *call) webhook(w *webhook.Webhook, err error) error {
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		e.key("webhook")
		e.webhook(w)
		e.close('}')
		e.end()
	})
}

func createWebhook(c *call) error {
	events, err := c.events()
	if err != nil {
		return err
	}
	status, err := c.enum("status", webhookStatusNames)
	if err != nil {
		return err
	}
	return c.webhook(c.h.hooks.Create(c.r.Context(), webhook.Webhook{
		Name: c.str("name"), Description: c.str("description"), URL: c.str("url"), Events: events, Secret: c.str("secret"), Status: status,
	}))
}

func updateWebhook(c *call) error {
	events, err := c.events()
	if err != nil {
		return err
	}
	status, err := c.enum("status", webhookStatusNames)
	if err != nil {
		return err
	}
	return c.webhook(c.h.hooks.Update(c.r.Context(), c.path[0], func(w *webhook.Webhook) {
		for field, target := range map[string]*string{"name": &w.Name, "description": &w.Description, "url": &w.URL, "secret": &w.Secret} {
			if c.has(field) {
				*target = c.str(field)
			}
		}
		if status != "" {
			w.Status = status
		}
		if len(events) > 0 {
			w.Events = events
		}
	}))
}

func listWebhooks(c *call) error {
	list, next, err := c.h.hooks.List(c.r.Context(), int(c.num("max_results")), c.str("page_token"))
	if err != nil {
		return err
	}
	return c.reply(func(e *encoder) {
		e.open('{')
		if len(list) > 0 {
			e.key("webhooks")
			e.open('[')
			for i := range list {
				e.webhook(&list[i])
			}
			e.close(']')
		}
		e.some("next_page_token", next)
		e.close('}')
		e.end()
	})
}

// samples are what a test delivery tells about each kind of thing.
var samples = map[string]map[string]any{
	"REGISTERED_MODEL":    {"name": "example_model", "tags": map[string]string{"example_key": "example_value"}, "description": "An example registered model"},
	"MODEL_VERSION":       {"name": "example_model", "version": "1", "source": "models:/123", "run_id": "abcd1234abcd5678", "tags": map[string]string{"example_key": "example_value"}, "description": "An example model version"},
	"MODEL_VERSION_TAG":   {"name": "example_model", "version": "1", "key": "example_key", "value": "example_value"},
	"MODEL_VERSION_ALIAS": {"name": "example_model", "alias": "example_alias", "version": "1"},
}

// alike names the kind of thing whose sample stands for another's.
var alike = map[string]string{
	"PROMPT": "REGISTERED_MODEL", "PROMPT_VERSION": "MODEL_VERSION", "PROMPT_TAG": "MODEL_VERSION_TAG",
	"PROMPT_VERSION_TAG": "MODEL_VERSION_TAG", "PROMPT_ALIAS": "MODEL_VERSION_ALIAS", "BUDGET_POLICY": "REGISTERED_MODEL",
}

func testWebhook(c *call) error {
	w, err := c.h.hooks.Get(c.r.Context(), c.path[0])
	if err != nil {
		return err
	}
	event := w.Events[0]
	if c.has("event") {
		var wire wireEvent
		if err := c.decode("event", &wire); err != nil {
			return err
		}
		event = wire.event()
	}
	sample := samples[event.Entity]
	if sample == nil {
		sample = samples[alike[event.Entity]]
	}
	status, text, err := c.h.hooks.Test(c.r.Context(), w.ID, event, sample)
	if errs.Is(err, errs.NotFound) {
		return err
	}
	return c.reply(func(e *encoder) {
		e.raw(`{"result":{`)
		e.key("success")
		e.b = append(strconv.AppendBool(e.b, err == nil && status >= 200 && status < 300), ',')
		if err != nil {
			e.text("error_message", err.Error())
		} else {
			e.int("response_status", int64(status))
			e.text("response_body", text)
		}
		e.close('}')
		e.close('}')
		e.end()
	})
}
