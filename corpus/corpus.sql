-- A file corpus-N.db: one generation of the corpus. It is made aside by an
-- import and never changed once it is read from.

-- The number of an item is its owner's number << 40 | n, so that a range of
-- numbers is what an owner has, in every table below. Owner 0 is the corpus
-- that all tenants share.
CREATE TABLE items (
	item       INTEGER PRIMARY KEY,
	owner      INTEGER NOT NULL,     -- item >> 40
	published  INTEGER NOT NULL,     -- Unix microseconds; the least number where not given
	id         TEXT NOT NULL UNIQUE,
	collection TEXT NOT NULL,
	title      TEXT NOT NULL,
	title_key  TEXT NOT NULL,        -- folded; orders titles
	list       BLOB NOT NULL,        -- as the API answers it in a list
	whole      BLOB NOT NULL         -- as the API answers it alone
) STRICT;

CREATE INDEX items_by_date ON items (owner, published, item);
CREATE INDEX items_by_title ON items (owner, title_key, item);
CREATE INDEX items_by_collection ON items (owner, collection, published, item);

-- The full text. It holds folded words only (content_words.go), so the
-- tokenizer has nothing to do but split at blanks. Filters are the numbers of
-- the item's collection and tags, as words that no text can have.
CREATE VIRTUAL TABLE search USING fts5 (
	title, tags, summary, body, filters,
	content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- Every word of the full text, and how many of an owner's items have it.
CREATE TABLE words (
	word  TEXT NOT NULL,
	owner INTEGER NOT NULL,
	items INTEGER NOT NULL,
	PRIMARY KEY (word, owner)
) STRICT, WITHOUT ROWID;

-- The words of titles, for suggestions, best first. Beginnings of up to three
-- characters have rows of their own, with a * behind them: they begin so many
-- words that the best could not be found among these in time.
CREATE TABLE starts (
	owner INTEGER NOT NULL,
	start TEXT NOT NULL,
	rank  INTEGER NOT NULL,          -- first words before later ones, short titles before long ones
	item  INTEGER NOT NULL,
	PRIMARY KEY (owner, start, rank, item)
) STRICT, WITHOUT ROWID;

-- What can be counted: the collection, the tags and the scalar attributes.
CREATE TABLE facets (
	facet INTEGER PRIMARY KEY,
	name  TEXT NOT NULL UNIQUE
) STRICT;

-- The number of a value is its facet << 32 | n.
CREATE TABLE facet_values (
	value INTEGER PRIMARY KEY,
	facet INTEGER NOT NULL,
	text  TEXT NOT NULL,
	UNIQUE (facet, text)
) STRICT;

CREATE TABLE item_values (
	item  INTEGER NOT NULL,
	value INTEGER NOT NULL,
	PRIMARY KEY (item, value)
) STRICT, WITHOUT ROWID;

CREATE TABLE value_counts (
	value INTEGER NOT NULL,
	owner INTEGER NOT NULL,
	items INTEGER NOT NULL,
	PRIMARY KEY (value, owner)
) STRICT, WITHOUT ROWID;
