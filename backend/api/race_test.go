//go:build race

package api_test

// A fifth of the crowd: the race detector makes SQLite in Go so slow that
// holds would lapse before they are paid.
const crowd, stock = 400, 100
