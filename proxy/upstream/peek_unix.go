//go:build unix

package upstream

import "syscall"

// peek looks at the socket fd.
func peek(fd uintptr) state {
	var b [1]byte
	for {
		n, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		switch {
		case err == syscall.EINTR:
			continue
		case err == syscall.EAGAIN || err == syscall.EWOULDBLOCK:
			return silent
		case err != nil || n == 0:
			return shut
		}
		return talking
	}
}
