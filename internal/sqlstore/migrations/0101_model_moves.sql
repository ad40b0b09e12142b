-- What happened to registered models, by whom and why. Rows are only added; they
-- outlive the models that they are about.
CREATE TABLE model_moves (
  id {{serial}},
  model BIGINT NOT NULL, -- stays when the model is renamed
  name {{text}} NOT NULL, -- at that time
  time BIGINT NOT NULL,
  what {{text}} NOT NULL,
  key {{text}} NOT NULL,
  version BIGINT NOT NULL,
  before {{text}} NOT NULL,
  after {{text}} NOT NULL,
  who {{text}} NOT NULL,
  verified SMALLINT NOT NULL,
  why {{text}} NOT NULL,
  digest {{text}} NOT NULL -- of this row and the one before it of the model
);
CREATE INDEX model_moves_model ON model_moves (model, id);
CREATE INDEX model_moves_name ON model_moves (name);
CREATE INDEX logged_model_metrics_run ON logged_model_metrics (run);
