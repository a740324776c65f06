-- An MTA that offers to add header fields and nothing else: the filter agrees on no
-- more than that and lets the mail pass. One that offers nothing at all is served too.
dofile("miltertest/session.lua")

local function talk(conn)
	answered("CONNECT", mt.conninfo(conn, "mail.example.org", "198.51.100.204"), conn, mt.test_option(conn, SMFIP_NR_CONN))
	answered("HELO", mt.helo(conn, "mail.example.org"), conn, mt.test_option(conn, SMFIP_NR_HELO))
	message(conn, "<anna@example.org>", "<user@example.test>", mailserver)
	passes(conn)
end

local conn = opened(SMFIF_ADDHDRS, 0)
must("more is agreed than was offered", not mt.test_action(conn, SMFIF_CHGHDRS))
must("quarantine is agreed, not offered", not mt.test_action(conn, SMFIF_QUARANTINE))
must("no-reply is agreed, not offered", not mt.test_option(conn, SMFIP_NR_HDR))
talk(conn)
mt.disconnect(conn)

conn = opened(0, 0)
must("adding is agreed, not offered", not mt.test_action(conn, SMFIF_ADDHDRS))
talk(conn)
must("the header is edited, not offered", not mt.eom_check(conn, MT_HDRINSERT))
mt.disconnect(conn)
