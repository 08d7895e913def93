-- What SQLite's steps 0001 to 0020 make, for PostgreSQL. Texts are compared byte by byte, as on
-- SQLite: lists and cursors depend on it. The states of tokens and addresses are in a step of their
-- own. The rows of tokens and scopes are copies of them, for lists.

-- SQLite has this function: the queries of both engines use it.
CREATE FUNCTION hex(b bytea) RETURNS text LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT upper(encode(b, 'hex')) $$;

CREATE TABLE tokens (
	id      bytea PRIMARY KEY,              -- tokens.ID
	version bigint NOT NULL,                -- of the state: a larger one replaces a smaller one
	tenant  bigint NOT NULL,                -- tenants.number
	expires bigint NOT NULL,                -- Unix seconds; never changes
	state   bytea NOT NULL,                 -- tokens.State, by tokens.AppendState
	used    bigint NOT NULL,                -- last use, Unix seconds; lags by 5 minutes
	issued  bigint NOT NULL,                -- Unix seconds
	dead    bigint NOT NULL,                -- tokens.Reason
	address bytea                           -- that it is bound to, 16 bytes; NULL: to none
) WITH (fillfactor = 70);                   -- a state changes in its page, without the indexes

CREATE INDEX tokens_by_use ON tokens (used, id, tenant, dead, expires);
CREATE INDEX tokens_by_issue ON tokens (issued, id, tenant, dead, expires);
CREATE INDEX tokens_by_expiry ON tokens (expires, id, tenant, dead);
CREATE INDEX tokens_by_address ON tokens (address, used, id) WHERE address IS NOT NULL;

CREATE TABLE scopes (
	address bytea NOT NULL,                 -- first of the range; IPv4 as IPv6 maps it
	bits    bigint NOT NULL,                -- length of the range's prefix; of IPv4, 0 to 32
	tenant  bigint NOT NULL,                -- tenants.number; 0: all tenants
	version bigint NOT NULL,                -- of the state: a larger one replaces a smaller one
	forget  bigint NOT NULL,                -- Unix seconds from which the row may be removed
	state   bytea NOT NULL,                 -- by addresses.AppendState; empty: the zero State
	PRIMARY KEY (address, bits, tenant)
) WITH (fillfactor = 70);

CREATE INDEX scopes_by_forget ON scopes (forget);

-- What each token used, as totals: the larger one wins, so that a copy that is late, repeated or
-- out of order changes nothing.
CREATE TABLE ledger (
	tenant  bigint NOT NULL,                -- tenants.number
	day     bigint NOT NULL,                -- days since 1970-01-01, UTC
	route   bigint NOT NULL,                -- tokens.Route
	token   bytea NOT NULL,                 -- tokens.ID
	calls   bigint NOT NULL,
	records bigint NOT NULL,
	PRIMARY KEY (tenant, day, route, token)
) WITH (fillfactor = 80);

-- What the ledger counts, by tenant, day and route. The triggers keep it exact, whatever changes
-- the ledger.
CREATE TABLE ledger_days (
	tenant  bigint NOT NULL,
	day     bigint NOT NULL,
	route   bigint NOT NULL,
	calls   bigint NOT NULL,
	records bigint NOT NULL,
	PRIMARY KEY (tenant, day, route)
) WITH (fillfactor = 50);

CREATE FUNCTION ledger_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ledger_days AS d (tenant, day, route, calls, records)
	SELECT tenant, day, route, sum(calls), sum(records) FROM added GROUP BY tenant, day, route ORDER BY tenant, day, route
	ON CONFLICT (tenant, day, route) DO UPDATE SET calls = d.calls + excluded.calls, records = d.records + excluded.records;
	RETURN NULL;
END $$;

CREATE FUNCTION ledger_counted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ledger_days AS d (tenant, day, route, calls, records)
	SELECT tenant, day, route, sum(calls), sum(records) FROM (
		SELECT tenant, day, route, calls, records FROM added
		UNION ALL SELECT tenant, day, route, -calls, -records FROM removed) AS changed
	GROUP BY tenant, day, route HAVING sum(calls) <> 0 OR sum(records) <> 0 ORDER BY tenant, day, route
	ON CONFLICT (tenant, day, route) DO UPDATE SET calls = d.calls + excluded.calls, records = d.records + excluded.records;
	RETURN NULL;
END $$;

CREATE FUNCTION ledger_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	INSERT INTO ledger_days AS d (tenant, day, route, calls, records)
	SELECT tenant, day, route, -sum(calls), -sum(records) FROM removed GROUP BY tenant, day, route ORDER BY tenant, day, route
	ON CONFLICT (tenant, day, route) DO UPDATE SET calls = d.calls + excluded.calls, records = d.records + excluded.records;
	RETURN NULL;
END $$;

CREATE FUNCTION ledger_emptied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	DELETE FROM ledger_days;
	RETURN NULL;
END $$;

CREATE TRIGGER ledger_added AFTER INSERT ON ledger
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_added();
CREATE TRIGGER ledger_counted AFTER UPDATE ON ledger
REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION ledger_counted();
CREATE TRIGGER ledger_removed AFTER DELETE ON ledger
REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION ledger_removed();
CREATE TRIGGER ledger_emptied AFTER TRUNCATE ON ledger
FOR EACH STATEMENT EXECUTE FUNCTION ledger_emptied();

-- A number that was given once is never given again, also if rows with their numbers are copied
-- from elsewhere.
CREATE FUNCTION keep_numbers() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	numbers text := pg_get_serial_sequence(format('%I.%I', TG_TABLE_SCHEMA, TG_TABLE_NAME), TG_ARGV[0]);
	greatest_row bigint;
	last bigint;
BEGIN
	EXECUTE format('SELECT coalesce(max(%I), 0) FROM added', TG_ARGV[0]) INTO greatest_row;
	EXECUTE format('SELECT last_value FROM %s', numbers) INTO last;
	IF greatest_row > last THEN PERFORM setval(numbers, greatest_row); END IF;
	RETURN NULL;
END $$;

-- A removed tenant keeps its number and client_id, for its usage.
CREATE TABLE tenants (
	number          bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY
	                CHECK (number < 1 << 23),  -- it is the upper bits of items' rowids
	client_id       text COLLATE "C" NOT NULL,
	name            text COLLATE "C" NOT NULL,
	status          text COLLATE "C" NOT NULL,  -- active, suspended, removed
	calls_per_month bigint NOT NULL,
	created_at      bigint NOT NULL,        -- Unix seconds
	sites           text COLLATE "C" NOT NULL,          -- JSON: [origin]
	policy          text COLLATE "C" NOT NULL,          -- JSON: {setting: value}
	secrets         text COLLATE "C" NOT NULL,          -- JSON: [{hash, until}]
	prices          text COLLATE "C" NOT NULL,          -- JSON: [{since, micros}]
	keys            text COLLATE "C" NOT NULL,          -- JSON Web Key Set, or ''
	currency        text COLLATE "C" NOT NULL  -- by ISO 4217; '': the publisher's own unit
);

CREATE UNIQUE INDEX tenants_by_client ON tenants (client_id) WHERE status <> 'removed';
CREATE TRIGGER tenants_keep_numbers AFTER INSERT ON tenants
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('number');

-- One row, written to check whether writing works.
CREATE TABLE ready (
	one bigint PRIMARY KEY CHECK (one = 1),
	at  bigint NOT NULL                     -- Unix seconds
);

-- The current generation of the corpus.
CREATE TABLE corpus (
	one        bigint PRIMARY KEY CHECK (one = 1),
	generation bigint NOT NULL
);

INSERT INTO corpus (one, generation) VALUES (1, 0);

-- The address list: what operators decided about ranges of addresses.
CREATE TABLE address_list (
	range    text COLLATE "C" PRIMARY KEY,  -- as netip.Prefix writes it
	kind     text COLLATE "C" NOT NULL,     -- allow, block
	until    bigint,                        -- Unix seconds; NULL: permanently
	reason   text COLLATE "C" NOT NULL,
	bindings bigint NOT NULL                -- of an allow: the budget that holds there; 0: none
);

-- Why requests were refused, for a week. One row represents all refusals of its address, tenant,
-- code and minute.
CREATE TABLE refusals (
	ref      text COLLATE "C" PRIMARY KEY,
	at       bigint NOT NULL,               -- Unix milliseconds
	tenant   text COLLATE "C" NOT NULL,     -- client_id, or ''
	code     text COLLATE "C" NOT NULL,
	rule     text COLLATE "C" NOT NULL,
	most     bigint NOT NULL,               -- the rule's limit
	seen     bigint NOT NULL,
	identity text COLLATE "C" NOT NULL,
	address  text COLLATE "C" NOT NULL,     -- as it may be shown
	observed bigint NOT NULL,               -- 1: the request was admitted
	more     bigint NOT NULL,               -- how many in addition to the first
	page     text COLLATE "C" NOT NULL,     -- that the request came from, if that decided
	detail   text COLLATE "C" NOT NULL,     -- what was wrong, in words
	token    bytea                          -- tokens.ID; NULL: none
);

CREATE INDEX refusals_by_time ON refusals (at, ref);
CREATE INDEX refusals_by_tenant ON refusals (tenant, code, observed, at, ref);
CREATE INDEX refusals_by_code ON refusals (code, observed, at, ref);
CREATE INDEX refusals_by_address ON refusals (address, at, ref);
CREATE INDEX refusals_by_token ON refusals (token, at, ref) WHERE token IS NOT NULL;
CREATE INDEX refusals_by_identity ON refusals (identity, at, ref);

-- What the other files and the settings of the installation must match: names and values.
CREATE TABLE identity (
	name  text COLLATE "C" PRIMARY KEY,     -- secret_key, signing_key, public_url
	value text COLLATE "C" NOT NULL
);

-- Every change that somebody made: who, with which credential, from where, before and after. Rows
-- are only added. Each hash covers its row and the hash of the row before it.
CREATE TABLE audit (
	seq        bigint PRIMARY KEY,          -- 1, 2, 3, … without gaps
	at         bigint NOT NULL,             -- Unix milliseconds
	actor      text COLLATE "C" NOT NULL,
	role       text COLLATE "C" NOT NULL,
	credential text COLLATE "C" NOT NULL,
	address    text COLLATE "C" NOT NULL,
	operation  text COLLATE "C" NOT NULL,
	subject    text COLLATE "C" NOT NULL,
	before     text COLLATE "C" NOT NULL,               -- JSON, or ''
	after      text COLLATE "C" NOT NULL,               -- JSON, or ''
	hash       bytea NOT NULL
);

CREATE INDEX audit_by_actor ON audit (actor, seq);
CREATE INDEX audit_by_operation ON audit (operation, seq);

-- The newest row of the audit log, with a seal that only the server's secret key can make.
CREATE TABLE audit_head (
	id   bigint PRIMARY KEY CHECK (id = 1),
	seq  bigint NOT NULL,
	hash bytea NOT NULL,
	seal bytea NOT NULL
);

-- Those who may sign in at the console, with their roles.
CREATE TABLE admins (
	number       bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	name         text COLLATE "C" NOT NULL,
	role         text COLLATE "C" NOT NULL,
	password     text COLLATE "C" NOT NULL, -- argon2id, in PHC's format; '' if there is none
	must_change  bigint NOT NULL,           -- 1: the password is one-time
	handle       bytea NOT NULL UNIQUE,     -- WebAuthn's user handle: random
	issuer       text COLLATE "C" NOT NULL,  -- of OpenID Connect; '' if the account is of this server
	subject      text COLLATE "C" NOT NULL,  -- the issuer's sub
	created_at   bigint NOT NULL,           -- Unix milliseconds, as all times here
	last_sign_in bigint NOT NULL            -- 0: never
);

CREATE UNIQUE INDEX admins_by_name ON admins (lower(name));
CREATE UNIQUE INDEX admins_by_subject ON admins (issuer, subject) WHERE issuer <> '';
CREATE TRIGGER admins_keep_numbers AFTER INSERT ON admins
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('number');

CREATE TABLE admin_tokens (
	id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	admin      bigint NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	name       text COLLATE "C" NOT NULL,
	role       text COLLATE "C" NOT NULL,
	hash       bytea NOT NULL UNIQUE,       -- keyed
	last_four  text COLLATE "C" NOT NULL,
	created_at bigint NOT NULL,
	expires_at bigint NOT NULL,
	last_used  bigint NOT NULL              -- 0: never
);

CREATE INDEX admin_tokens_by_admin ON admin_tokens (admin);
CREATE TRIGGER admin_tokens_keep_numbers AFTER INSERT ON admin_tokens
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('id');

CREATE TABLE admin_sessions (
	id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	admin      bigint NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	hash       bytea NOT NULL UNIQUE,       -- of the cookie, keyed
	credential text COLLATE "C" NOT NULL,   -- password, passkey, password and passkey, oidc
	address    text COLLATE "C" NOT NULL,
	browser    text COLLATE "C" NOT NULL,
	created_at bigint NOT NULL,
	seen_at    bigint NOT NULL
);

CREATE INDEX admin_sessions_by_admin ON admin_sessions (admin);
CREATE TRIGGER admin_sessions_keep_numbers AFTER INSERT ON admin_sessions
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('id');

CREATE TABLE admin_passkeys (
	id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	admin      bigint NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	name       text COLLATE "C" NOT NULL,
	host       text COLLATE "C" NOT NULL,   -- WebAuthn's RP ID
	credential bytea NOT NULL UNIQUE,       -- its id
	record     text COLLATE "C" NOT NULL,               -- JSON of the library
	created_at bigint NOT NULL,
	last_used  bigint NOT NULL
);

CREATE INDEX admin_passkeys_by_admin ON admin_passkeys (admin);
CREATE TRIGGER admin_passkeys_keep_numbers AFTER INSERT ON admin_passkeys
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('id');

-- Requests of the admin API that may be repeated (the header Idempotency-Key), for 24 hours.
CREATE TABLE idempotency (
	id          bytea PRIMARY KEY,          -- hash of the actor and the key
	actor       bytea NOT NULL,             -- hash of the actor
	fingerprint bytea NOT NULL,             -- hash of the request
	at          bigint NOT NULL,            -- Unix seconds
	process     bytea NOT NULL,             -- random number of the process that handles the request
	response    bytea                       -- encrypted; NULL: the request is in progress
);

CREATE INDEX idempotency_by_at ON idempotency (at);
CREATE INDEX idempotency_by_actor ON idempotency (actor);

-- What the servers did, by time and tenant. One row has all counts of its time.
CREATE TABLE history (
	step   bigint NOT NULL,                 -- seconds: 60 or 3600
	tenant text COLLATE "C" NOT NULL,       -- client_id; '': all tenants together
	at     bigint NOT NULL,                 -- Unix seconds, the start of the step
	counts text COLLATE "C" NOT NULL,                   -- JSON: {name: number}
	PRIMARY KEY (step, tenant, at)
);

CREATE INDEX history_by_time ON history (step, at);

-- One row for each tenant and closed month. Rows are only added: a statement is what was billed.
CREATE TABLE statements (
	owner     bigint NOT NULL,              -- tenants.number
	tenant    text COLLATE "C" NOT NULL,    -- client_id
	month     text COLLATE "C" NOT NULL,    -- YYYY-MM
	number    bigint NOT NULL,              -- of the tenant's statements: 1, 2, 3, …
	closed_at bigint NOT NULL,              -- Unix seconds
	calls     bigint NOT NULL,              -- these are in the note too, and here for lists
	records   bigint NOT NULL,
	amount    bigint NOT NULL,              -- millionths
	currency  text COLLATE "C" NOT NULL,
	lines     bigint NOT NULL,
	hash      text COLLATE "C" NOT NULL,    -- SHA-256 of the note's text, in hexadecimal
	note      text COLLATE "C" NOT NULL,                -- signed
	key       text COLLATE "C" NOT NULL,    -- that verifies the signature
	PRIMARY KEY (tenant, month)
);

CREATE INDEX statements_by_month ON statements (month, tenant);
CREATE INDEX statements_by_owner ON statements (owner, month);

-- The ledger lines of statements, as they were when the month was closed, 1,024 a row.
CREATE TABLE statement_lines (
	tenant text COLLATE "C" NOT NULL,
	month  text COLLATE "C" NOT NULL,
	first  bigint NOT NULL,                 -- index of the row's first line, from 0
	hash   bytea NOT NULL,                  -- of the row's part of the Merkle tree
	lines  bytea NOT NULL,                  -- statements.Line, by statements.AppendLine
	PRIMARY KEY (tenant, month, first)
);

-- The months whose statements are complete.
CREATE TABLE closed_months (
	month     text COLLATE "C" PRIMARY KEY,  -- YYYY-MM
	closed_at bigint NOT NULL               -- Unix seconds
);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE EXCEPTION '%', TG_ARGV[0];
END $$;

CREATE FUNCTION refuse_replacement() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM statements WHERE tenant = NEW.tenant AND month = NEW.month) THEN
		RAISE EXCEPTION '%', TG_ARGV[0];
	END IF;
	RETURN NEW;
END $$;

CREATE FUNCTION refuse_removal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT 1 FROM statements WHERE tenant = OLD.tenant AND month = OLD.month) THEN
		RAISE EXCEPTION '%', TG_ARGV[0];
	END IF;
	RETURN OLD;
END $$;

CREATE TRIGGER statements_are_not_changed BEFORE UPDATE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_change('a statement can''t be changed');
CREATE TRIGGER statements_are_not_deleted BEFORE DELETE ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_change('a statement can''t be deleted');
CREATE TRIGGER statements_are_not_emptied BEFORE TRUNCATE ON statements
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a statement can''t be deleted');
CREATE TRIGGER statements_are_not_replaced BEFORE INSERT ON statements
FOR EACH ROW EXECUTE FUNCTION refuse_replacement('the statement exists already');

CREATE TRIGGER statement_lines_are_not_changed BEFORE UPDATE ON statement_lines
FOR EACH ROW EXECUTE FUNCTION refuse_change('a line of a statement can''t be changed');
CREATE TRIGGER statement_lines_are_not_added BEFORE INSERT ON statement_lines
FOR EACH ROW EXECUTE FUNCTION refuse_replacement('a statement can''t be changed');
CREATE TRIGGER statement_lines_are_not_deleted BEFORE DELETE ON statement_lines
FOR EACH ROW EXECUTE FUNCTION refuse_removal('a statement can''t be changed');
CREATE TRIGGER statement_lines_are_not_emptied BEFORE TRUNCATE ON statement_lines
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a statement can''t be changed');

CREATE TRIGGER closed_months_are_not_changed BEFORE UPDATE ON closed_months
FOR EACH ROW EXECUTE FUNCTION refuse_change('a closed month can''t be changed');
CREATE TRIGGER closed_months_are_not_opened BEFORE DELETE ON closed_months
FOR EACH ROW EXECUTE FUNCTION refuse_change('a closed month can''t be opened');
CREATE TRIGGER closed_months_are_not_emptied BEFORE TRUNCATE ON closed_months
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('a closed month can''t be opened');

-- Where events are sent, which events wait or were sent, and what was already reported.
CREATE TABLE webhooks (
	id            text COLLATE "C" PRIMARY KEY,
	url           text COLLATE "C" NOT NULL,
	events        text COLLATE "C" NOT NULL,            -- JSON list of types; [] for all
	tenant        text COLLATE "C" NOT NULL,  -- client_id; '' for all
	enabled       bigint NOT NULL,
	disabled      text COLLATE "C" NOT NULL,  -- why it is disabled
	secrets       text COLLATE "C" NOT NULL,            -- JSON; encrypted
	created_at    bigint NOT NULL,          -- Unix milliseconds, like all times here; 0 for none
	failures      bigint NOT NULL DEFAULT 0,  -- failed tries in a row
	failing_since bigint NOT NULL DEFAULT 0,
	paused_until  bigint NOT NULL DEFAULT 0,
	succeeded_at  bigint NOT NULL DEFAULT 0,
	waiting       bigint NOT NULL DEFAULT 0,  -- number of its deliveries that wait
	dropped       bigint NOT NULL DEFAULT 0  -- events that were not queued, because too many waited
);

CREATE TABLE events (
	id     text COLLATE "C" PRIMARY KEY,
	type   text COLLATE "C" NOT NULL,
	tenant text COLLATE "C" NOT NULL,
	body   text COLLATE "C" NOT NULL                    -- the bytes that are sent and signed
);

CREATE TABLE deliveries (
	id         bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
	webhook    text COLLATE "C" NOT NULL,
	event      text COLLATE "C" NOT NULL,
	state      text COLLATE "C" NOT NULL,   -- waiting, delivered or failed
	created_at bigint NOT NULL,
	next_at    bigint NOT NULL,             -- of the next try; 0 if it does not wait
	attempts   bigint NOT NULL,
	tries      text COLLATE "C" NOT NULL,   -- JSON, the last ones
	replay_of  bigint NOT NULL              -- 0: it is not a replay
);

CREATE INDEX deliveries_due ON deliveries (webhook, next_at) WHERE state = 'waiting';
CREATE INDEX deliveries_by_webhook ON deliveries (webhook, id);
CREATE INDEX deliveries_by_state ON deliveries (webhook, state, id);
CREATE INDEX deliveries_by_replay ON deliveries (replay_of) WHERE replay_of <> 0;
CREATE INDEX deliveries_by_event ON deliveries (event);
CREATE TRIGGER deliveries_keep_numbers AFTER INSERT ON deliveries
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION keep_numbers('id');

-- Marks make an event happen only once: see events.Mark.
CREATE TABLE event_marks (
	key   text COLLATE "C" PRIMARY KEY,
	value bigint NOT NULL,
	rises bigint NOT NULL,                  -- 1: it is removed when it is old
	note  text COLLATE "C" NOT NULL,
	at    bigint NOT NULL
);

-- What `stile doctor` knows about each tenant's integration, by day. Callers are keyed hashes.
CREATE TABLE evidence (
	tenant bigint NOT NULL,                 -- number of the tenant
	day    bigint NOT NULL,                 -- since 1970, UTC
	kind   text COLLATE "C" NOT NULL,
	key    text COLLATE "C" NOT NULL,
	note   text COLLATE "C" NOT NULL,
	count  bigint NOT NULL,
	first  bigint NOT NULL,                 -- Unix seconds
	last   bigint NOT NULL,
	ref    text COLLATE "C" NOT NULL,       -- of the latest refusal, or ''
	few    bytea NOT NULL,
	many   bytea NOT NULL,
	PRIMARY KEY (tenant, day, kind, key)
);

CREATE INDEX evidence_by_day ON evidence (day);
CREATE INDEX evidence_traffic ON evidence (day, tenant, kind, key, count) WHERE kind IN ('calls', 'refused');

-- The links that the publisher gives to a tenant's developers. The secret part of a link is stored
-- as a keyed hash only.
CREATE TABLE links (
	id         text COLLATE "C" PRIMARY KEY,
	tenant     bigint NOT NULL,             -- number of the tenant
	name       text COLLATE "C" NOT NULL,
	by         text COLLATE "C" NOT NULL,   -- who made it
	created_at bigint NOT NULL,             -- Unix seconds
	expires    bigint NOT NULL,
	last_used  bigint NOT NULL,             -- 0: never
	hash       bytea NOT NULL UNIQUE
);

CREATE INDEX links_by_tenant ON links (tenant, created_at);
