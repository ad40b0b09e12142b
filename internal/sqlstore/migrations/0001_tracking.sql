-- Runs, metrics and parameters are keyed by small integers; metric points live
-- beside each other in the order in which histories are read.
CREATE TABLE experiments (
  id {{serial}},
  name {{text}} NOT NULL UNIQUE,
  artifact_location {{text}} NOT NULL,
  stage {{text}} NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL
);
CREATE INDEX experiments_created ON experiments (created DESC, id);

CREATE TABLE experiment_tags (
  experiment BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (experiment, key)
) {{clustered}};

CREATE TABLE runs (
  id {{serial}},
  uuid {{text}} NOT NULL UNIQUE,
  experiment BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  name {{text}} NOT NULL,
  user_id {{text}} NOT NULL,
  status {{text}} NOT NULL,
  start_time BIGINT NOT NULL,
  end_time BIGINT NOT NULL,
  artifact_uri {{text}} NOT NULL,
  stage {{text}} NOT NULL,
  deleted_time BIGINT NOT NULL DEFAULT 0,
  rev BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX runs_recent ON runs (experiment, stage, start_time DESC, uuid);

CREATE TABLE metric_keys (
  id {{serial}},
  key {{text}} NOT NULL UNIQUE
);

CREATE TABLE metrics (
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  metric BIGINT NOT NULL,
  time BIGINT NOT NULL,
  step BIGINT NOT NULL,
  value {{float}} NOT NULL,
  nan SMALLINT NOT NULL,
  PRIMARY KEY (run, metric, time, step, value, nan)
) {{clustered}};

CREATE TABLE latest_metrics (
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  metric BIGINT NOT NULL,
  experiment BIGINT NOT NULL,
  time BIGINT NOT NULL,
  step BIGINT NOT NULL,
  value {{float}} NOT NULL,
  nan SMALLINT NOT NULL,
  PRIMARY KEY (run, metric)
) {{clustered}};
CREATE INDEX latest_metrics_value ON latest_metrics (experiment, metric, nan, value);

CREATE TABLE params (
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (run, key)
) {{clustered}};

CREATE TABLE tags (
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (run, key)
) {{clustered}};

CREATE TABLE datasets (
  id {{serial}},
  experiment BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  name {{text}} NOT NULL,
  digest {{text}} NOT NULL,
  source_type {{text}} NOT NULL,
  source {{text}} NOT NULL,
  schema {{text}} NOT NULL,
  profile {{text}} NOT NULL,
  UNIQUE (experiment, name, digest)
);

CREATE TABLE inputs (
  id {{serial}},
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  dataset BIGINT NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
  UNIQUE (run, dataset)
);
CREATE INDEX inputs_dataset ON inputs (dataset);

CREATE TABLE input_tags (
  input BIGINT NOT NULL REFERENCES inputs (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (input, key)
) {{clustered}};

CREATE TABLE logged_models (
  id {{serial}},
  model_id {{text}} NOT NULL UNIQUE,
  experiment BIGINT NOT NULL REFERENCES experiments (id) ON DELETE CASCADE,
  name {{text}} NOT NULL,
  type {{text}} NOT NULL,
  source_run {{text}} NOT NULL,
  artifact_uri {{text}} NOT NULL,
  status {{text}} NOT NULL,
  status_message {{text}} NOT NULL,
  stage {{text}} NOT NULL,
  created BIGINT NOT NULL,
  updated BIGINT NOT NULL
);
CREATE INDEX logged_models_recent ON logged_models (experiment, stage, created DESC, model_id);
CREATE INDEX logged_models_run ON logged_models (source_run);

CREATE TABLE logged_model_tags (
  model BIGINT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE logged_model_params (
  model BIGINT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  key {{text}} NOT NULL,
  value {{text}} NOT NULL,
  PRIMARY KEY (model, key)
) {{clustered}};

CREATE TABLE logged_model_metrics (
  model BIGINT NOT NULL REFERENCES logged_models (id) ON DELETE CASCADE,
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  metric BIGINT NOT NULL,
  time BIGINT NOT NULL,
  step BIGINT NOT NULL,
  value {{float}} NOT NULL,
  nan SMALLINT NOT NULL,
  dataset_name {{text}} NOT NULL,
  dataset_digest {{text}} NOT NULL,
  PRIMARY KEY (model, metric, run, time, step)
) {{clustered}};

CREATE TABLE run_models (
  run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
  direction {{text}} NOT NULL,
  model_id {{text}} NOT NULL,
  step BIGINT NOT NULL,
  PRIMARY KEY (run, direction, model_id)
) {{clustered}};
