package content

import (
	"encoding/json"
	"time"
)

// The members of an encoded item, in the order of the contract.
type (
	head struct {
		ID         string `json:"id"`
		Collection string `json:"collection"`
		Title      string `json:"title"`
		Summary    string `json:"summary"`
	}
	tail struct {
		Image       *string        `json:"image"`
		URL         *string        `json:"url"`
		Tags        []string       `json:"tags"`
		Attributes  map[string]any `json:"attributes"`
		PublishedAt *string        `json:"published_at"`
		UpdatedAt   *string        `json:"updated_at"`
	}
	listed struct {
		head
		tail
	}
	whole struct {
		head
		Body string `json:"body"`
		tail
	}
)

// EncodeItem returns an item as it is in responses, in a list and alone. A list omits the body. A
// missing URL or date is null; tags and attributes are never null.
//
// The bytes are safe inside a script: `<`, `>`, `&`, U+2028 and U+2029 are escaped. Equal items
// have equal bytes, so an import can detect changes by comparing them. The item must have passed
// [Check].
func EncodeItem(it Item) (list, alone []byte) {
	h, t := split(it)
	return encode(listed{h, t}), encode(whole{h, it.Body, t})
}

func split(it Item) (head, tail) {
	t := tail{
		Image: orNull(it.Image), URL: orNull(it.URL),
		Tags: it.Tags, Attributes: it.Attributes,
		PublishedAt: orNull(date(it.PublishedAt)), UpdatedAt: orNull(date(it.UpdatedAt)),
	}
	if t.Tags == nil {
		t.Tags = []string{}
	}
	if t.Attributes == nil {
		t.Attributes = map[string]any{}
	}
	return head{it.ID, it.Collection, it.Title, it.Summary}, t
}

func encode(v any) []byte {
	b, err := json.Marshal(v) // it escapes for scripts, and sorts the names of a map
	if err != nil {
		panic("content: encode an item that has not passed Check: " + err.Error())
	}
	return b
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// date returns t as RFC 3339 in UTC, or "" for the zero time.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
