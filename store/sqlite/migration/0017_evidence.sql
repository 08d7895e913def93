-- What `stile doctor` knows about each tenant's integration, by day. Callers are keyed hashes.
CREATE TABLE evidence (
	tenant INTEGER NOT NULL,        -- number of the tenant
	day    INTEGER NOT NULL,        -- since 1970, UTC
	kind   TEXT NOT NULL,
	key    TEXT NOT NULL,
	note   TEXT NOT NULL,
	count  INTEGER NOT NULL,
	first  INTEGER NOT NULL,        -- Unix seconds
	last   INTEGER NOT NULL,
	ref    TEXT NOT NULL,           -- of the latest refusal, or ''
	few    BLOB NOT NULL,
	many   BLOB NOT NULL,
	PRIMARY KEY (tenant, day, kind, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX evidence_by_day ON evidence (day);
CREATE INDEX evidence_traffic ON evidence (day, tenant, kind, key, count) WHERE kind IN ('calls', 'refused');
