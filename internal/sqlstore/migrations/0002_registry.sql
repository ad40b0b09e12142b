CREATE TABLE registered_models (
  id {{serial}},
  name {{text}} NOT NULL UNIQUE,
  description {{text}} NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  last_version BIGINT NOT NULL DEFAULT 0
);

CREATE TABLE registered_model_tags (
  model BIGINT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE model_versions (
  id {{serial}},
  model BIGINT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  version BIGINT NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL,
  user_id {{text}} NOT NULL,
  stage {{text}} NOT NULL,
  description {{text}} NOT NULL,
  source {{text}} NOT NULL,
  storage {{text}} NOT NULL,
  run_id {{text}} NOT NULL,
  run_link {{text}} NOT NULL,
  model_id {{text}} NOT NULL,
  status {{text}} NOT NULL,
  status_message {{text}} NOT NULL,
  UNIQUE (model, version)
);
CREATE INDEX model_versions_run ON model_versions (run_id);
CREATE INDEX model_versions_updated ON model_versions (updated DESC);

CREATE TABLE model_version_tags (
  version BIGINT NOT NULL REFERENCES model_versions (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (version, key)
) {{clustered}};

CREATE TABLE model_aliases (
  model BIGINT NOT NULL REFERENCES registered_models (id) ON DELETE CASCADE,
  alias {{text}} NOT NULL,
  version BIGINT NOT NULL,
  PRIMARY KEY (model, alias)
) {{clustered}};
