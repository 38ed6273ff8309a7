package queuetest

import "testing"

func testHistories(t *testing.T, open func(t *testing.T) Subject)   {}
func testPromises(t *testing.T, open func(t *testing.T) Subject)    {}
func testConcurrency(t *testing.T, open func(t *testing.T) Subject) {}
