-- Who may do what. Times are milliseconds since 1970 UTC.
CREATE TABLE auth_state (
  id BIGINT PRIMARY KEY,
  rev BIGINT NOT NULL -- grows with every change of users, groups, members and grants
);
INSERT INTO auth_state (id, rev) VALUES (1, 1);

CREATE TABLE auth_users (
  id {{serial}},
  name {{text}} NOT NULL UNIQUE,
  admin SMALLINT NOT NULL,
  hash {{text}} NOT NULL,
  issuer {{text}} NOT NULL,
  subject {{text}} NOT NULL,
  created BIGINT NOT NULL
);
CREATE UNIQUE INDEX auth_users_subject ON auth_users (issuer, subject) WHERE subject <> '';

CREATE TABLE auth_groups (
  id {{serial}},
  workspace {{text}} NOT NULL,
  name {{text}} NOT NULL,
  description {{text}} NOT NULL,
  UNIQUE (workspace, name)
);
CREATE INDEX auth_groups_name ON auth_groups (name);

CREATE TABLE auth_members (
  id {{serial}},
  user_id BIGINT NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
  group_id BIGINT NOT NULL REFERENCES auth_groups (id) ON DELETE CASCADE,
  UNIQUE (user_id, group_id)
);
CREATE INDEX auth_members_group ON auth_members (group_id);

CREATE TABLE auth_grants (
  id {{serial}},
  user_id BIGINT REFERENCES auth_users (id) ON DELETE CASCADE,
  group_id BIGINT REFERENCES auth_groups (id) ON DELETE CASCADE,
  kind {{text}} NOT NULL,
  thing {{text}} NOT NULL,
  level SMALLINT NOT NULL,
  UNIQUE (user_id, kind, thing),
  UNIQUE (group_id, kind, thing)
);
CREATE INDEX auth_grants_thing ON auth_grants (kind, thing);

CREATE TABLE auth_tokens (
  id {{text}} PRIMARY KEY,
  user_id BIGINT NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
  name {{text}} NOT NULL,
  hash {{text}} NOT NULL, -- SHA-256 of the secret
  scope {{text}} NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL,
  used BIGINT NOT NULL
);
CREATE INDEX auth_tokens_user ON auth_tokens (user_id);

CREATE TABLE auth_sessions (
  hash {{text}} PRIMARY KEY, -- SHA-256 of the cookie
  user_id BIGINT NOT NULL REFERENCES auth_users (id) ON DELETE CASCADE,
  groups_claimed {{text}} NOT NULL, -- JSON
  admin SMALLINT NOT NULL,
  created BIGINT NOT NULL,
  expires BIGINT NOT NULL
);
CREATE INDEX auth_sessions_user ON auth_sessions (user_id);

CREATE TABLE audit_log (
  id {{serial}},
  time BIGINT NOT NULL,
  user_name {{text}} NOT NULL,
  via {{text}} NOT NULL,
  token {{text}} NOT NULL,
  source {{text}} NOT NULL,
  action {{text}} NOT NULL,
  target {{text}} NOT NULL,
  status BIGINT NOT NULL
);
CREATE INDEX audit_log_time ON audit_log (time);
CREATE INDEX audit_log_user ON audit_log (user_name, time);

CREATE INDEX experiments_location ON experiments (artifact_location);
