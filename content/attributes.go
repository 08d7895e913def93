package content

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"stile.example/stile/corpus/words"
)

func checkAttributes(a map[string]any) error {
	if len(a) > maxAttributes {
		return fmt.Errorf("attributes: must be at most %d, not %d", maxAttributes, len(a))
	}
	for name, v := range a {
		if err := checkName(name); err != nil {
			return err
		}
		if clean := words.Name(name); clean != name && utf8.ValidString(name) {
			return fmt.Errorf("attribute %s: is repeated in another Unicode spelling; keep one of them", quote(clean))
		}
		if err := checkValue("attribute "+name, v, maxDepth); err != nil {
			return err
		}
	}
	if len(a) == 0 {
		return nil
	}
	if b, err := json.Marshal(a); err != nil || len(b) > maxValues {
		return fmt.Errorf("attributes: must be at most %d bytes as JSON, not %d", maxValues, len(b))
	}
	return nil
}

func checkName(name string) error {
	if name == "" {
		return errors.New("an attribute has no name")
	}
	return checkText(fmt.Sprintf("the name of attribute %s", quote(name)), name, maxName)
}

// checkValue accepts what encoding/json decodes from any JSON value.
func checkValue(field string, v any, depth int) error {
	if depth < 0 {
		return fmt.Errorf("%s: must not have lists or objects more than %d deep", field, maxDepth)
	}
	switch v := v.(type) {
	case nil, bool:
		return nil
	case string:
		return checkUTF8(field, v)
	case float64:
		return checkNumber(field, v)
	case []any:
		for _, e := range v {
			if err := checkValue(field, e, depth-1); err != nil {
				return err
			}
		}
		return nil
	case map[string]any:
		for name, e := range v {
			if err := cmp.Or(checkName(name), checkValue(field, e, depth-1)); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s: must be a JSON value, not a %T", field, v)
}

// checkNumber refuses numbers that a browser shows differently from how they were written: it keeps
// only the first 16 digits of a whole number.
func checkNumber(field string, f float64) error {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("%s: must be a finite number", field)
	}
	if a := math.Abs(f); a >= 1<<53 && a < 1e21 { // 2^53 may have been written as 2^53+1
		return fmt.Errorf("%s: browsers round this number; write it as text", field)
	}
	return nil
}
