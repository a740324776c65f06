-- Enforce mode on the wire: the refusal at RCPT has a code of its own, and
-- after it the same session still knows its client. Mode: enforce
dofile("miltertest/session.lua")

local conn = opened()
mt.macro(conn, SMFIC_CONNECT, "j", "mx.example.test", "{client_ptr}", "cpe-203-0-113-206.dyn.isp.example",
	"{client_name}", "cpe-203-0-113-206.dyn.isp.example", "{client_resolve}", "OK")
answered("CONNECT", mt.conninfo(conn, "cpe-203-0-113-206.dyn.isp.example", "203.0.113.206"), conn,
	mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "DiskStation"), conn, mt.test_option(conn, SMFIP_NR_HELO))
answered("MAIL", mt.mailfrom(conn, "<admin@diskstation.local>"), conn, mt.test_option(conn, SMFIP_NR_MAIL))
for _ = 1, 2 do
	must("RCPT", mt.rcptto(conn, "<user@example.test>") == nil)
	must("RCPT is not refused", mt.getreply(conn) == SMFIR_REPLYCODE)
end
answered("postmaster", mt.rcptto(conn, "<postmaster@example.test>"), conn)
answered("Subject", mt.header(conn, "Subject", "x"), conn, mt.test_option(conn, SMFIP_NR_HDR))
answered("EOH", mt.eoh(conn), conn, mt.test_option(conn, SMFIP_NR_EOH))
must("EOM", mt.eom(conn) == nil)
passes(conn)
marked(conn, "Yes, class=device")
mt.disconnect(conn)
