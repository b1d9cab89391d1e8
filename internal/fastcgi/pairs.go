package fastcgi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Param is one name with its value, as an environment variable would be.
type Param struct {
	Name, Value string
}

// errShortPair is a name-value pair that reaches beyond the end of its stream.
var errShortPair = errors.New("the name-value pairs end in the middle of a pair")

// appendLength writes one byte below 128, else four with the top bit set
// (specification, section 3.4).
func appendLength(to []byte, length int) []byte {
	if length < 128 {
		return append(to, byte(length))
	}
	return binary.BigEndian.AppendUint32(to, uint32(length)|1<<31)
}

func appendParam(to []byte, p Param) []byte {
	to = appendLength(to, len(p.Name))
	to = appendLength(to, len(p.Value))
	to = append(to, p.Name...)
	return append(to, p.Value...)
}

func cutLength(b []byte) (length int, rest []byte, err error) {
	if len(b) == 0 {
		return 0, nil, errShortPair
	}
	if b[0] < 128 {
		return int(b[0]), b[1:], nil
	}
	if len(b) < 4 {
		return 0, nil, errShortPair
	}
	return int(binary.BigEndian.Uint32(b) &^ (1 << 31)), b[4:], nil
}

// decodeParams is the inverse of appendParam, for a whole stream. A length that
// the stream cannot hold is an error, whatever it claims; nothing is allocated for it.
func decodeParams(stream []byte) ([]Param, error) {
	var params []Param
	for len(stream) > 0 {
		name, rest, err := cutLength(stream)
		if err != nil {
			return params, err
		}
		value, rest, err := cutLength(rest)
		if err != nil {
			return params, err
		}
		// The subtraction cannot overflow where int has 32 bits; name+value can.
		if name > len(rest) || value > len(rest)-name {
			return params, errShortPair
		}
		params = append(params, Param{string(rest[:name]), string(rest[name : name+value])})
		stream = rest[name+value:]
	}
	return params, nil
}

// appendParamsStream writes the PARAMS records, the closing empty one included. No pair
// is cut in two if it fits a record: php-cgi reads each record by itself
// (main/fastcgi.c, fcgi_get_params) and refuses the request otherwise.
func appendParamsStream(to []byte, params []Param) ([]byte, error) {
	var content, pair []byte
	for _, p := range params {
		if len(p.Name) > math.MaxInt32 || len(p.Value) > math.MaxInt32 {
			return nil, fmt.Errorf("parameter %.40q is longer than FastCGI can say (2 GiB)", p.Name)
		}
		pair = appendParam(pair[:0], p)
		if len(content) > 0 && len(content)+len(pair) > maxContent {
			to = appendRecord(to, typeParams, content)
			content = content[:0]
		}
		content = append(content, pair...)
		for len(content) > maxContent {
			to = appendRecord(to, typeParams, content[:maxContent])
			content = append(content[:0], content[maxContent:]...)
		}
	}
	if len(content) > 0 {
		to = appendRecord(to, typeParams, content)
	}
	return appendRecord(to, typeParams, nil), nil
}
