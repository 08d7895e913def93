-- What changes with every call: one row for each group commit, the newest last. The rows of tokens
-- are written later, and the journal is replayed at start.
CREATE TABLE journal (
	seq   INTEGER PRIMARY KEY,
	batch BLOB NOT NULL             -- records of id and state
) STRICT;

CREATE TABLE tokens (
	id      BLOB PRIMARY KEY,       -- tokens.ID
	tenant  INTEGER NOT NULL,       -- tenants.number
	expires INTEGER NOT NULL,       -- Unix seconds; never changes
	state   BLOB NOT NULL           -- tokens.State, by tokens.AppendState
) STRICT, WITHOUT ROWID;

CREATE INDEX tokens_by_expiry ON tokens (expires);

-- The usage of tokens that expired long ago. The key contains the token, and the row its totals, so
-- that moving it here twice changes nothing.
CREATE TABLE ledger (
	tenant  INTEGER NOT NULL,       -- tenants.number
	day     INTEGER NOT NULL,       -- days since 1970-01-01, UTC
	route   INTEGER NOT NULL,       -- tokens.Route
	token   BLOB NOT NULL,          -- tokens.ID
	calls   INTEGER NOT NULL,
	records INTEGER NOT NULL,
	PRIMARY KEY (tenant, day, route, token)
) STRICT, WITHOUT ROWID;

-- A removed tenant keeps its number and client_id, for its usage.
CREATE TABLE tenants (
	number          INTEGER PRIMARY KEY AUTOINCREMENT
	                CHECK (number < 1 << 23),   -- it is the upper bits of items' rowids
	client_id       TEXT NOT NULL,
	name            TEXT NOT NULL,
	status          TEXT NOT NULL,              -- active, suspended, removed
	calls_per_month INTEGER NOT NULL,
	created_at      INTEGER NOT NULL,           -- Unix seconds
	sites           TEXT NOT NULL,              -- JSON: [origin]
	policy          TEXT NOT NULL,              -- JSON: {setting: value}
	secrets         TEXT NOT NULL,              -- JSON: [{hash, until}]
	prices          TEXT NOT NULL,              -- JSON: [{since, micros}]
	keys            TEXT NOT NULL               -- JSON Web Key Set, or ''
) STRICT;

CREATE UNIQUE INDEX tenants_by_client ON tenants (client_id) WHERE status <> 'removed';

-- One row, written to check whether writing works.
CREATE TABLE ready (
	one INTEGER PRIMARY KEY CHECK (one = 1),
	at  INTEGER NOT NULL            -- Unix seconds
) STRICT;
