package fastcgi

import (
	"encoding/binary"
	"fmt"
)

// recordType says what a record carries (specification, section 8).
type recordType uint8

const (
	typeBeginRequest    recordType = 1
	typeAbortRequest    recordType = 2
	typeEndRequest      recordType = 3
	typeParams          recordType = 4
	typeStdin           recordType = 5
	typeStdout          recordType = 6
	typeStderr          recordType = 7
	typeData            recordType = 8
	typeGetValues       recordType = 9
	typeGetValuesResult recordType = 10
	typeUnknownType     recordType = 11
)

func (t recordType) String() string {
	switch t {
	case typeBeginRequest:
		return "BEGIN_REQUEST"
	case typeAbortRequest:
		return "ABORT_REQUEST"
	case typeEndRequest:
		return "END_REQUEST"
	case typeParams:
		return "PARAMS"
	case typeStdin:
		return "STDIN"
	case typeStdout:
		return "STDOUT"
	case typeStderr:
		return "STDERR"
	case typeData:
		return "DATA"
	case typeGetValues:
		return "GET_VALUES"
	case typeGetValuesResult:
		return "GET_VALUES_RESULT"
	case typeUnknownType:
		return "UNKNOWN_TYPE"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

const (
	version1 = 1 // specification, section 3.3

	roleResponder = 1 // specification, section 5.1
	flagKeepConn  = 1

	// requestID is the id of every request: there is never a second one on a connection.
	requestID = 1

	headerLength     = 8
	endRequestLength = 8
	maxContent       = 65535
)

// header precedes every record (specification, section 3.3).
type header struct {
	version   uint8
	kind      recordType
	requestID uint16
	content   int // bytes, 0..maxContent
	padding   int // bytes after the content, 0..255, meaningless
}

func parseHeader(b [headerLength]byte) header {
	return header{
		version:   b[0],
		kind:      recordType(b[1]),
		requestID: binary.BigEndian.Uint16(b[2:]),
		content:   int(binary.BigEndian.Uint16(b[4:])),
		padding:   int(b[6]),
	}
}

func (h header) append(to []byte) []byte {
	to = append(to, h.version, byte(h.kind))
	to = binary.BigEndian.AppendUint16(to, h.requestID)
	to = binary.BigEndian.AppendUint16(to, uint16(h.content))
	return append(to, byte(h.padding), 0)
}

// paddingOf is what brings a record to a multiple of eight bytes, as section 3.3
// recommends.
func paddingOf(content int) int { return -content & 7 }

// appendRecord adds a whole record of our request; content is at most maxContent bytes.
func appendRecord(to []byte, kind recordType, content []byte) []byte {
	h := header{version1, kind, requestID, len(content), paddingOf(len(content))}
	to = h.append(to)
	to = append(to, content...)
	return append(to, make([]byte, h.padding)...)
}

func appendBeginRequest(to []byte, keepConn bool) []byte {
	body := [8]byte{1: roleResponder} // role, flags, five reserved bytes: section 5.1
	if keepConn {
		body[2] = flagKeepConn
	}
	return appendRecord(to, typeBeginRequest, body[:])
}

// ProtocolStatus is the application's verdict on a request as such
// (specification, section 5.5).
type ProtocolStatus uint8

// What END_REQUEST can say of the request. Only the first means that the answer counts.
const (
	RequestComplete ProtocolStatus = 0
	CantMultiplex   ProtocolStatus = 1 // it serves one request at a time on a connection
	Overloaded      ProtocolStatus = 2 // it is out of some resource
	UnknownRole     ProtocolStatus = 3 // it is no responder
)

// String is the specification's name without FCGI_ in front.
func (s ProtocolStatus) String() string {
	switch s {
	case RequestComplete:
		return "REQUEST_COMPLETE"
	case CantMultiplex:
		return "CANT_MPX_CONN"
	case Overloaded:
		return "OVERLOADED"
	case UnknownRole:
		return "UNKNOWN_ROLE"
	}
	return fmt.Sprintf("protocol status %d", uint8(s))
}

// EndRequest is how the application ended the request.
type EndRequest struct {
	AppStatus uint32 // as an exit code would be; 0 by custom when all is well
	Protocol  ProtocolStatus
}

// String is for people: "END_REQUEST: app status 255", or with the protocol
// status when that is not REQUEST_COMPLETE.
func (e EndRequest) String() string {
	if e.Protocol != RequestComplete {
		return fmt.Sprintf("END_REQUEST: %v, app status %d", e.Protocol, e.AppStatus)
	}
	return fmt.Sprintf("END_REQUEST: app status %d", e.AppStatus)
}

func parseEndRequest(b [endRequestLength]byte) EndRequest {
	return EndRequest{binary.BigEndian.Uint32(b[:]), ProtocolStatus(b[4])}
}
