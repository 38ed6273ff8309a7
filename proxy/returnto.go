package proxy

import (
	"bytes"
	"net/url"
)

// maxReturn is the longest way back that is kept, in bytes.
const maxReturn = 2 << 10

// returnTo returns p if it is a path of this host and nothing else, however a
// browser reads it, and "/" otherwise.
func returnTo(p []byte) string {
	if len(p) == 0 || len(p) > maxReturn || p[0] != '/' {
		return "/"
	}
	path, query, _ := bytes.Cut(p, []byte{'?'})
	for _, c := range p {
		if c <= ' ' || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>' {
			return "/"
		}
	}
	whole := decode(nil, path)
	if len(whole) > 1 && slash(whole[1]) || bytes.HasPrefix(whole, []byte("/.dealgate/")) || bytes.IndexByte(query, '#') >= 0 {
		return "/"
	}
	for _, c := range whole {
		if c < ' ' || c == 0x7f || c == '\\' || c == '#' {
			return "/"
		}
	}
	for segment := range bytes.SplitSeq(whole, []byte{'/'}) {
		if string(segment) == "." || string(segment) == ".." {
			return "/"
		}
	}
	return string(p)
}

// wayBack is where the waiting page leads when its visitor is called: to what
// was asked for, or if that cannot be asked for again, to where the visitor was.
func (r *request) wayBack() string {
	if string(r.method) == "GET" {
		return returnTo(r.target)
	}
	u, err := url.Parse(string(r.heads.referer))
	if err != nil || u.User != nil || u.Scheme != "http" && u.Scheme != "https" || !bytes.EqualFold([]byte(u.Host), r.host) {
		return "/"
	}
	return returnTo([]byte(u.RequestURI()))
}

// foreign reports whether a request that changes something was made by a page
// of another origin. Programs send neither header.
func (r *request) foreign() bool {
	if s := r.heads.site; s != nil && string(s) != "same-origin" && string(s) != "none" {
		return true
	}
	if r.heads.origin == nil {
		return false
	}
	_, host, ok := bytes.Cut(r.heads.origin, []byte("://"))
	return !ok || !bytes.EqualFold(host, r.host)
}
