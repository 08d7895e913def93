package session

import (
	"encoding/binary"
	"math"
	"time"
)

// seal returns the text of a ticket. Its times are whole seconds, until 2106.
func (s *Sealer) seal(t Ticket, macKey [macKeySize]byte, nonce [nonceSize]byte) string {
	plain := make([]byte, 0, plainSize)
	plain = append(plain, t.Token[:]...)
	plain = append(plain, t.Key[:]...)
	plain = append(plain, macKey[:]...)
	plain = binary.BigEndian.AppendUint32(plain, uint32(min(max(t.Expires.Unix(), 0), math.MaxUint32)))
	box := append(make([]byte, 0, boxSize), nonce[:]...)
	return encoding.EncodeToString(s.aead.Seal(box, nonce[:], plain, []byte(ticketLabel)))
}

// open returns what a ticket contains, and reports whether a server with this key has sealed it.
// The text must have ticketSize characters.
func (s *Sealer) open(text string) (t Ticket, macKey [macKeySize]byte, ok bool) {
	var box [boxSize]byte
	// The decoder skips line breaks, so a text with a line break is too short.
	if n, err := encoding.Decode(box[:], []byte(text)); err != nil || n != boxSize {
		return t, macKey, false
	}
	plain, err := s.aead.Open(box[nonceSize:nonceSize], box[:nonceSize], box[nonceSize:], []byte(ticketLabel))
	if err != nil {
		return t, macKey, false
	}
	copy(t.Token[:], plain)
	copy(t.Key[:], plain[16:])
	copy(macKey[:], plain[32:])
	t.Expires = time.Unix(int64(binary.BigEndian.Uint32(plain[64:])), 0)
	return t, macKey, true
}
