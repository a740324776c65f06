-- ABORT before MAIL, twice, and in the middle of a message; a connection that breaks
-- off without QUIT; a client of an unknown family.
dofile("miltertest/session.lua")

local conn = opened()
answered("CONNECT", mt.conninfo(conn, "mail.example.org", "198.51.100.205"), conn, mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "mail.example.org"), conn, mt.test_option(conn, SMFIP_NR_HELO))
mt.abort(conn)
mt.abort(conn)
answered("MAIL", mt.mailfrom(conn, "<gone@example.org>"), conn, mt.test_option(conn, SMFIP_NR_MAIL))
answered("RCPT", mt.rcptto(conn, "<user@example.test>"), conn)
answered("Subject", mt.header(conn, "Subject", "x"), conn, mt.test_option(conn, SMFIP_NR_HDR))
mt.abort(conn)
message(conn, "<anna@example.org>", "<user@example.test>", mailserver)
passes(conn)
marked(conn, "No, class=mailserver")
mt.disconnect(conn, false)

conn = opened()
answered("CONNECT", mt.conninfo(conn, "unknown", "unspec"), conn, mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "mail.example.org"), conn, mt.test_option(conn, SMFIP_NR_HELO))
message(conn, "<anna@example.org>", "<user@example.test>", mailserver)
passes(conn)
mt.disconnect(conn)
