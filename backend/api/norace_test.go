//go:build !race

package api_test

const crowd, stock = 2000, 500
