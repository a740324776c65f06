-- Postfix's order: a claimed name in brackets and in macros, the queue id known
-- from the first recipient on, two messages in one connection with ABORT between.
dofile("miltertest/session.lua")

local conn = opened()
mt.macro(conn, SMFIC_CONNECT, "j", "mx.example.test", "{daemon_name}", "mx.example.test", "v", "Postfix 3.7.11",
	"{client_ptr}", "mail.example.org", "{client_name}", "mail.example.org", "{client_resolve}", "OK")
answered("CONNECT", mt.conninfo(conn, "mail.example.org", "198.51.100.201"), conn, mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "mail.example.org"), conn, mt.test_option(conn, SMFIP_NR_HELO))

mt.macro(conn, SMFIC_RCPT, "i", "4Xq0aB1cD2")
message(conn, "<anna@example.org>", "<user@example.test>", mailserver)
passes(conn)
marked(conn, "No, class=mailserver")

mt.abort(conn)
message(conn, "<bert@example.org>", "<user@example.test>", mailserver)
passes(conn)
marked(conn, "No, class=mailserver")
must("message 2 has fields of message 1", not mt.eom_check(conn, MT_HDRDELETE))
mt.disconnect(conn)
