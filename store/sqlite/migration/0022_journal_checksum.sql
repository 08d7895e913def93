-- A checksum of what a row of the journal has. SQLite has none for what is in the file, and a state
-- with a changed byte may be readable: a dead token could live again. NULL: an older version wrote
-- the row.
ALTER TABLE journal ADD COLUMN checksum INTEGER;
