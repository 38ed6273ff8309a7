package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"
)

// read reads a JSON object into v, strictly: every field known and of its
// type, nothing after it. It reports whether it could; if not, it has answered.
func read(w http.ResponseWriter, r *http.Request, v any) bool {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		write(w, problem{Type: "not-json", Title: "Want Content-Type: application/json", Status: http.StatusUnsupportedMediaType})
		return false
	}
	b, ok := body(w, r)
	if !ok {
		return false
	}
	if err := decode(b, v); err != nil {
		write(w, problem{Type: "bad-json", Title: "The body is not as it should be", Status: http.StatusBadRequest, Detail: err.Error()})
		return false
	}
	return true
}

// body reads what the request carries; if it is too much, it has answered.
func body(w http.ResponseWriter, r *http.Request) (b []byte, ok bool) {
	b, err := io.ReadAll(r.Body)
	if tooBig := new(http.MaxBytesError); errors.As(err, &tooBig) {
		write(w, problem{
			Type: "too-large", Title: "The body is too large", Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("At most %d bytes.", bodyMax),
		})
		return nil, false
	}
	if err != nil {
		write(w, problem{Type: "bad-body", Title: "The body could not be read", Status: http.StatusBadRequest})
		return nil, false
	}
	return b, true
}

// decode is json.Unmarshal, but for an object only, and for what it lets pass:
// unknown fields, fields in another case or given twice, and bytes that are
// not UTF-8.
func decode(b []byte, v any) error {
	if !utf8.Valid(b) {
		return errors.New("not UTF-8")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(b, &fields); err != nil {
		return plainly(err)
	}
	if fields == nil {
		return errors.New("want an object")
	}
	if err := once(b); err != nil {
		return err
	}
	for name, value := range fields {
		if name != strings.ToLower(name) {
			return fmt.Errorf("unknown field %q", name)
		}
		if string(value) == "null" {
			return fmt.Errorf("%s: null is no value", name)
		}
	}
	d := json.NewDecoder(strings.NewReader(string(b)))
	d.DisallowUnknownFields()
	return plainly(d.Decode(v))
}

// once returns an error if the object names a field twice.
func once(b []byte) error {
	d := json.NewDecoder(strings.NewReader(string(b)))
	seen := map[string]bool{}
	d.Token() //nolint:errcheck // it is valid JSON
	for d.More() {
		name, _ := d.Token()
		if s, ok := name.(string); ok {
			if seen[s] {
				return fmt.Errorf("%s: given twice", s)
			}
			seen[s] = true
		}
		var skip json.RawMessage
		d.Decode(&skip) //nolint:errcheck // it is valid JSON
	}
	return nil
}

// plainly says what is wrong with JSON without Go's words for it.
func plainly(err error) error {
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) && wrong.Field != "" {
		return fmt.Errorf("%s: this %s does not fit", wrong.Field, wrong.Value)
	}
	if err != nil {
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	return nil
}

// key returns the request's idempotency key; if there is none that can be
// used, it has answered.
func key(w http.ResponseWriter, r *http.Request) (k string, ok bool) {
	keys := r.Header.Values("Idempotency-Key")
	detail := ""
	switch {
	case len(keys) == 0:
		detail = "Want the header Idempotency-Key: a value of your own, new for each order, the same when you repeat one."
	case len(keys) > 1:
		detail = "Want one Idempotency-Key."
	case !usable(keys[0]):
		detail = "Want an Idempotency-Key of 1 to 255 printable ASCII characters."
	default:
		return keys[0], true
	}
	write(w, problem{Type: "idempotency-key", Title: "The idempotency key is missing or of no use", Status: http.StatusBadRequest, Detail: detail})
	return "", false
}

// usable reports whether s can be an idempotency key.
func usable(s string) bool {
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return s != "" && len(s) <= 255
}
