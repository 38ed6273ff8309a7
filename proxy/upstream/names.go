package upstream

// A verdict says what becomes of a header of the client's.
type verdict uint8

const (
	pass          verdict = iota // goes on as it is
	drop                         // never goes on
	dropUnless                   // goes on from a trusted peer only
	authorization                // goes on unless it was for us
	connection                   // names what is meant for one hop only
	upgrade                      // asks for another protocol
	cookie                       // goes on without our own cookies
	requestID                    // goes on if it is sane
	length                       // framing, written by us
)

// judge says what becomes of a request header by its name. A name with "_"
// counts as the one with "-" it may be taken for behind the origin's server.
func judge(name []byte) verdict {
	switch name[0] | 0x20 {
	case 'a':
		if same(name, "authorization") {
			return authorization
		}
	case 'c':
		switch {
		case same(name, "cookie"):
			return cookie
		case same(name, "connection"):
			return connection
		case same(name, "content-length"):
			if name[len("content")] == '_' {
				return drop
			}
			return length
		case same(name, "cf-connecting-ip"):
			return trustedOnly(name)
		}
	case 'e':
		if same(name, "expect") {
			return drop // the proxy has answered it
		}
	case 'f':
		if same(name, "forwarded") {
			return dropUnless
		}
	case 'h':
		if same(name, "host") || same(name, "http2-settings") {
			return drop
		}
	case 'k':
		if same(name, "keep-alive") {
			return drop
		}
	case 'p':
		if same(name, "proxy-connection") || same(name, "proxy-authorization") || same(name, "proxy-authenticate") ||
			same(name, "proxy") { // the HTTP_PROXY of what runs as CGI
			return drop
		}
	case 't':
		switch {
		case same(name, "te") || same(name, "trailer") || same(name, "transfer-encoding"):
			return drop
		case same(name, "true-client-ip"):
			return trustedOnly(name)
		}
	case 'u':
		if same(name, "upgrade") {
			return upgrade
		}
	case 'x':
		return judgeX(name)
	}
	return pass
}

// judgeX judges the names that begin with an x.
func judgeX(name []byte) verdict {
	if len(name) < 2 || name[1] != '-' && name[1] != '_' {
		return pass
	}
	for _, c := range name {
		if c == '_' {
			return drop
		}
	}
	switch {
	case begins(name, "x-dealgate-"):
		return drop
	case begins(name, "x-forwarded-"):
		if same(name, "x-forwarded-for") || same(name, "x-forwarded-proto") || same(name, "x-forwarded-host") {
			return drop // a trusted peer's is in what the proxy made of it
		}
		return dropUnless
	case same(name, "x-real-ip"):
		return dropUnless
	case same(name, "x-original-url"), same(name, "x-rewrite-url"), same(name, "x-original-uri"),
		same(name, "x-override-url"), same(name, "x-http-destinationurl"):
		// Proxies we trust pass these on unread, and an origin that obeys them
		// serves another path than the one that was decided on.
		return drop
	case same(name, "x-request-id"):
		return requestID
	}
	return pass
}

func trustedOnly(name []byte) verdict {
	for _, c := range name {
		if c == '_' {
			return drop
		}
	}
	return dropUnless
}

// hop reports whether a response header is meant for one hop only, by its name.
func hop(name []byte) bool {
	switch name[0] | 0x20 {
	case 'c':
		return same(name, "connection")
	case 'k':
		return same(name, "keep-alive")
	case 'p':
		return same(name, "proxy-authenticate") || same(name, "proxy-connection")
	case 't':
		return same(name, "te") || same(name, "trailer") || same(name, "transfer-encoding")
	case 'u':
		return same(name, "upgrade")
	}
	return false
}

// kept reports whether a header may not be removed by naming it in Connection:
// the other side would be told something else than what was decided on.
func kept(name []byte) bool {
	for _, k := range [...]string{
		"host", "cookie", "set-cookie", "authorization", "cache-control", "x-request-id", "date", "vary",
	} {
		if same(name, k) {
			return true
		}
	}
	return begins(name, "content-") || begins(name, "x-forwarded-") || begins(name, "x-dealgate-")
}

// same reports whether name is the lower-case want, whatever its case and
// with "_" taken for "-".
func same(name []byte, want string) bool {
	return len(name) == len(want) && begins(name, want)
}

// begins reports whether name begins with the lower-case want, as same compares.
func begins(name []byte, want string) bool {
	if len(name) < len(want) {
		return false
	}
	for i := range len(want) {
		c := name[i]
		switch {
		case 'A' <= c && c <= 'Z':
			c |= 0x20
		case c == '_':
			c = '-'
		}
		if c != want[i] {
			return false
		}
	}
	return true
}

// token cuts the first element off a comma-separated list.
func token(list []byte) (first, rest []byte) {
	i := 0
	for i < len(list) && list[i] != ',' {
		i++
	}
	first, rest = list[:i], list[min(i+1, len(list)):]
	return trim(first), rest
}

// trim cuts blanks off both ends.
func trim(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}
