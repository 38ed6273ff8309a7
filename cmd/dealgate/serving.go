package main

import (
	"github.com/dealgate/dealgate/configs"
	"github.com/dealgate/dealgate/proxy"
	"github.com/dealgate/dealgate/proxy/upstream"
	"github.com/dealgate/dealgate/queue"
	"github.com/dealgate/dealgate/token"
)

// lane is the one lane of a room.
const lane = "public"

func policy(rc configs.Room) queue.Policy {
	return queue.Policy{
		Rate:         float64(rc.Admit.Rate),
		Burst:        rc.Admit.Burst,
		Capacity:     rc.Admit.Capacity,
		State:        queue.State(rc.State),
		SessionTTL:   rc.Session.TTL,
		SessionMax:   rc.Session.Max,
		ReturnWithin: rc.Ticket.ReturnWithin,
		Lanes:        []queue.Lane{{Name: lane, Weight: 1}},
	}
}

// serving is cfg as the proxy takes it.
func (g *gate) serving(cfg *configs.Config, keys *token.Keyring, upstreams map[string]*upstream.Upstream, rooms []*runningRoom) proxy.Config {
	served := proxy.Config{Keys: keys, TrustedProxies: cfg.TrustedProxies, Log: g.log, Observe: g.metrics}
	for i, rc := range cfg.Rooms {
		r := proxy.Room{
			Queue:          rooms[i].Room,
			Match:          matches(rc.Match),
			Upstream:       upstreams[rc.Upstream],
			WaitingStatus:  rc.WaitingStatus,
			OnStoreFailure: rc.OnStoreFailure,
			TicketTTL:      rc.Ticket.TTL,
			Lane:           lane,
		}
		if len(rc.Deals) > 0 && g.shop != nil {
			r.Stock = dealStock{g.shop.Shop, rc.Deals}
		}
		served.Rooms = append(served.Rooms, r)
	}
	for _, rc := range cfg.Routes {
		served.Routes = append(served.Routes, proxy.Route{Match: matches(rc.Match), Upstream: upstreams[rc.Upstream]})
	}
	return served
}

func matches(all []configs.Match) []proxy.Match {
	var ms []proxy.Match
	for _, m := range all {
		ms = append(ms, proxy.Match{Host: m.Host, Path: m.Path, Methods: m.Methods})
	}
	return ms
}
