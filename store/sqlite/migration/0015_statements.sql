-- The currency of a tenant's prices, by ISO 4217; '': the publisher's own unit.
ALTER TABLE tenants ADD COLUMN currency TEXT NOT NULL DEFAULT '';

-- One row for each tenant and closed month. Rows are only added: a statement is what was billed.
CREATE TABLE statements (
	tenant    TEXT NOT NULL,        -- client_id
	month     TEXT NOT NULL,        -- YYYY-MM
	number    INTEGER NOT NULL,     -- of the tenant's statements: 1, 2, 3, …
	closed_at INTEGER NOT NULL,     -- Unix seconds
	calls     INTEGER NOT NULL,     -- these are in the note too, and here for lists
	records   INTEGER NOT NULL,
	amount    INTEGER NOT NULL,     -- millionths
	currency  TEXT NOT NULL,
	lines     INTEGER NOT NULL,
	hash      TEXT NOT NULL,        -- SHA-256 of the note's text, in hexadecimal
	note      TEXT NOT NULL,        -- signed
	key       TEXT NOT NULL,        -- that verifies the signature
	PRIMARY KEY (tenant, month)
) STRICT;

CREATE INDEX statements_by_month ON statements (month, tenant);

-- The ledger lines of statements, as they were when the month was closed, 1,024 a row.
CREATE TABLE statement_lines (
	tenant TEXT NOT NULL,
	month  TEXT NOT NULL,
	first  INTEGER NOT NULL,        -- index of the row's first line, from 0
	hash   BLOB NOT NULL,           -- of the row's part of the Merkle tree
	lines  BLOB NOT NULL,           -- statements.Line, by statements.AppendLine
	PRIMARY KEY (tenant, month, first)
) STRICT;

-- The months whose statements are complete.
CREATE TABLE closed_months (
	month     TEXT PRIMARY KEY,     -- YYYY-MM
	closed_at INTEGER NOT NULL      -- Unix seconds
) STRICT, WITHOUT ROWID;

CREATE TRIGGER statements_are_not_changed BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement can''t be changed'); END;

CREATE TRIGGER statements_are_not_deleted BEFORE DELETE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement can''t be deleted'); END;

CREATE TRIGGER statements_are_not_replaced BEFORE INSERT ON statements
WHEN EXISTS (SELECT 1 FROM statements WHERE tenant = NEW.tenant AND month = NEW.month)
BEGIN SELECT RAISE(ABORT, 'the statement exists already'); END;

CREATE TRIGGER statement_lines_are_not_changed BEFORE UPDATE ON statement_lines
BEGIN SELECT RAISE(ABORT, 'a line of a statement can''t be changed'); END;

CREATE TRIGGER statement_lines_are_not_added BEFORE INSERT ON statement_lines
WHEN EXISTS (SELECT 1 FROM statements WHERE tenant = NEW.tenant AND month = NEW.month)
BEGIN SELECT RAISE(ABORT, 'a statement can''t be changed'); END;

CREATE TRIGGER statement_lines_are_not_deleted BEFORE DELETE ON statement_lines
WHEN EXISTS (SELECT 1 FROM statements WHERE tenant = OLD.tenant AND month = OLD.month)
BEGIN SELECT RAISE(ABORT, 'a statement can''t be changed'); END;

CREATE TRIGGER closed_months_are_not_changed BEFORE UPDATE ON closed_months
BEGIN SELECT RAISE(ABORT, 'a closed month can''t be changed'); END;

CREATE TRIGGER closed_months_are_not_opened BEFORE DELETE ON closed_months
BEGIN SELECT RAISE(ABORT, 'a closed month can''t be opened'); END;
