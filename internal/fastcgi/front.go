package fastcgi

import (
	"errors"
	"fmt"
	"net"
	"strconv"
)

// firstPort and the hundred after it are tried when none is asked for.
const firstPort = 8000

// ListenHTTP opens the port of a front for people: the address given, or the
// first free one from 127.0.0.1:8000.
func ListenHTTP(address string) (net.Listener, error) {
	if address != "" {
		listener, err := net.Listen("tcp", address)
		if err != nil {
			return nil, fmt.Errorf("open the HTTP port: %w; try: another --http, or none", err)
		}
		return listener, nil
	}
	for port := firstPort; port < firstPort+100; port++ {
		if listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return listener, nil
		}
	}
	return nil, errors.New("open the HTTP port: 127.0.0.1:8000 to 8099 are all taken; try: --http 127.0.0.1:PORT")
}
