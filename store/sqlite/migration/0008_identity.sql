-- What the other files and the settings of the data directory must match: names and values.
CREATE TABLE identity (
	name  TEXT PRIMARY KEY,         -- secret_key, signing_key, public_url
	value TEXT NOT NULL
) STRICT;
