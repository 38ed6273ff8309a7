// Package configs reads the configuration file of dealgate and refuses what it
// does not understand.
//
// default.yaml is the reference: every option, its default and what it means.
// The defaults are read from it, so it cannot be wrong about them. A file is
// taken whole or not at all, and all that is wrong with it is said at once,
// each fault with its line. What [Load] returns keeps every rule of the manual:
// names are unique, what is referred to exists, numbers are in range. The value
// of a secret, or of an environment variable, is in no fault.
package configs

import (
	"log/slog"
	"net/netip"
	"time"
)

// Config is a checked configuration. It is not to be changed.
//
// In the field tags, "example" marks a value that default.yaml gives to show
// what belongs there: it is no default, an absent key leaves the zero value.
type Config struct {
	Listen         string         `yaml:"listen"` // host:port; the host may be empty
	Admin          Admin          `yaml:"admin"`
	TrustedProxies []netip.Prefix `yaml:"trusted_proxies"`
	Store          Store          `yaml:"store"`
	Tokens         Tokens         `yaml:"tokens"`
	Upstreams      []Upstream     `yaml:"upstreams"`
	Rooms          []Room         `yaml:"rooms"`
	Routes         []Route        `yaml:"routes"`
	Backend        *Backend       `yaml:"backend"` // nil: the bundled shop does not run
}

// Admin is the operators' listener.
type Admin struct {
	Listen string `yaml:"listen"`
	Token  Secret `yaml:"token"` // "" only if Listen is on loopback
}

// Store says where what must survive is kept.
type Store struct {
	Engine string `yaml:"engine"` // embedded | redis
	Path   string `yaml:"path"`   // a folder
	Redis  Redis  `yaml:"redis"`  // used by the engine redis only
}

// Redis says where Redis is: one address is a single server, several are a
// Cluster, and with Master they are its Sentinels.
type Redis struct {
	Addrs           []string `yaml:"addrs"` // host:port
	Master          string   `yaml:"master"`
	Username        string   `yaml:"username"`
	Password        Secret   `yaml:"password"`
	TLS             bool     `yaml:"tls"`
	DB              int      `yaml:"db"`
	ConfirmReplicas int      `yaml:"confirm_replicas"` // replicas that must have a write before it counts
}

// Tokens says how tickets and passes are signed.
type Tokens struct {
	Issuer string `yaml:"issuer"`
	Keys   []Key  `yaml:"keys"` // the first signs, all verify; none: one is made and kept in Store.Path
}

// Key is a signing key: a Secret (HS256) or the path of a File (any Alg).
type Key struct {
	ID     string `yaml:"id,example"`
	Alg    string `yaml:"alg"` // HS256 | ES256 | EdDSA
	Secret Secret `yaml:"secret,example"`
	File   string `yaml:"file"`
}

// Upstream is an origin: its Targets, or the backend of this process.
type Upstream struct {
	Name    string   `yaml:"name,example"`
	Targets []string `yaml:"targets,example"` // http(s)://host:port, the port always given
	Bundled bool     `yaml:"bundled"`
}

// Room is a waiting room before an upstream.
type Room struct {
	Name           string   `yaml:"name,example"`
	Match          []Match  `yaml:"match"` // at least one
	Upstream       string   `yaml:"upstream,example"`
	Admit          Admit    `yaml:"admit"`
	Session        Session  `yaml:"session"`
	Ticket         Ticket   `yaml:"ticket"`
	WaitingStatus  int      `yaml:"waiting_status"`   // 200 | 202 | 429 | 503
	OnStoreFailure string   `yaml:"on_store_failure"` // hold | open | closed
	State          string   `yaml:"state"`            // auto | hold | open | closed
	Deals          []string `yaml:"deals,example"`    // ids of the backend's deals
}

// Match is a set of requests: all that is given must hold, "" and none mean any.
type Match struct {
	Host    string   `yaml:"host,example"`    // exact or *.a.example; lower case, no port
	Path    string   `yaml:"path,example"`    // exact or a prefix /x/*, which covers /x too
	Methods []string `yaml:"methods,example"` // upper case
}

// Admit is how fast a room admits and how many it holds inside. One of Rate
// and Capacity is given.
type Admit struct {
	Rate     Rate `yaml:"rate,example"`     // sessions that may begin, per second; 0: unlimited
	Burst    int  `yaml:"burst,example"`    // at least 1; one second of Rate, at least 4, if absent
	Capacity int  `yaml:"capacity,example"` // sessions at once; 0: unlimited
}

// Session is how long an admitted visitor stays; whole seconds.
type Session struct {
	TTL time.Duration `yaml:"ttl"` // a lease and each renewal of it
	Max time.Duration `yaml:"max"` // over all renewals; 0: unlimited
}

// Ticket is how long a place is good for.
type Ticket struct {
	ReturnWithin time.Duration `yaml:"return_within"` // after the head passed it
	TTL          time.Duration `yaml:"ttl"`           // since it was given; whole seconds, at least ReturnWithin
}

// Route forwards what no room protects.
type Route struct {
	Match    []Match `yaml:"match"` // at least one
	Upstream string  `yaml:"upstream,example"`
}

// Backend is the bundled shop.
type Backend struct {
	Database  string        `yaml:"database"` // sqlite
	PayWithin time.Duration `yaml:"pay_within"`
	SellerKey Secret        `yaml:"seller_key,example"` // "": no deals are created over the API
	Deals     []Deal        `yaml:"deals"`
}

// Deal is a time-limited sale of one SKU.
type Deal struct {
	ID        string    `yaml:"id,example"`
	Title     string    `yaml:"title,example"`
	SKU       string    `yaml:"sku,example"`
	Stock     int64     `yaml:"stock,example"`
	Price     int64     `yaml:"price,example"`      // in minor units of the currency: cents of EUR, whole KRW
	ListPrice int64     `yaml:"list_price,example"` // likewise; 0: none
	Currency  string    `yaml:"currency,example"`   // ISO 4217
	PerBuyer  int64     `yaml:"per_buyer,example"`  // units a buyer may have; 0: no limit
	OpensAt   time.Time `yaml:"opens_at"`           // zero: at once
	ClosesAt  time.Time `yaml:"closes_at"`          // zero: never
}

// Rate is a number of sessions per second; 0 means unlimited.
type Rate float64

// Secret is text that no log, error or dump shows. string(s) is the value.
type Secret string

// String hides the value; fmt calls it.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "(hidden)"
}

// GoString hides the value from %#v.
func (s Secret) GoString() string { return s.String() }

// LogValue hides the value from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText hides the value from encoders.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
