package config

import (
	"crypto/sha256"
	"fmt"
)

// Version is a short hash of everything that a running worker and its socket
// depend on. Two pools of equal version need no new generation: what differs
// (processes, timeouts, back-off, log) is the supervisor's business.
func (p Pool) Version() string {
	hash := sha256.New()
	limit := func(name string, value *uint64) {
		if value != nil {
			fmt.Fprintf(hash, "%s %d\n", name, *value)
		}
	}
	fmt.Fprintf(hash, "%q %q %q %q %q %o %d\n", p.Command, p.Directory, p.Listen.String(),
		p.ListenOwner, p.ListenGroup, p.ListenMode, p.ListenBacklog)
	fmt.Fprintf(hash, "%q %q %t %q %o\n", p.User, p.Group, p.SupplementaryGroups == nil, p.SupplementaryGroups, p.Umask)
	// fmt prints maps in the order of their keys.
	fmt.Fprintf(hash, "%q %q %q\n", p.Environment, p.EnvironmentFile, p.InheritEnvironment)
	fmt.Fprintf(hash, "%t %t\n", p.Ready == ReadyNotify, p.Limits.NoNewPrivileges)
	limit("nofile", p.Limits.NoFile)
	limit("core", p.Limits.Core)
	if p.Limits.Nice != nil {
		fmt.Fprintf(hash, "nice %d\n", *p.Limits.Nice)
	}
	return fmt.Sprintf("%x", hash.Sum(nil))[:12]
}
