package listen

// Not covered: the attempts of dump after an interruption; the kernel cannot be
// made to interrupt. A pair of sockets stands in for it here.

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// reply is one netlink message, padded.
func reply(kind, flags uint16, sequence uint32, body string) []byte {
	host := binary.NativeEndian
	m := host.AppendUint32(nil, uint32(unix.SizeofNlMsghdr+len(body)))
	m = host.AppendUint16(m, kind)
	m = host.AppendUint16(m, flags)
	m = host.AppendUint32(m, sequence)
	m = append(host.AppendUint32(m, 0), body...)
	return append(m, make([]byte, align(len(m))-len(m))...)
}

func errno(e unix.Errno) string {
	return string(binary.NativeEndian.AppendUint32(nil, uint32(-int32(e))))
}

func TestReceive(t *testing.T) {
	const sequence = 3
	entry := func(body string) []byte { return reply(unix.SOCK_DIAG_BY_FAMILY, 0, sequence, body) }
	done := reply(unix.NLMSG_DONE, 0, sequence, errno(0))
	cases := []struct {
		name    string
		packets [][]byte
		want    []string
		failure string
	}{
		{"nothing", [][]byte{done}, nil, ""},
		{"two packets", [][]byte{slices.Concat(entry("a"), entry("bcdef")), slices.Concat(entry("g"), done)}, []string{"a", "bcdef", "g"}, ""},
		{"of an earlier dump", [][]byte{reply(unix.SOCK_DIAG_BY_FAMILY, 0, 2, "old"), reply(unix.NLMSG_DONE, 0, 2, errno(0)), entry("a"), done}, []string{"a"}, ""},
		{"interrupted", [][]byte{reply(unix.SOCK_DIAG_BY_FAMILY, unix.NLM_F_DUMP_INTR, sequence, "a"), done}, nil, errInterrupted.Error()},
		{"interrupted at the end", [][]byte{entry("a"), reply(unix.NLMSG_DONE, unix.NLM_F_DUMP_INTR, sequence, errno(0))}, nil, errInterrupted.Error()},
		{"no such table", [][]byte{reply(unix.NLMSG_ERROR, 0, sequence, errno(unix.ENOENT))}, nil, "no socket tables"},
		{"refused", [][]byte{reply(unix.NLMSG_ERROR, 0, sequence, errno(unix.EPERM))}, nil, "operation not permitted"},
		{"failed at the end", [][]byte{entry("a"), reply(unix.NLMSG_DONE, 0, sequence, errno(unix.EINVAL))}, nil, "invalid argument"},
		{"cut short", [][]byte{entry("a")[:10]}, nil, "header cut short"},
		{"length too long", [][]byte{entry("abcdefgh")[:20]}, nil, "24 bytes in a packet of 20"},
		{"length too short", [][]byte{make([]byte, 16)}, nil, "0 bytes in a packet of 16"},
		{"no end", [][]byte{entry("a")}, nil, "a message of 0 bytes"},
		{"too large", [][]byte{make([]byte, 300)}, nil, "a message of 300 bytes"},
	}
	for _, c := range cases {
		pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, packet := range c.packets {
			if _, err := unix.Write(pair[0], packet); err != nil {
				t.Fatal(err)
			}
		}
		unix.Close(pair[0]) // so that reading on ends
		got, err := receive(pair[1], sequence, make([]byte, 256), func(m []byte) (string, bool) { return string(m), true })
		unix.Close(pair[1])
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if c.failure == "" && err != nil || c.failure != "" && (err == nil || !strings.Contains(err.Error(), c.failure)) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.failure)
		}
	}
}

// Whatever the tail of a message holds, reading it ends and stays inside.
func FuzzEntries(f *testing.F) {
	f.Add(make([]byte, 80))
	f.Add([]byte("0123456789abcdef\x08\x00\x00\x00\x00app\x0c\x00\x01\x0001234567"))
	f.Fuzz(func(t *testing.T, m []byte) {
		parseUnixEntry(m)
		parseTCPEntry(m)
		for len(m) > 0 {
			_, rest, err := cut(m)
			if err != nil {
				return
			}
			if len(rest) >= len(m) {
				t.Fatal("no progress")
			}
			m = rest
		}
	})
}
