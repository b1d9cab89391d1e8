package config

import (
	"encoding/binary"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// Tags of the entries of an access control list (linux/posix_acl.h).
const (
	aclOwner      = 0x01
	aclUser       = 0x02
	aclOwnerGroup = 0x04
	aclGroup      = 0x08
	aclMask       = 0x10
	aclOther      = 0x20
)

// aclEntry is one entry of an access control list.
type aclEntry struct {
	tag, rights uint32
	id          uint32 // of aclUser and aclGroup
}

// accessList is the access control list of a file, nil if it has none but its mode.
// The attribute is a version, 2, and entries of 8 bytes (linux/posix_acl_xattr.h).
func accessList(path string) []aclEntry {
	const head, size, version = 4, 8, 2
	raw := make([]byte, 64<<10) // XATTR_SIZE_MAX
	n, err := unix.Getxattr(path, "system.posix_acl_access", raw)
	if err != nil || n < head || binary.LittleEndian.Uint32(raw) != version {
		return nil
	}
	var list []aclEntry
	for entry := range slices.Chunk(raw[head:n], size) {
		if len(entry) == size {
			list = append(list, aclEntry{tag: uint32(binary.LittleEndian.Uint16(entry)),
				rights: uint32(binary.LittleEndian.Uint16(entry[2:])), id: binary.LittleEndian.Uint32(entry[4:])})
		}
	}
	return list
}

// allowed is the access check algorithm of acl(5): the first class that fits counts;
// among groups any that gives the right; the mask limits all but owner and others.
func (a account) allowed(list []aclEntry, stat *syscall.Stat_t, right uint32) bool {
	rights := map[uint32]uint32{aclMask: 7}
	inGroup, byGroup := false, false
	for _, e := range list {
		switch {
		case e.tag == aclUser && e.id != a.uid, e.tag == aclGroup && !a.in(e.id), e.tag == aclOwnerGroup && !a.in(stat.Gid):
		case e.tag == aclGroup, e.tag == aclOwnerGroup:
			inGroup, byGroup = true, byGroup || e.rights&right == right
		default:
			rights[e.tag] = e.rights
		}
	}
	named, isNamed := rights[aclUser]
	masked := rights[aclMask]&right == right
	switch {
	case stat.Uid == a.uid:
		return rights[aclOwner]&right == right
	case isNamed:
		return named&right == right && masked
	case inGroup:
		return byGroup && masked
	}
	return rights[aclOther]&right == right
}

func (a account) in(gid uint32) bool { return gid == a.gid || slices.Contains(a.groups, gid) }
