-- The queue of jobs. Times are milliseconds since 1970 UTC, 0 for "not yet".
CREATE TABLE IF NOT EXISTS jobs (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	name       TEXT NOT NULL UNIQUE,
	parent     TEXT NOT NULL,
	kind       TEXT NOT NULL,
	cluster    TEXT NOT NULL,
	nodes      INTEGER NOT NULL,
	display    TEXT NOT NULL,
	experiment TEXT NOT NULL,
	spec       TEXT NOT NULL,
	state      TEXT NOT NULL,
	outcome    TEXT NOT NULL,
	detail     TEXT NOT NULL,
	run_id     TEXT NOT NULL,
	attempt    INTEGER NOT NULL,
	lost       INTEGER NOT NULL,
	failures   INTEGER NOT NULL,
	exit_code  INTEGER,           -- NULL until the command has ended
	processes  TEXT NOT NULL,     -- JSON
	best       TEXT NOT NULL,
	notes      TEXT NOT NULL,     -- JSON of whoever watches over children
	owner      TEXT NOT NULL,     -- runner that holds the lease
	fence      INTEGER NOT NULL,  -- grows with each claim
	lease      INTEGER NOT NULL,  -- end of the lease
	created    INTEGER NOT NULL,
	started    INTEGER NOT NULL,
	ended      INTEGER NOT NULL,
	revision   INTEGER NOT NULL   -- grows with each change
) STRICT;

CREATE INDEX IF NOT EXISTS jobs_by_state ON jobs (cluster, state, seq);
CREATE INDEX IF NOT EXISTS jobs_by_parent ON jobs (parent, seq);

-- Registered documents: computes, schedules, data assets, components, …
CREATE TABLE IF NOT EXISTS job_assets (
	seq     INTEGER PRIMARY KEY AUTOINCREMENT,
	kind    TEXT NOT NULL,
	name    TEXT NOT NULL,
	version TEXT NOT NULL,
	spec    TEXT NOT NULL,
	created INTEGER NOT NULL,
	UNIQUE (kind, name, version)
) STRICT;
