package doctor

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"fcgi-supervisor/internal/config"
)

// webServers are the names of processes (comm of proc(5)) that are taken for web
// servers.
var webServers = []string{"nginx", "apache2", "httpd", "lighttpd", "caddy", "haproxy", "h2o", "angie", "openresty"}

// visitor is who connects to the socket.
type visitor struct {
	name     string // "nginx, pid 812, as www-data", or "www-data (--as)"
	pid      int    // 0: not running, named by a person
	uid, gid uint32
	groups   []uint32
	mounts   string // its mount namespace: one in a container says nothing of another beside it
}

// visitors are the users of the running web servers, each once a mount namespace; of a server that
// has workers which are not root, root is left out. as names a user instead.
func visitors(as string) ([]visitor, error) {
	if as != "" {
		uid, gid, groups, err := config.IDs(as)
		if err != nil {
			return nil, err
		}
		return []visitor{{name: as, uid: uid, gid: gid, groups: groups}}, nil
	}
	var found []visitor
	for _, pid := range processes() {
		comm, _ := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		server := strings.TrimSpace(string(comm))
		v, ok := visitorOf(pid)
		if !slices.Contains(webServers, server) || !ok {
			continue
		}
		v.name = fmt.Sprintf("%s (pid %d, user %s)", server, pid, config.UserName(v.uid))
		if !slices.ContainsFunc(found, func(o visitor) bool { return o.uid == v.uid && o.mounts == v.mounts }) {
			found = append(found, v)
		}
	}
	if slices.ContainsFunc(found, func(v visitor) bool { return v.uid != 0 }) {
		found = slices.DeleteFunc(found, func(v visitor) bool { return v.uid == 0 })
	}
	return found, nil
}

// visitorOf reads the ids that a process has now: a group that its user was given
// since it started is not among them.
func visitorOf(pid int) (visitor, bool) {
	ids := func(name string) (list []uint32) {
		for _, text := range field(pid, name) {
			if id, err := strconv.ParseUint(text, 10, 32); err == nil {
				list = append(list, uint32(id))
			}
		}
		return list
	}
	const filesystem = 3 // real, effective, saved, file system
	uids, gids := ids("Uid"), ids("Gid")
	if len(uids) <= filesystem || len(gids) <= filesystem {
		return visitor{}, false
	}
	mounts, _ := os.Readlink(fmt.Sprintf("/proc/%d/ns/mnt", pid))
	return visitor{pid: pid, mounts: mounts, uid: uids[filesystem], gid: gids[filesystem], groups: ids("Groups")}, true
}
