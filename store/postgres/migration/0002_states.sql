-- Values that nodes change with every call, if PostgreSQL keeps them: see package states. A value
-- is replaced only by a node that knows the present one.
CREATE TABLE states (
	key     bytea PRIMARY KEY,              -- the kind of the value, and its id
	value   bytea NOT NULL,
	expires bigint NOT NULL                 -- Unix seconds from which the row may be removed
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02); -- most changes stay in their page

CREATE INDEX states_by_expiry ON states (expires);

-- What works once, such as proofs.
CREATE TABLE states_spent (
	key    bytea NOT NULL,                  -- of the value with which it was spent
	digest bytea NOT NULL,
	until  bigint NOT NULL,                 -- Unix seconds from which the row may be removed
	PRIMARY KEY (key, digest)
);

CREATE INDEX states_spent_by_end ON states_spent (until);

-- Until when states may have been lost, if another engine keeps them.
CREATE TABLE states_lost (
	one        bigint PRIMARY KEY CHECK (one = 1),
	not_before bigint NOT NULL              -- Unix seconds
);

-- swap_states replaces each value that is still the known one, all of them at once, and returns
-- what was present. It is a function so that its plan is made once for a connection. The rows are
-- locked in the order of their keys, so that no two batches wait for each other in a circle.
CREATE FUNCTION swap_states(keys bytea[], knowns bytea[], nexts bytea[], ends bigint[], digests bytea[], untils bigint[])
RETURNS TABLE (key bytea, swapped boolean, used boolean, present bytea) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
	RETURN QUERY
	WITH s AS MATERIALIZED (
		SELECT * FROM unnest(keys, knowns, nexts, ends, digests, untils) AS u(key, known, next, expires, digest, until)
	), old AS MATERIALIZED (
		SELECT t.key, t.value FROM states t WHERE t.key = ANY (keys) ORDER BY t.key FOR UPDATE
	), spent AS MATERIALIZED (
		SELECT s.key FROM s JOIN states_spent o ON o.key = s.key AND o.digest = s.digest
	), changed AS (
		UPDATE states t SET value = s.next, expires = s.expires
		FROM s JOIN old ON old.key = s.key AND old.value = s.known
		WHERE t.key = s.key AND t.value = s.known AND s.key NOT IN (SELECT spent.key FROM spent)
		RETURNING t.key
	), added AS (
		INSERT INTO states (key, value, expires)
		SELECT s.key, s.next, s.expires FROM s
		WHERE s.known IS NULL AND s.key NOT IN (SELECT old.key FROM old) AND s.key NOT IN (SELECT spent.key FROM spent)
		ORDER BY s.key
		ON CONFLICT DO NOTHING
		RETURNING states.key
	), done AS (
		SELECT changed.key FROM changed UNION ALL SELECT added.key FROM added
	), spending AS (
		INSERT INTO states_spent (key, digest, until)
		SELECT s.key, s.digest, s.until FROM s JOIN done ON done.key = s.key WHERE s.digest IS NOT NULL
		ON CONFLICT DO NOTHING
	)
	SELECT s.key, done.key IS NOT NULL, spent.key IS NOT NULL, old.value
	FROM s LEFT JOIN done ON done.key = s.key LEFT JOIN spent ON spent.key = s.key LEFT JOIN old ON old.key = s.key;
END $$;
