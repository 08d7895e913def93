package items

import (
	"context"

	"stile.example/stile/content/labels"
	"stile.example/stile/handlers/codes"
	"stile.example/stile/handlers/transport"
)

// labels returns the labels in the language that a request names, encoded, or nil.
func (x *Reader) labels(ctx context.Context, r *transport.Request) ([]byte, error) {
	language, err := r.Single("labels")
	if err != nil || language == "" {
		return nil, err
	}
	if !labels.IsLanguage(language) {
		return nil, codes.Malformed("labels must be a language, such as en or pt-BR")
	}
	return x.Content.Labels(ctx, r.Tenant.Number, language)
}

// appendLabels writes the labels as a member of meta, with a comma after it.
func appendLabels(r *transport.Request, labels []byte) {
	if labels == nil {
		return
	}
	r.AppendString(`"labels":`)
	r.AppendBytes(labels)
	r.AppendString(",")
}
