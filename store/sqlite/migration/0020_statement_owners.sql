-- Which tenant a statement is of: a client_id may be given to another tenant later, which must not
-- see the earlier one's statements.
ALTER TABLE statements ADD COLUMN owner INTEGER NOT NULL DEFAULT 0;  -- tenants.number

DROP TRIGGER statements_are_not_changed;

UPDATE statements SET owner = coalesce(
	(SELECT max(number) FROM tenants WHERE client_id = tenant AND created_at <= closed_at),
	(SELECT min(number) FROM tenants WHERE client_id = tenant), 0);

CREATE TRIGGER statements_are_not_changed BEFORE UPDATE ON statements
BEGIN SELECT RAISE(ABORT, 'a statement can''t be changed'); END;

CREATE INDEX statements_by_owner ON statements (owner, month);
