-- A file corpus-N.db: one generation of the corpus. An import makes it, and it never changes once
-- it is read from.

-- The number of an item is its owner's number << 40 | n. So an owner's items are a range of
-- numbers, in every table below. Owner 0 is the corpus that all tenants share.
CREATE TABLE items (
	item       INTEGER PRIMARY KEY,
	owner      INTEGER NOT NULL,     -- item >> 40
	published  INTEGER NOT NULL,     -- Unix microseconds; the smallest integer if it is not given
	id         TEXT NOT NULL UNIQUE,
	collection TEXT NOT NULL,
	collection_key TEXT,             -- compared instead (words.Name), if it differs; else NULL
	title      TEXT NOT NULL,
	title_key  TEXT NOT NULL,        -- folded; orders titles
	title_also TEXT,                 -- second spellings, acronyms, signs; NULL if none
	list       BLOB NOT NULL,        -- as the API encodes it in a list
	whole      BLOB NOT NULL         -- as the API encodes it alone
) STRICT;

CREATE INDEX items_by_date ON items (owner, published, item);
CREATE INDEX items_by_title ON items (owner, title_key, item);
CREATE INDEX items_by_collection ON items (owner, ifnull(collection_key, collection), published, item);

-- The full text. It contains only folded words and signs (package words), so the tokenizer only
-- splits them at spaces. Filters are the numbers of the item's values, as words that no text can
-- contain.
CREATE VIRTUAL TABLE search USING fts5 (
	title, tags, summary, body, filters, searchable,
	content = '', contentless_delete = 1, tokenize = 'ascii'
);

-- Every word of the full text, and how many of an owner's items contain it.
CREATE TABLE words (
	word  TEXT NOT NULL,
	owner INTEGER NOT NULL,
	items INTEGER NOT NULL,
	PRIMARY KEY (word, owner)
) STRICT, WITHOUT ROWID;

-- The words of titles, for suggestions, the best first. Prefixes of up to three characters have
-- rows of their own, with a * at their end: so many words have such a prefix that the best could
-- not be found among them in time.
CREATE TABLE starts (
	owner INTEGER NOT NULL,
	start TEXT NOT NULL,
	rank  INTEGER NOT NULL,          -- lower is better: first words first, then short titles
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
	text  TEXT NOT NULL,             -- as the first item with the value has it
	key   TEXT,                      -- by which it is compared (words.Name), if it differs; else NULL
	number REAL                      -- of a number or date, which can be filtered by range
) STRICT;
CREATE INDEX facet_values_by_number ON facet_values (facet, number) WHERE number IS NOT NULL;

CREATE UNIQUE INDEX facet_values_by_key ON facet_values (facet, ifnull(key, text));

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

-- What was chosen at import for an owner's items (package content/options). An owner without a row
-- has chosen nothing.
CREATE TABLE options (
	owner      INTEGER PRIMARY KEY,
	searchable TEXT NOT NULL,        -- names of attributes, a JSON list
	synonyms   TEXT NOT NULL,        -- CSV
	labels     TEXT NOT NULL,        -- JSON
	url        TEXT NOT NULL
) STRICT;
