-- Addresses, and IPv6 networks, are counted by tenant: see addresses.Scope. The former state of an
-- address counted the tokens of all tenants. It becomes its state for all tenants, so that its
-- records and its block stay.
CREATE TABLE scopes (
	address BLOB NOT NULL,          -- first of the range: 16 bytes, an IPv4 address as IPv6 maps it
	bits    INTEGER NOT NULL,       -- length of the range's prefix; of IPv4, 0 to 32
	tenant  INTEGER NOT NULL,       -- tenants.number; 0: all tenants
	forget  INTEGER NOT NULL,       -- Unix seconds from which the row may be removed
	state   BLOB NOT NULL,          -- addresses.State, by addresses.AppendState
	PRIMARY KEY (address, bits, tenant)
) STRICT, WITHOUT ROWID;

INSERT INTO scopes (address, bits, tenant, forget, state)
SELECT address, CASE WHEN substr(address, 1, 12) = x'00000000000000000000ffff' THEN 32 ELSE 64 END, 0, forget, state
FROM addresses;

DROP TABLE addresses;

CREATE INDEX scopes_by_forget ON scopes (forget);
