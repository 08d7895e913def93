-- What decided a refusal, in words: what was wrong with the request, its token or its proof.
ALTER TABLE refusals ADD COLUMN detail TEXT NOT NULL DEFAULT '';
