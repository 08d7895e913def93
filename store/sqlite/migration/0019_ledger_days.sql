-- What the ledger counts, by tenant, day and route: usage is shown on many pages, and the ledger
-- has a row for each token. The triggers keep it exact, whatever changes the ledger.
CREATE TABLE ledger_days (
	tenant  INTEGER NOT NULL,       -- tenants.number
	day     INTEGER NOT NULL,       -- days since 1970-01-01, UTC
	route   INTEGER NOT NULL,       -- tokens.Route
	calls   INTEGER NOT NULL,
	records INTEGER NOT NULL,
	PRIMARY KEY (tenant, day, route)
) STRICT, WITHOUT ROWID;

INSERT INTO ledger_days (tenant, day, route, calls, records)
SELECT tenant, day, route, sum(calls), sum(records) FROM ledger GROUP BY tenant, day, route;

CREATE TRIGGER ledger_added AFTER INSERT ON ledger BEGIN
	INSERT INTO ledger_days (tenant, day, route, calls, records)
	VALUES (new.tenant, new.day, new.route, new.calls, new.records)
	ON CONFLICT (tenant, day, route)
	DO UPDATE SET calls = calls + excluded.calls, records = records + excluded.records;
END;

CREATE TRIGGER ledger_counted AFTER UPDATE OF calls, records ON ledger BEGIN
	UPDATE ledger_days SET calls = calls + new.calls - old.calls, records = records + new.records - old.records
	WHERE tenant = new.tenant AND day = new.day AND route = new.route;
END;

CREATE TRIGGER ledger_removed AFTER DELETE ON ledger BEGIN
	UPDATE ledger_days SET calls = calls - old.calls, records = records - old.records
	WHERE tenant = old.tenant AND day = old.day AND route = old.route;
END;
