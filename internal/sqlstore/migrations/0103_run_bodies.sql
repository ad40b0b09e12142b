-- What a searcher made of a run when it was last quiet; right while rev is the
-- run's. It can be made anew at any time and is in no dump.
CREATE TABLE run_bodies (
  run {{serial}} REFERENCES runs (id) ON DELETE CASCADE, -- given, never numbered
  rev BIGINT NOT NULL,
  form {{text}} NOT NULL,
  body {{blob}} NOT NULL
);
