-- Requests of the admin API that may be repeated (the header Idempotency-Key), for 24 hours.
CREATE TABLE idempotency (
	id          BLOB PRIMARY KEY,       -- hash of the actor and the key
	actor       BLOB NOT NULL,          -- hash of the actor
	fingerprint BLOB NOT NULL,          -- hash of the request
	at          INTEGER NOT NULL,       -- Unix seconds
	process     BLOB NOT NULL,          -- random number of the process that handles the request
	response    BLOB                    -- encrypted; NULL: the request is in progress
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_by_at ON idempotency (at);
CREATE INDEX idempotency_by_actor ON idempotency (actor);
