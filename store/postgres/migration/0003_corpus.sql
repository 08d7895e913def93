-- The generations of the corpus: see corpus/replica.

-- The present generation: one row.
CREATE TABLE corpus_present (
	one        bigint PRIMARY KEY CHECK (one = 1),
	generation bigint NOT NULL,
	id         text COLLATE "C" NOT NULL,  -- of its manifest
	undo       bigint NOT NULL             -- what an undo would publish again; -1: nothing
);
INSERT INTO corpus_present VALUES (1, 0, '', -1);

CREATE TABLE corpus_generations (
	generation bigint PRIMARY KEY,
	published  bigint NOT NULL,            -- Unix milliseconds
	manifest   bytea NOT NULL,             -- JSON
	patch      bytea                       -- packed pages that differ from the parent
);

-- Packed chunks, unless a setting names another store for them.
CREATE TABLE corpus_chunks (
	hash   bytea PRIMARY KEY,
	stored bigint NOT NULL,                -- Unix milliseconds
	packed bytea NOT NULL
);

-- They are compressed already.
ALTER TABLE corpus_generations ALTER COLUMN patch SET STORAGE EXTERNAL;
ALTER TABLE corpus_chunks ALTER COLUMN packed SET STORAGE EXTERNAL;
