-- Sendmail's order: no ABORT after a finished message, so the second MAIL follows
-- the first EOM at once; a forged field of message 1 must not be looked for in
-- message 2.
dofile("miltertest/session.lua")

local conn = opened()
mt.macro(conn, SMFIC_CONNECT, "j", "sm.example.test", "{daemon_name}", "MTA", "{if_name}", "sm.example.test",
	"{if_addr}", "192.0.2.26", "_", "mail.example.org [198.51.100.202]", "{client_resolve}", "OK")
answered("CONNECT", mt.conninfo(conn, "mail.example.org", "198.51.100.202"), conn, mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "mail.example.org"), conn, mt.test_option(conn, SMFIP_NR_HELO))

message(conn, "<anna@example.org>", "<user@example.test>",
	{ { "X-IoT-Spam", "No, forged" }, { "From", "anna@example.org" }, { "Date", "Sun, 22 Nov 2026 11:59:57 +0000" },
		{ "Message-ID", "<1@mail.example.org>" } })
passes(conn)
must("the forged field stays", mt.eom_check(conn, MT_HDRDELETE, "X-IoT-Spam"))
marked(conn, "No, class=mailserver")

message(conn, "<bert@example.org>", "<user@example.test>", mailserver)
passes(conn)
must("a field of message 1 is removed from message 2", not mt.eom_check(conn, MT_HDRDELETE))
marked(conn, "No, class=mailserver")
mt.disconnect(conn)
