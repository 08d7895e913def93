package webhooks

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Secret is a secret that signs. It is stored encrypted, because signing needs it in plain.
type Secret struct {
	Sealed []byte    `json:"sealed"`
	Until  time.Time `json:"until,omitzero"` // zero: without an end
}

const (
	secretPrefix = "whsec_"
	secretBytes  = 32 // Standard Webhooks: 24 to 64
	maxSecrets   = 2  // during a rotation
)

// sealer encrypts secrets by AES-256-GCM. The id of the webhook is authenticated, so a sealed
// secret can't be moved to another webhook.
type sealer struct{ aead cipher.AEAD }

// newSealer derives the key from the server's key.
func newSealer(serverKey []byte) (*sealer, error) {
	key, err := hkdf.Key(sha256.New, serverKey, nil, "stile: webhook secrets, 1", 32)
	if err != nil {
		return nil, fmt.Errorf("derive the key for secrets of webhooks: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &sealer{aead}, err
}

// newSecret returns a secret as its receiver gets it, and as it is stored.
func (s *sealer) newSecret(webhook string) (plain string, stored Secret) {
	key := make([]byte, secretBytes)
	rand.Read(key) // it never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(key), Secret{Sealed: s.aead.Seal(nil, nil, key, []byte(webhook))}
}

var errSealed = errors.New("its secret can't be decrypted, because keys.json is not the one that encrypted it; run `stile webhook rotate-secret`")

func (s *sealer) open(webhook string, stored Secret) ([]byte, error) {
	key, err := s.aead.Open(nil, nil, stored.Sealed, []byte(webhook))
	if err != nil {
		return nil, errSealed
	}
	return key, nil
}

// CheckSecrets returns an error if a secret of a webhook can't be decrypted. The secret key is the
// server's own.
func CheckSecrets(secretKey []byte, webhook string, list []Secret) error {
	s, err := newSealer(secretKey)
	for _, stored := range list {
		if err == nil {
			_, err = s.open(webhook, stored)
		}
	}
	return err
}

// sign returns the header webhook-signature: one signature for each secret that is valid.
func (s *sealer) sign(w *Webhook, id string, at time.Time, body []byte) (string, error) {
	var all []string
	for _, secret := range w.Secrets {
		if !secret.Until.IsZero() && !at.Before(secret.Until) {
			continue
		}
		key, err := s.open(w.ID, secret)
		if err != nil {
			return "", err
		}
		all = append(all, signature(key, id, at, body))
	}
	if len(all) == 0 {
		return "", errSealed
	}
	return strings.Join(all, " "), nil
}

// signature signs id, time and body, as Standard Webhooks says.
func signature(key []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
