package proxy

import (
	"bytes"
	"net"
	"net/netip"
)

// maxHops is how many entries of X-Forwarded-For are looked at, from the right.
const maxHops = 32

// peerAddr is the address of the connection's other end.
func (r *request) peerAddr() netip.Addr {
	if r.peer.IsValid() {
		return r.peer
	}
	if tcp, ok := r.ctx.RemoteAddr().(*net.TCPAddr); ok {
		r.peer = tcp.AddrPort().Addr().Unmap().WithZone("")
	} else if ap, err := netip.ParseAddrPort(r.ctx.RemoteAddr().String()); err == nil {
		r.peer = ap.Addr().Unmap()
	} else {
		r.peer = netip.IPv4Unspecified() // an in-memory connection
	}
	return r.peer
}

func (r *request) fromTrusted() bool { return r.table.trusts(r.peerAddr()) }

func (t *table) trusts(a netip.Addr) bool {
	for _, p := range t.trusted {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwardedFor returns the X-Forwarded-For to send: from the visitor to the
// peer. The visitor is the right-most address that is not a trusted proxy's;
// what stands left of it anybody may have written. trusted is whether the peer is a proxy of ours.
func (r *request) forwardedFor() (chain []byte, trusted bool) {
	peer := r.peerAddr()
	b := r.hopsLine[:0]
	if trusted = r.table.trusts(peer); trusted {
		for _, a := range r.believed() {
			b = append(a.AppendTo(b), ", "...)
		}
	}
	r.hopsLine = peer.AppendTo(b)
	return r.hopsLine, trusted
}

// believed are the addresses of X-Forwarded-For from the visitor on.
func (r *request) believed() []netip.Addr {
	hops := r.hops()
	first := len(hops)
	for first > 0 && hops[first-1].IsValid() {
		first--
		if !r.table.trusts(hops[first]) {
			break
		}
	}
	return hops[first:]
}

// hops are the last entries of X-Forwarded-For, over all its lines; the zero
// address for what is none.
func (r *request) hops() []netip.Addr {
	var hops []netip.Addr
	for raw := r.ctx.Request.Header.RawHeaders(); len(raw) > 0; {
		line, rest, _ := bytes.Cut(raw, []byte("\r\n"))
		raw = rest
		name, value, _ := bytes.Cut(line, []byte{':'})
		if len(name) != 15 || !is(name, "x-forwarded-for") {
			continue
		}
		for e := range bytes.SplitSeq(value, []byte{','}) {
			hops = append(hops, hop(trim(e)))
		}
		hops = hops[max(len(hops)-maxHops, 0):]
	}
	return hops
}

// hop reads an entry, which may carry a port as some proxies write it.
func hop(e []byte) netip.Addr {
	if len(e) > 64 {
		return netip.Addr{}
	}
	if ap, err := netip.ParseAddrPort(string(e)); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	a, _ := netip.ParseAddr(string(e))
	return a.Unmap().WithZone("")
}
