package move

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"stile.example/stile/datadir"
)

// moveCertificates stores the account and the certificates of an ACME authority in the target,
// encrypted, where nodes look for them, and reads them back. Otherwise nodes would obtain all of
// them again, of which authorities allow a few in a week.
func (m *mover) moveCertificates(ctx context.Context, to *sql.Tx) error {
	files, err := datadir.BackupFiles(m.From)
	if err != nil {
		return fmt.Errorf("list the certificates: %w", err)
	}
	n, same := int64(0), int64(0)
	for _, name := range files {
		if !strings.HasPrefix(name, datadir.CertificatePrefix) {
			continue
		}
		isSame, err := m.moveCertificate(ctx, to, name)
		if err != nil {
			return fmt.Errorf("move %s: %w", name, err)
		}
		if n++; isSame {
			same++
		}
	}
	if n > 0 {
		m.part(certsPart, n, same, n == same)
	}
	return nil
}

// moveCertificate stores one file, and reports whether it can be read back.
func (m *mover) moveCertificate(ctx context.Context, to *sql.Tx, name string) (same bool, err error) {
	data, err := os.ReadFile(filepath.Join(m.From, filepath.FromSlash(name)))
	if err != nil {
		return false, err
	}
	if len(data) > datadir.MaxSealed {
		return false, fmt.Errorf("the file has %d bytes, more than %d: move it away if it is not of ACME", len(data), datadir.MaxSealed)
	}
	_, err = to.ExecContext(ctx, `INSERT INTO sealed (name, value, key, changed) VALUES (?, ?, ?, ?)`,
		name, m.Target.Box.Seal(name, data), m.Target.Box.Fingerprint(), m.Now().UnixMilli())
	if err != nil {
		return false, err
	}
	var stored []byte
	if err := to.QueryRowContext(ctx, `SELECT value FROM sealed WHERE name = ?`, name).Scan(&stored); err != nil {
		return false, err
	}
	got, err := m.Target.Box.Open(name, stored)
	return string(got) == string(data), err
}
