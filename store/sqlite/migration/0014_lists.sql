-- Lists of refusals, the newest first, by each of their filters. Within a tenant, the refusals of
-- each code are in order, and so are those that are only observed. A list of several codes merges
-- them.
DROP INDEX refusals_by_time;
CREATE INDEX refusals_by_time ON refusals (at, ref);
CREATE INDEX refusals_by_tenant ON refusals (tenant, code, observed, at, ref);
CREATE INDEX refusals_by_code ON refusals (code, observed, at, ref);
CREATE INDEX refusals_by_address ON refusals (address, at, ref);
-- tokens.ID of the request's token; NULL: none, or a row of an older version.
ALTER TABLE refusals ADD COLUMN token BLOB;
CREATE INDEX refusals_by_token ON refusals (token, at, ref) WHERE token IS NOT NULL;
CREATE INDEX refusals_by_identity ON refusals (identity, at, ref);

-- Lists of tokens are selected and ordered by these columns. The state has all of that too. A row
-- with used NULL is from an older version, and is filled in when the file is opened. Each index has
-- all that decides whether a token is listed, so that others are skipped without reading their
-- rows. An index for each tenant would make a page of one with few tokens faster, and each first
-- call slower.
ALTER TABLE tokens ADD COLUMN used INTEGER;     -- last use, Unix seconds; lags by 5 minutes
ALTER TABLE tokens ADD COLUMN issued INTEGER NOT NULL DEFAULT 0;  -- Unix seconds
ALTER TABLE tokens ADD COLUMN dead INTEGER NOT NULL DEFAULT 0;    -- tokens.Reason
ALTER TABLE tokens ADD COLUMN address BLOB;     -- that it is bound to, 16 bytes; NULL: to none

CREATE INDEX tokens_unlisted ON tokens (id) WHERE used IS NULL;
CREATE INDEX tokens_by_use ON tokens (used, id, tenant, dead, expires);
CREATE INDEX tokens_by_issue ON tokens (issued, id, tenant, dead, expires);
DROP INDEX tokens_by_expiry;
CREATE INDEX tokens_by_expiry ON tokens (expires, id, tenant, dead);
CREATE INDEX tokens_by_address ON tokens (address, used, id) WHERE address IS NOT NULL;
