package postgres

import "testing"

func TestTranslate(t *testing.T) {
	for query, want := range map[string]string{
		`SELECT 1`:                                `SELECT 1`,
		`SELECT ?, ? WHERE a = ?`:                 `SELECT $1, $2 WHERE a = $3`,
		`SELECT '?', "a?", ?`:                     `SELECT '?', "a?", $1`,
		`SELECT 'it''s ?', ?`:                     `SELECT 'it''s ?', $1`,
		"SELECT 1 -- why?\n, ?":                   "SELECT 1 \n, $1",
		"SELECT ? -- why?":                        "SELECT $1 ",
		`SELECT a FROM b INDEXED BY c WHERE a`:    `SELECT a FROM b WHERE a`,
		"SELECT a FROM b INDEXED BY c\n\tWHERE ?": "SELECT a FROM b \tWHERE $1",
		`SELECT a FROM b INDEXED BY c`:            `SELECT a FROM b `,
		`SELECT 'INDEXED BY c ?' FROM b`:          `SELECT 'INDEXED BY c ?' FROM b`,
		`SELECT unnest(?::bytea[]), '`:            `SELECT unnest($1::bytea[]), '`,
		`A ? B INDEXED BY x WHERE c = ? LIMIT ?`:  `A $1 B WHERE c = $2 LIMIT $3`,
	} {
		if got := translate(query); got != want {
			t.Errorf("%s:\ngot  %s\nwant %s", query, got, want)
		}
	}
}
