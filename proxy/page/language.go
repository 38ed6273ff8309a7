package page

import (
	"bytes"
	"strconv"
)

// Language answers the language to serve, "en" or "ko", for the value of an
// Accept-Language header: the one wanted most, by q-values (RFC 9110, 12.5.4),
// the first named among equals. It is "en" where the header asks for neither.
func Language(accept []byte) string {
	const unnamed = -1
	en, ko, any := float64(unnamed), float64(unnamed), float64(unnamed)
	koFirst := false
	for len(accept) > 0 {
		var item []byte
		item, accept, _ = bytes.Cut(accept, []byte(","))
		tag, q := weighted(item)
		switch primary, _, _ := bytes.Cut(tag, []byte("-")); {
		case bytes.EqualFold(primary, []byte("en")):
			en = max(en, q)
		case bytes.EqualFold(primary, []byte("ko")):
			koFirst = koFirst || ko == unnamed && en == unnamed
			ko = max(ko, q)
		case string(tag) == "*":
			any = max(any, q)
		}
	}
	if en == unnamed {
		en = any
	}
	if ko == unnamed {
		ko = any
	}
	if ko > 0 && (ko > en || ko == en && koFirst) {
		return "ko"
	}
	return "en"
}

// weighted splits "ko-KR;q=0.8". What is no weight between 0 and 1 counts as 0.
func weighted(item []byte) (tag []byte, q float64) {
	tag, param, found := bytes.Cut(item, []byte(";"))
	tag = bytes.TrimSpace(tag)
	if !found {
		return tag, 1
	}
	name, value, _ := bytes.Cut(param, []byte("="))
	value = bytes.TrimSpace(value)
	if !bytes.EqualFold(bytes.TrimSpace(name), []byte("q")) || len(value) == 0 || len(value) > 5 {
		return tag, 0
	}
	for _, c := range value {
		if (c < '0' || c > '9') && c != '.' {
			return tag, 0
		}
	}
	q, err := strconv.ParseFloat(string(value), 64)
	if err != nil || q > 1 {
		return tag, 0
	}
	return tag, q
}
