// Package authority reads the certificates of a private certificate authority, which an operator
// names for one server that stile connects to.
package authority

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// Config returns a configuration of TLS that trusts the authorities in a file of PEM certificates,
// and no others. If file is "", it trusts those that the machine trusts.
func Config(file string) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return config, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("%w: it must have the certificate of the authority, and the user that runs stile must be able to read it", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: must have the certificate of the authority in PEM form, which begins with -----BEGIN CERTIFICATE-----", file)
	}
	return config, nil
}
