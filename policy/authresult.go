package policy

// AuthResult is the value of an Authentication-Results field (RFC 8601) with the
// iprev result of the client, "" when nobody told it. The authserv is the
// identifier to write, "" for the MTA's own name.
func AuthResult(authserv string, c *Client) string {
	if authserv == "" {
		authserv = c.MTA
	}
	if c.Iprev == IprevUnknown || authserv == "" || !c.Addr.IsValid() {
		return ""
	}
	value := markValue(authserv) + ";\n iprev=" + c.Iprev.String() + " policy.iprev=" + c.Addr.String()
	if c.Iprev == IprevPass {
		value += " (" + markValue(c.Name.String()) + ")"
	}
	return value
}
