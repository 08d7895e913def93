-- The links that the publisher gives to a tenant's developers. The secret part of a link is stored
-- as a keyed hash only.
CREATE TABLE links (
	id         TEXT PRIMARY KEY,
	tenant     INTEGER NOT NULL,    -- number of the tenant
	name       TEXT NOT NULL,
	by         TEXT NOT NULL,       -- who made it
	created_at INTEGER NOT NULL,    -- Unix seconds
	expires    INTEGER NOT NULL,
	last_used  INTEGER NOT NULL,    -- 0: never
	hash       BLOB NOT NULL UNIQUE
) STRICT;

CREATE INDEX links_by_tenant ON links (tenant, created_at);
