-- One row represents all refusals of its address, tenant, code and minute.
ALTER TABLE refusals ADD COLUMN more INTEGER NOT NULL DEFAULT 0; -- how many in addition to the first
