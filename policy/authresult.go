package policy

// AuthResult is the value of an Authentication-Results field (RFC 8601) with the
// iprev result of the client, "" when nobody told it. The authserv is the
// identifier to write, "" for the MTA's own name. An IPv6 address is quoted: a
// bare value holds no colon (RFC 2045, section 5.1).
func AuthResult(authserv string, c *Client) string {
	if authserv == "" {
		authserv = c.MTA
	}
	if c.Iprev == IprevUnknown || authserv == "" || !c.Addr.IsValid() {
		return ""
	}
	address := c.Addr.String()
	if !c.Addr.Is4() {
		address = `"` + address + `"`
	}
	value := markValue(authserv) + ";\n iprev=" + c.Iprev.String() + " policy.iprev=" + address
	if name := markValue(c.Name.String()); c.Iprev == IprevPass && name != "" {
		value += " (" + name + ")"
	}
	return value
}
