package sqlstore

import (
	"context"
	"database/sql"
	"sync"

	"github.com/drivecast/drivecast/errs"
	"github.com/drivecast/drivecast/internal/webhook"
)

// Webhooks keeps webhooks and deliveries in a DB. It is a webhook.Store.
type Webhooks struct {
	db     *DB
	sealer func() (*sealer, error) // made at the first webhook: most have none
}

// Webhooks returns the store of webhooks.
func (d *DB) Webhooks() *Webhooks { return &Webhooks{d, sync.OnceValues(d.sealer)} }

var _ webhook.Store = (*Webhooks)(nil)

const webhookColumns = "w.id, w.uuid, w.name, w.description, w.url, w.secret, w.status, w.created, w.updated"

type webhookRow struct {
	key int64
	*webhook.Webhook
}

func scanWebhook(rows *sql.Rows, more ...any) (webhookRow, error) {
	w := webhookRow{Webhook: &webhook.Webhook{}}
	err := rows.Scan(append([]any{&w.key, &w.ID, &w.Name, &w.Description, &w.URL, &w.Secret, &w.Status, &w.Created, &w.Updated}, more...)...)
	return w, err
}

// Create adds a webhook.
func (s *Webhooks) Create(ctx context.Context, w webhook.Webhook) error {
	seal, err := s.sealer()
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(t *Tx) error {
		var key int64
		_, err := t.Get("INSERT INTO webhooks (uuid, name, description, url, secret, status, created, updated) VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id",
			[]any{w.ID, w.Name, w.Description, w.URL, seal.seal(w.Secret), w.Status, w.Created, w.Updated}, &key)
		if err != nil {
			return err
		}
		return t.setEvents(key, w.Events)
	})
}

func (t *Tx) setEvents(key int64, events []webhook.Event) error {
	if _, err := t.Exec("DELETE FROM webhook_events WHERE webhook = ?", key); err != nil {
		return err
	}
	var values []any
	for _, e := range events {
		values = append(values, key, e.Entity, e.Action)
	}
	return t.bulk("INSERT INTO webhook_events (webhook, entity, action) VALUES ", " ON CONFLICT DO NOTHING", 3, values)
}

// fillWebhooks reads the events and opens the secrets.
func (s *Webhooks) fillWebhooks(t *Tx, rows []webhookRow) error {
	byKey := map[int64]*webhook.Webhook{}
	var ids []any
	for _, r := range rows {
		byKey[r.key] = r.Webhook
		ids = append(ids, r.key)
		if r.Secret == "" {
			continue
		}
		seal, err := s.sealer()
		if err != nil {
			return err
		}
		if r.Secret, err = seal.open(r.Secret); err != nil {
			return err
		}
	}
	return eachChunk(ids, func(m string, ids []any) error {
		return t.each("SELECT webhook, entity, action FROM webhook_events WHERE webhook IN "+m+" ORDER BY webhook, entity, action", ids, func(r *sql.Rows) error {
			var id int64
			var e webhook.Event
			err := r.Scan(&id, &e.Entity, &e.Action)
			byKey[id].Events = append(byKey[id].Events, e)
			return err
		})
	})
}

// Get returns a webhook.
func (s *Webhooks) Get(ctx context.Context, id string) (w *webhook.Webhook, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		var found []webhookRow
		err := t.each("SELECT "+webhookColumns+" FROM webhooks w WHERE w.uuid = ?", []any{id}, func(r *sql.Rows) error {
			row, err := scanWebhook(r)
			found = append(found, row)
			return err
		})
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return webhook.NoWebhook(id)
		}
		w = found[0].Webhook
		return s.fillWebhooks(t, found)
	})
	return w, err
}

// List returns one page of webhooks.
func (s *Webhooks) List(ctx context.Context, limit int, token string) (page []webhook.Webhook, next string, err error) {
	b := &search{columns: webhookColumns, from: "webhooks w", limit: limit, token: token, mark: "webhooks", terms: []term{{expr: "w.id"}}, bad: func() error {
		return errs.New(errs.Invalid, "Invalid page token, could not base64-decode")
	}}
	err = s.db.View(ctx, func(t *Tx) error {
		rows, token, err := collect(t, b, scanWebhook)
		if err != nil {
			return err
		}
		if err := s.fillWebhooks(t, rows); err != nil {
			return err
		}
		next = token
		for _, r := range rows {
			page = append(page, *r.Webhook)
		}
		return nil
	})
	return page, next, err
}

func (t *Tx) webhookKey(id string) (key int64, err error) {
	ok, err := t.Get("SELECT id FROM webhooks WHERE uuid = ?", []any{id}, &key)
	if err == nil && !ok {
		err = webhook.NoWebhook(id)
	}
	return key, err
}

// Replace changes a webhook.
func (s *Webhooks) Replace(ctx context.Context, w webhook.Webhook) error {
	seal, err := s.sealer()
	if err != nil {
		return err
	}
	return s.db.Update(ctx, func(t *Tx) error {
		key, err := t.webhookKey(w.ID)
		if err != nil {
			return err
		}
		_, err = t.Exec("UPDATE webhooks SET name = ?, description = ?, url = ?, secret = ?, status = ?, updated = ? WHERE id = ?",
			w.Name, w.Description, w.URL, seal.seal(w.Secret), w.Status, w.Updated, key)
		if err != nil {
			return err
		}
		return t.setEvents(key, w.Events)
	})
}

// Delete removes a webhook and its deliveries.
func (s *Webhooks) Delete(ctx context.Context, id string) error {
	return s.db.Update(ctx, func(t *Tx) error {
		n, err := t.Exec("DELETE FROM webhooks WHERE uuid = ?", id)
		if err == nil && n == 0 {
			err = webhook.NoWebhook(id)
		}
		return err
	})
}

// Enqueue records deliveries of an event.
func (s *Webhooks) Enqueue(ctx context.Context, e webhook.Event, body []byte, newID func() string, now int64) (n int, err error) {
	var keys []int64
	find := func(t *Tx) error {
		keys = keys[:0]
		return t.each("SELECT w.id FROM webhooks w JOIN webhook_events e ON e.webhook = w.id WHERE e.entity = ? AND e.action = ? AND w.status = ?",
			[]any{e.Entity, e.Action, webhook.Active}, func(r *sql.Rows) error {
				var key int64
				err := r.Scan(&key)
				keys = append(keys, key)
				return err
			})
	}
	if err := s.db.View(ctx, find); err != nil || len(keys) == 0 {
		return 0, err
	}
	err = s.db.Update(ctx, func(t *Tx) error {
		if err := find(t); err != nil {
			return err
		}
		for _, key := range keys {
			_, err := t.Exec("INSERT INTO webhook_deliveries (uuid, webhook, body, attempts, due, status, error, created) VALUES (?, ?, ?, 0, ?, 0, '', ?)", newID(), key, string(body), now, now)
			if err != nil {
				return err
			}
		}
		return nil
	})
	return len(keys), err
}

// Due returns deliveries to be tried.
func (s *Webhooks) Due(ctx context.Context, now int64, limit int) (list []webhook.Delivery, next int64, err error) {
	err = s.db.View(ctx, func(t *Tx) error {
		list = nil
		var rows []webhookRow
		err := t.each("SELECT "+webhookColumns+`, d.uuid, d.body, d.attempts, d.due FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook
			WHERE d.due > 0 AND d.due <= ? ORDER BY d.due, d.id LIMIT ?`, []any{now, limit}, func(r *sql.Rows) error {
			var d webhook.Delivery
			var body string
			row, err := scanWebhook(r, &d.ID, &body, &d.Attempts, &d.Due)
			d.Body = []byte(body)
			rows, list = append(rows, row), append(list, d)
			return err
		})
		if err != nil {
			return err
		}
		if err := s.fillWebhooks(t, rows); err != nil {
			return err
		}
		for i := range list {
			list[i].Webhook = *rows[i].Webhook
		}
		var later sql.NullInt64
		_, err = t.Get("SELECT MIN(due) FROM webhook_deliveries WHERE due > ?", []any{now}, &later)
		next = later.Int64
		return err
	})
	return list, next, err
}

// Settle records the outcome of one try.
func (s *Webhooks) Settle(ctx context.Context, id string, o webhook.Outcome) error {
	return s.db.Update(ctx, func(t *Tx) error {
		due := o.Due
		if o.Done {
			due = 0
		}
		_, err := t.Exec("UPDATE webhook_deliveries SET attempts = attempts + 1, due = ?, status = ?, error = ? WHERE uuid = ?", due, o.Status, o.Error, id)
		return err
	})
}

// Replay makes a delivery due again.
func (s *Webhooks) Replay(ctx context.Context, id string, now int64) error {
	return s.db.Update(ctx, func(t *Tx) error {
		n, err := t.Exec("UPDATE webhook_deliveries SET attempts = 0, due = ?, error = '' WHERE uuid = ?", now, id)
		if err == nil && n == 0 {
			err = errs.New(errs.NotFound, "Webhook delivery with ID %s not found.", id)
		}
		return err
	})
}
