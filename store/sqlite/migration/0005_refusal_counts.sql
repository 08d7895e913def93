-- One row stands for all refusals of its address, tenant, code and minute.
ALTER TABLE refusals ADD COLUMN more INTEGER NOT NULL DEFAULT 0; -- how many beside the first
