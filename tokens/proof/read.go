package proof

import "stile.example/stile/tokens/jws"

// cut splits a proof.
func cut(text string) (jws.Parts, error) {
	if len(text) > maxLength {
		return jws.Parts{}, invalid("it is longer than 2 KiB")
	}
	t, err := jws.Cut(text)
	switch err {
	case nil:
		return t, nil
	case jws.ErrParts:
		return t, invalid("it is not a JWT of three parts")
	}
	return t, invalid("it has a character that is not allowed in a JWT")
}

func readPart(part string) (members, error) {
	data, err := jws.Decode(part)
	if err != nil {
		return nil, err
	}
	return object(data)
}
