-- The page that a refused request came from, if that decided: its origin, or what it sent instead.
ALTER TABLE refusals ADD COLUMN page TEXT NOT NULL DEFAULT '';
