-- Where events are sent, which events wait or were sent, and what was already reported.
CREATE TABLE webhooks (
	id            TEXT PRIMARY KEY,
	url           TEXT NOT NULL,
	events        TEXT NOT NULL,              -- JSON list of types; [] for all
	tenant        TEXT NOT NULL,              -- client_id; '' for all
	enabled       INTEGER NOT NULL,
	disabled      TEXT NOT NULL,              -- why it is disabled
	secrets       TEXT NOT NULL,              -- JSON; encrypted
	created_at    INTEGER NOT NULL,           -- Unix milliseconds, like all times here; 0 for none
	failures      INTEGER NOT NULL DEFAULT 0, -- failed tries in a row
	failing_since INTEGER NOT NULL DEFAULT 0,
	paused_until  INTEGER NOT NULL DEFAULT 0,
	succeeded_at  INTEGER NOT NULL DEFAULT 0,
	waiting       INTEGER NOT NULL DEFAULT 0, -- number of its deliveries that wait
	dropped       INTEGER NOT NULL DEFAULT 0  -- events that were not queued, because too many waited
) STRICT;

CREATE TABLE events (
	id     TEXT PRIMARY KEY,
	type   TEXT NOT NULL,
	tenant TEXT NOT NULL,
	body   TEXT NOT NULL                      -- the bytes that are sent and signed
) STRICT;

CREATE TABLE deliveries (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	webhook    TEXT NOT NULL,
	event      TEXT NOT NULL,
	state      TEXT NOT NULL,                 -- waiting, delivered or failed
	created_at INTEGER NOT NULL,
	next_at    INTEGER NOT NULL,              -- of the next try; 0 if it does not wait
	attempts   INTEGER NOT NULL,
	tries      TEXT NOT NULL,                 -- JSON, the last ones
	replay_of  INTEGER NOT NULL               -- 0: it is not a replay
) STRICT;

CREATE INDEX deliveries_due ON deliveries (webhook, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
CREATE INDEX deliveries_by_state ON deliveries (webhook, state, id);
CREATE INDEX deliveries_by_replay ON deliveries (replay_of) WHERE replay_of <> 0;
CREATE INDEX deliveries_by_event ON deliveries (event);

-- Marks make an event happen only once: see events.Mark.
CREATE TABLE event_marks (
	key   TEXT PRIMARY KEY,
	value INTEGER NOT NULL,
	rises INTEGER NOT NULL,                   -- it is removed when it is old
	note  TEXT NOT NULL,
	at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
