-- What the server did, by time and tenant. One row has all counts of its time, so a period is read
-- in a few rows, whatever was counted.
CREATE TABLE history (
	step   INTEGER NOT NULL,        -- seconds: 60 or 3600
	tenant TEXT NOT NULL,           -- client_id; '': all tenants together
	at     INTEGER NOT NULL,        -- Unix seconds, the start of the step
	counts TEXT NOT NULL,           -- JSON: {name: number}
	PRIMARY KEY (step, tenant, at)
) STRICT, WITHOUT ROWID;

CREATE INDEX history_by_time ON history (step, at);
