-- The newest row of the audit log, with a seal that only the server's secret key can make: so rows
-- that are missing at the end are found, too.
CREATE TABLE audit_head (
	id   INTEGER PRIMARY KEY CHECK (id = 1),
	seq  INTEGER NOT NULL,
	hash BLOB NOT NULL,
	seal BLOB NOT NULL
) STRICT;
