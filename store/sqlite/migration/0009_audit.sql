-- Every change that somebody made: who, with which credential, from where, before and after. Rows
-- are only added. Each hash covers its row and the hash of the row before it.
CREATE TABLE audit (
	seq        INTEGER PRIMARY KEY,     -- 1, 2, 3, … without gaps
	at         INTEGER NOT NULL,        -- Unix milliseconds
	actor      TEXT NOT NULL,
	role       TEXT NOT NULL,
	credential TEXT NOT NULL,
	address    TEXT NOT NULL,
	operation  TEXT NOT NULL,
	subject    TEXT NOT NULL,
	before     TEXT NOT NULL,           -- JSON, or ''
	after      TEXT NOT NULL,           -- JSON, or ''
	hash       BLOB NOT NULL
) STRICT;

CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_operation ON audit (operation, seq);
