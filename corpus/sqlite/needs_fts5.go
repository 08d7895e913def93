//go:build !sqlite_fts5

package sqlite

// A build tag adds FTS5, SQLite's full-text search. Without it the program would start, and fail at
// its first search.
var _ = stile_searches_with_FTS5__build_it_with__make__or__go_build_tags_sqlite_fts5
