-- Source addresses that have bound tokens. A row is removed when its state no longer matters.
CREATE TABLE addresses (
	address BLOB PRIMARY KEY,       -- 16 bytes, an IPv4 address as IPv6 maps it
	forget  INTEGER NOT NULL,       -- Unix seconds from which the row may be removed
	state   BLOB NOT NULL           -- addresses.State, by addresses.AppendState
) STRICT, WITHOUT ROWID;

CREATE INDEX addresses_by_forget ON addresses (forget);

-- The address list: what operators decided about ranges of addresses.
CREATE TABLE address_list (
	range    TEXT PRIMARY KEY,      -- as netip.Prefix writes it
	kind     TEXT NOT NULL,         -- allow, block
	until    INTEGER,               -- Unix seconds; NULL: permanently
	reason   TEXT NOT NULL,
	bindings INTEGER NOT NULL       -- of an allow: the budget that holds there; 0: none
) STRICT, WITHOUT ROWID;

-- Why requests were refused, for a week.
CREATE TABLE refusals (
	ref      TEXT PRIMARY KEY,
	at       INTEGER NOT NULL,      -- Unix milliseconds
	tenant   TEXT NOT NULL,         -- client_id, or ''
	code     TEXT NOT NULL,
	rule     TEXT NOT NULL,
	most     INTEGER NOT NULL,      -- the rule's limit
	seen     INTEGER NOT NULL,
	identity TEXT NOT NULL,
	address  TEXT NOT NULL,         -- as it may be shown
	observed INTEGER NOT NULL       -- 1: the request was admitted
) STRICT;

CREATE INDEX refusals_by_time ON refusals (at);
