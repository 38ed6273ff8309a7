// Package token makes and checks the signed tokens that visitors carry.
//
// A visitor's state is in its token, not in a store: a [Ticket] says which
// place it waits at, a [Pass] that it is admitted. A [Keyring] signs them as
// JWTs and trusts nothing but its own keys: a token is good only in the one
// spelling in which a keyring of the same issuer wrote it. The package knows
// neither HTTP nor a store, and its clock is the caller's.
package token

import (
	"errors"
	"fmt"
	"time"
)

// Kind says what a token is for. It is signed twice, in the header's typ and
// the audience, so that no token passes for another kind.
type Kind uint8

// The kinds of tokens.
const (
	Ticket Kind = iota + 1 // a place in line
	Pass                   // a session
)

// String returns "ticket" or "pass".
func (k Kind) String() string {
	switch k {
	case Ticket:
		return "ticket"
	case Pass:
		return "pass"
	}
	return "unknown"
}

// Bounds of every token.
const (
	MaxSize       = 4096               // bytes; longer input is refused unread
	MaxTicketLife = 7 * 24 * time.Hour // longest from IssuedAt to Expires of a ticket
	MaxPassLife   = 24 * time.Hour     // and of a pass
	TicketLeeway  = 30 * time.Second   // by which the clock may be off for tickets; for passes none
)

// Failures of Parse and Append. The errors that wrap them say why in constant
// words, fit for a metric's label: never with a part of a token or a key.
var (
	ErrInvalid = errors.New("invalid token")
	ErrExpired = errors.New("expired token")
)

// The reasons of ErrInvalid, made once: refusing must cost an attacker's
// request less than the attacker.
var (
	errSize      = fmt.Errorf("%w: size", ErrInvalid)
	errShape     = fmt.Errorf("%w: not three parts of canonical base64url", ErrInvalid)
	errHeader    = fmt.Errorf("%w: unknown key, algorithm or type", ErrInvalid)
	errKind      = fmt.Errorf("%w: of another kind", ErrInvalid)
	errSignature = fmt.Errorf("%w: signature", ErrInvalid)
	errPayload   = fmt.Errorf("%w: claims", ErrInvalid)
	errRoom      = fmt.Errorf("%w: for another room", ErrInvalid)
	errEarly     = fmt.Errorf("%w: issued in the future", ErrInvalid)
)

// Claims are what a token says.
type Claims struct {
	Room string // 1 to 32 bytes of printable ASCII without quotes and backslashes
	Lane string // up to 64 bytes of the same
	// Epoch and Place name the place in the lane's line; Head is the lane's
	// head when the visitor joined, from which its progress is told.
	Epoch, Place, Head int64
	// IssuedAt and Expires are Unix seconds: by any good clock for tickets, by
	// the engine's for passes. A token is good while IssuedAt <= now < Expires.
	IssuedAt, Expires int64
	Kind              Kind
	Provisional       bool // the pass of a session whose visitor has not come back yet
}
