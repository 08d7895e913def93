-- Which of the files corpus-N.db next to this one is the current corpus. An import makes a new
-- file, and then changes this number: that is its commit.
CREATE TABLE corpus (
	one        INTEGER PRIMARY KEY CHECK (one = 1),
	generation INTEGER NOT NULL
) STRICT;

INSERT INTO corpus (one, generation) VALUES (1, 0);
