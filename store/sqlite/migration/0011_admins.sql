-- Those who may sign in at the console, with their roles.
CREATE TABLE admins (
	number       INTEGER PRIMARY KEY AUTOINCREMENT,
	name         TEXT NOT NULL UNIQUE COLLATE NOCASE,
	role         TEXT NOT NULL,
	password     TEXT NOT NULL,             -- argon2id, in PHC's format; '' if there is none
	must_change  INTEGER NOT NULL,          -- 1: the password is one-time
	handle       BLOB NOT NULL UNIQUE,      -- WebAuthn's user handle: random
	issuer       TEXT NOT NULL,             -- of OpenID Connect; '' if the account is of this server
	subject      TEXT NOT NULL,             -- the issuer's sub
	created_at   INTEGER NOT NULL,          -- Unix milliseconds, as all times here
	last_sign_in INTEGER NOT NULL           -- 0: never
) STRICT;

CREATE UNIQUE INDEX admins_by_subject ON admins (issuer, subject) WHERE issuer <> '';

CREATE TABLE admin_tokens (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	admin      INTEGER NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	role       TEXT NOT NULL,
	hash       BLOB NOT NULL UNIQUE,        -- keyed
	last_four  TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	expires_at INTEGER NOT NULL,
	last_used  INTEGER NOT NULL             -- 0: never
) STRICT;

CREATE INDEX admin_tokens_by_admin ON admin_tokens (admin);

CREATE TABLE admin_sessions (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	admin      INTEGER NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	hash       BLOB NOT NULL UNIQUE,        -- of the cookie, keyed
	credential TEXT NOT NULL,               -- password, passkey, password and passkey, oidc
	address    TEXT NOT NULL,
	browser    TEXT NOT NULL,
	created_at INTEGER NOT NULL,
	seen_at    INTEGER NOT NULL
) STRICT;

CREATE INDEX admin_sessions_by_admin ON admin_sessions (admin);

CREATE TABLE admin_passkeys (
	id         INTEGER PRIMARY KEY AUTOINCREMENT,
	admin      INTEGER NOT NULL REFERENCES admins (number) ON DELETE CASCADE,
	name       TEXT NOT NULL,
	host       TEXT NOT NULL,               -- WebAuthn's RP ID
	credential BLOB NOT NULL UNIQUE,        -- its id
	record     TEXT NOT NULL,               -- JSON of the library
	created_at INTEGER NOT NULL,
	last_used  INTEGER NOT NULL
) STRICT;

CREATE INDEX admin_passkeys_by_admin ON admin_passkeys (admin);
