package move

import (
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
)

// digest identifies a set of rows, in any order: their number, and the sum of their hashes.
type digest struct {
	rows int64
	sum  [4]uint64
	buf  []byte
}

// add adds a row.
func (d *digest) add(row []any) {
	b := d.buf[:0]
	for _, v := range row {
		b = appendValue(b, v)
	}
	d.buf = b
	hash := sha256.Sum256(b)
	d.rows++
	for i := range d.sum {
		d.sum[i] += binary.BigEndian.Uint64(hash[8*i:])
	}
}

// equal reports whether two digests are of the same rows.
func (d *digest) equal(other *digest) bool { return d.rows == other.rows && d.sum == other.sum }

// appendValue appends a value that [cells] read, so that no two values, or lists of values, are
// written in the same way.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case *sql.NullInt64:
		if !v.Valid {
			return append(b, 0)
		}
		return binary.BigEndian.AppendUint64(append(b, byte(integer)), uint64(v.Int64))
	case *sql.NullString:
		if !v.Valid {
			return append(b, 0)
		}
		b = binary.BigEndian.AppendUint64(append(b, byte(text)), uint64(len(v.String)))
		return append(b, v.String...)
	case *[]byte:
		if *v == nil {
			return append(b, 0)
		}
		b = binary.BigEndian.AppendUint64(append(b, byte(bytes)), uint64(len(*v)))
		return append(b, *v...)
	}
	panic("a cell of another type")
}
