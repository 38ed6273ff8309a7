//go:build race

package upstream

// raced: the race detector drops pooled objects at random, to find their misuse.
const raced = true
