-- One row represents all refusals of its address, tenant, code and minute.
-- The column more is how many there were in addition to the first.
ALTER TABLE refusals ADD COLUMN more INTEGER NOT NULL DEFAULT 0;
