// Package queuetest is the conformance suite of engines: the laws of
// [queue.Engine] one by one, and simulations of whole rooms under real
// [queue.Room] nodes. It runs on the fake clock of testing/synctest.
package queuetest
