CREATE TABLE webhooks (
  id {{serial}},
  uuid {{text}} NOT NULL UNIQUE,
  name {{text}} NOT NULL,
  description {{text}} NOT NULL,
  url {{text}} NOT NULL,
  secret {{text}} NOT NULL, -- sealed, see seal.go
  status {{text}} NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL
);

CREATE TABLE webhook_events (
  webhook BIGINT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  entity {{text}} NOT NULL,
  action {{text}} NOT NULL,
  PRIMARY KEY (webhook, entity, action)
) {{clustered}};

CREATE TABLE webhook_deliveries (
  id {{serial}},
  uuid {{text}} NOT NULL UNIQUE,
  webhook BIGINT NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
  body {{text}} NOT NULL,
  attempts BIGINT NOT NULL,
  due BIGINT NOT NULL, -- 0 when done or given up
  status BIGINT NOT NULL,
  error {{text}} NOT NULL,
  created BIGINT NOT NULL
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due);
