package admin

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// problem is an error as RFC 9457 has it. Type and Status are stable.
type problem struct {
	Type   string  `json:"type"`
	Title  string  `json:"title"`
	Status int     `json:"status"`
	Detail string  `json:"detail,omitempty"`
	Errors []fault `json:"errors,omitempty"`
}

// fault is what is wrong with one field of a change.
type fault struct {
	Field  string `json:"field"`
	Detail string `json:"detail"`
}

func kind(name, title string, status int) problem {
	return problem{Type: "urn:dealgate:problem:" + name, Title: title, Status: status}
}

// The problems of the API.
var (
	unknownRoom   = kind("unknown-room", "There is no such room", http.StatusNotFound)
	notFound      = kind("not-found", "Not found", http.StatusNotFound)
	invalidChange = kind("invalid-change", "The change is not allowed", http.StatusBadRequest)
	tooLarge      = kind("too-large", "The body is too large", http.StatusRequestEntityTooLarge)
	wrongMedia    = kind("unsupported-media-type", "Want application/json", http.StatusUnsupportedMediaType)
	wrongMethod   = kind("method-not-allowed", "The method is not allowed", http.StatusMethodNotAllowed)
	unauthorized  = kind("unauthorized", "A token is required", http.StatusUnauthorized)
	tooMany       = kind("too-many-attempts", "Too many wrong tokens", http.StatusTooManyRequests)
	foreignHost   = kind("foreign-host", "The Host is not that of this listener", http.StatusForbidden)
	foreignOrigin = kind("foreign-origin", "The request comes from another site", http.StatusForbidden)
	storeAway     = kind("store-away", "The store is away", http.StatusServiceUnavailable)
)

func (p problem) with(format string, args ...any) problem {
	p.Detail = fmt.Sprintf(format, args...)
	return p
}

func (p problem) write(w http.ResponseWriter) {
	writeJSON(w, p.Status, "application/problem+json", p)
}

func writeJSON(w http.ResponseWriter, status int, media string, body any) {
	w.Header().Set("Content-Type", media)
	w.WriteHeader(status)
	// A client that went away is no fault of ours.
	_ = json.NewEncoder(w).Encode(body)
}
