package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/dealgate/dealgate/bench/crowd"
)

// room is what `dealgate proxy` calls its room.
const room = "shop"

// Paths of a visitor.
const (
	ticketsPath = "/.dealgate/rooms/" + room + "/tickets"
	ticketPath  = "/.dealgate/rooms/" + room + "/ticket"
	dealPath    = "/deals/42"
	html        = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
	json        = "application/json"
)

// many is the number of visitors whose requests a comparison uses: more than
// any cache of the processor holds.
const many = 10_000

// gateOf starts an origin and a gate before it, and lets visitors come. The cookie lines of
// those are returned: of tickets if nearly nobody is let in, of passes if all are.
func (s *settings) gateOf(ctx context.Context, rate string, visitors int) (gate, shop *process, cookies []string, err error) {
	if shop, err = s.startPeer(ctx, "origin"); err != nil {
		return nil, nil, nil, err
	}
	if gate, err = s.startGate(ctx, shop.address, "--rate", rate); err != nil {
		shop.stop()
		return nil, nil, nil, err
	}
	cfg := crowd.Config{URL: "http://" + gate.address + dealPath, Room: room, Visitors: visitors, Conns: 32, Over: time.Second, JoinOnly: true}
	if visitors < many {
		// They look around before they are measured: the first pass is exchanged
		// for one of full life when it comes back.
		cfg.JoinOnly, cfg.Mode, cfg.Stay, cfg.Every = false, crowd.Plain, 2*time.Second, 500*time.Millisecond
	}
	report, err := crowd.Run(ctx, cfg)
	if err == nil && report.Counts.Errors > 0 {
		err = fmt.Errorf("visitors met errors:\n%s", report)
	}
	if err != nil {
		gate.stop()
		shop.stop()
		return nil, nil, nil, err
	}
	for i := range report.Visitors {
		cookies = append(cookies, report.Visitors[i].Cookies())
	}
	return gate, shop, cookies, nil
}

// benchPoll: a waiting visitor asks where it stands.
func benchPoll(ctx context.Context, s *settings, out io.Writer) error {
	return s.besideBare(ctx, out, "poll, while 10,000 wait", "GET", ticketPath, json, 200)
}

// benchPage: a waiting visitor loads the page.
func benchPage(ctx context.Context, s *settings, out io.Writer) error {
	return s.besideBare(ctx, out, "page, while 10,000 wait", "GET", dealPath, html, 503)
}

// benchJoin: newcomers take a ticket.
func benchJoin(ctx context.Context, s *settings, out io.Writer) error {
	return s.besideBare(ctx, out, "join, each a new visitor", "POST", ticketsPath, json, 201)
}

// besideBare compares a decision of the gate's with fasthttp returning the same bytes to the
// same requests.
func (s *settings) besideBare(ctx context.Context, out io.Writer, title, method, target, accept string, code int) error {
	gate, shop, cookies, err := s.gateOf(ctx, "1/h", many)
	if err != nil {
		return err
	}
	defer gate.stop()
	defer shop.stop()
	var requests [][]byte
	for _, cookie := range cookies[many/10:] { // the first are let in
		if method == "POST" {
			cookie = ""
		}
		requests = append(requests, requestOf(method, target, accept, cookie))
	}
	answer, err := once(gate.address, requests[len(requests)-1])
	if err != nil {
		return err
	}
	file, err := s.record(answer)
	if err != nil {
		return err
	}
	peer, err := s.startPeer(ctx, "bare", "-get", file, "-post", file)
	if err != nil {
		return err
	}
	defer peer.stop()
	if again, err := once(peer.address, requests[0]); err != nil || len(again.Header) != len(answer.Header) || len(again.Body) != len(answer.Body) {
		return fmt.Errorf("the bare handler's answer is another: %+v, not %+v, %w", again, answer, err)
	}
	return s.compare(ctx, out, fmt.Sprintf("%s, %d bytes back", title, len(answer.Header)+len(answer.Body)), []*side{
		{name: "bare fasthttp", process: peer, requests: requests, code: code},
		{name: "dealgate", process: gate, requests: requests, code: code},
	})
}

// benchForward: an admitted visitor's request goes to the origin.
func benchForward(ctx context.Context, s *settings, out io.Writer) error {
	gate, shop, cookies, err := s.gateOf(ctx, "100000/s", many/10)
	if err != nil {
		return err
	}
	defer gate.stop()
	defer shop.stop()
	proxy, err := s.startPeer(ctx, "bare-proxy", "-to", shop.address)
	if err != nil {
		return err
	}
	defer proxy.stop()
	std, err := s.startPeer(ctx, "go-proxy", "-to", shop.address)
	if err != nil {
		return err
	}
	defer std.stop()
	var requests [][]byte
	for _, cookie := range cookies {
		requests = append(requests, requestOf("GET", dealPath, html, cookie))
	}
	return s.compare(ctx, out, "forward of the admitted, 1 KiB back", []*side{
		{name: "bare fasthttp proxy", process: proxy, requests: requests, code: 200},
		{name: "dealgate", process: gate, requests: requests, code: 200},
		{name: "Go's ReverseProxy", process: std, requests: requests, code: 200},
	})
}
