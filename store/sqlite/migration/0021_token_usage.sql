-- What all tokens' states count, as package usagesum writes it, so that a start does not read all
-- states. There is no row before the first start after this step. A row of the journal has the sums
-- that its batch changed; NULL: an older version wrote it.
CREATE TABLE token_usage (
	one  INTEGER PRIMARY KEY CHECK (one = 1),
	sums BLOB NOT NULL
) STRICT;

ALTER TABLE journal ADD COLUMN usage BLOB;
