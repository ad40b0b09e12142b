-- The queue of jobs. Times are milliseconds since 1970 UTC, 0 for "not yet".
CREATE TABLE jobs (
	seq        {{serial}},
	name       {{text}} NOT NULL UNIQUE,
	parent     {{text}} NOT NULL,
	kind       {{text}} NOT NULL,
	cluster    {{text}} NOT NULL,
	nodes      BIGINT NOT NULL,
	display    {{text}} NOT NULL,
	experiment {{text}} NOT NULL,
	spec       {{text}} NOT NULL,
	state      {{text}} NOT NULL,
	outcome    {{text}} NOT NULL,
	detail     {{text}} NOT NULL,
	run_id     {{text}} NOT NULL,
	attempt    BIGINT NOT NULL,
	lost       BIGINT NOT NULL,
	failures   BIGINT NOT NULL,
	exit_code  BIGINT,           -- NULL until the command has ended
	processes  {{text}} NOT NULL,     -- JSON
	best       {{text}} NOT NULL,
	notes      {{text}} NOT NULL,     -- JSON of whoever watches over children
	owner      {{text}} NOT NULL,     -- runner that holds the lease
	fence      BIGINT NOT NULL,  -- grows with each claim
	lease      BIGINT NOT NULL,  -- end of the lease
	created    BIGINT NOT NULL,
	started    BIGINT NOT NULL,
	ended      BIGINT NOT NULL,
	revision   BIGINT NOT NULL   -- grows with each change
);

CREATE INDEX jobs_by_state ON jobs (cluster, state, seq);
CREATE INDEX jobs_by_parent ON jobs (parent, seq);

-- Registered documents: computes, schedules, data assets, components, …
CREATE TABLE job_assets (
	seq     {{serial}},
	kind    {{text}} NOT NULL,
	name    {{text}} NOT NULL,
	version {{text}} NOT NULL,
	spec    {{text}} NOT NULL,
	created BIGINT NOT NULL,
	UNIQUE (kind, name, version)
);
