package config

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"
)

// account is what a worker runs as.
type account struct {
	name   string
	uid    uint32
	gid    uint32
	groups []uint32
	home   string
	shell  string
}

// Credentials are the ids that the workers of p run with, and the home and
// shell of their user. Supplementary groups are those of the user in the group
// database, as initgroups(3) has them, unless the pool names others. A pool
// without user has our own ids.
func Credentials(p Pool) (uid, gid uint32, groups []uint32, home, shell string, err error) {
	a, err := accountOf(p)
	return a.uid, a.gid, a.groups, a.home, a.shell, err
}

// UserName is the name behind the uid that Credentials gives: the value of USER
// and LOGNAME.
func UserName(uid uint32) string { return userName(uid) }

func accountOf(p Pool) (account, error) {
	a, err := userOf(p)
	if err != nil {
		return account{}, err
	}
	if p.Group != "" {
		if a.gid, err = groupID(p.Group); err != nil {
			return account{}, err
		}
	}
	if p.SupplementaryGroups == nil {
		return a, nil
	}
	a.groups = []uint32{}
	for _, name := range p.SupplementaryGroups {
		gid, err := groupID(name)
		if err != nil {
			return account{}, err
		}
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

// userOf finds the user of a pool and the groups that follow from it.
func userOf(p Pool) (account, error) {
	if p.User == "" {
		return ourselves()
	}
	u, err := user.Lookup(p.User)
	if err != nil {
		return numericUser(p)
	}
	a, err := fromEntry(u)
	if err != nil {
		return account{}, err
	}
	names, err := u.GroupIds()
	if err != nil {
		return account{}, fmt.Errorf("find the groups of user %s: %v", p.User, err)
	}
	for _, name := range names {
		gid, err := parseID(name)
		if err != nil {
			return account{}, fmt.Errorf("find the groups of user %s: %v", p.User, err)
		}
		a.groups = append(a.groups, gid)
	}
	return a, nil
}

// numericUser takes a number for a user, with or without an entry: containers
// often have none.
func numericUser(p Pool) (account, error) {
	uid, err := parseID(p.User)
	if err != nil {
		return account{}, fmt.Errorf("user %q does not exist", p.User)
	}
	if u, err := user.LookupId(p.User); err == nil {
		p.User = u.Username
		return userOf(p)
	}
	if p.Group == "" {
		return account{}, fmt.Errorf("user %s has no entry in the user database, so its group is not known; set group too", p.User)
	}
	return account{name: p.User, uid: uid, groups: []uint32{}, home: "/", shell: defaultShell}, nil
}

// ourselves is the account that we run as, with the groups that we really have.
func ourselves() (account, error) {
	a := account{name: userName(uint32(os.Geteuid())), home: "/", shell: defaultShell}
	if u, err := user.LookupId(strconv.Itoa(os.Geteuid())); err == nil {
		if a, err = fromEntry(u); err != nil {
			return account{}, err
		}
	}
	a.uid, a.gid = uint32(os.Geteuid()), uint32(os.Getegid())
	groups, err := os.Getgroups()
	if err != nil {
		return account{}, fmt.Errorf("find our own groups: %v", err)
	}
	for _, gid := range groups {
		a.groups = append(a.groups, uint32(gid))
	}
	return a, nil
}

func fromEntry(u *user.User) (account, error) {
	uid, uidErr := parseID(u.Uid)
	gid, gidErr := parseID(u.Gid)
	if err := errors.Join(uidErr, gidErr); err != nil {
		return account{}, fmt.Errorf("read the entry of user %s: %v", u.Username, err)
	}
	return account{name: u.Username, uid: uid, gid: gid, home: u.HomeDir, shell: shellOf(u.Username)}, nil
}

// groupID finds a group by its name, or takes a number as it is.
func groupID(name string) (uint32, error) {
	if g, err := user.LookupGroup(name); err == nil {
		return parseID(g.Gid)
	}
	gid, err := parseID(name)
	if err != nil {
		return 0, fmt.Errorf("group %q does not exist", name)
	}
	return gid, nil
}

func parseID(text string) (uint32, error) {
	id, err := strconv.ParseUint(text, 10, 32)
	// -1 means "leave as it is" to chown(2) and setresuid(2).
	if err == nil && uint32(id) == ^uint32(0) {
		err = fmt.Errorf("%s is no id", text)
	}
	return uint32(id), err
}

const defaultShell = "/bin/sh"

// shellOf reads the shell from passwd(5): os/user does not tell it. Users of
// other databases get the default.
func shellOf(name string) string {
	data, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return defaultShell
	}
	for line := range strings.Lines(string(data)) {
		fields := strings.Split(strings.TrimSpace(line), ":")
		if len(fields) == 7 && fields[0] == name && fields[6] != "" {
			return fields[6]
		}
	}
	return defaultShell
}
