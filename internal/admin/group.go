package admin

import (
	"os/user"
	"slices"
	"strconv"
)

// InGroup reports whether the user is a member of the group, or has it as his own, by the
// system's files. A user or group that does not exist is no member.
func InGroup(uid int, group string) bool {
	g, err := user.LookupGroup(group)
	if err != nil {
		return false
	}
	u, err := user.LookupId(strconv.Itoa(uid))
	if err != nil {
		return false
	}
	groups, err := u.GroupIds()
	return err == nil && slices.Contains(groups, g.Gid)
}
