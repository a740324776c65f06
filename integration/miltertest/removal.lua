-- Forged fields: three of them in different case are removed, other fields are not,
-- and ours goes to the top.
dofile("miltertest/session.lua")

local conn = opened()
answered("CONNECT", mt.conninfo(conn, "cpe-203-0-113-203.dyn.isp.example", "203.0.113.203"), conn,
	mt.test_option(conn, SMFIP_NR_CONN))
answered("HELO", mt.helo(conn, "DiskStation"), conn, mt.test_option(conn, SMFIP_NR_HELO))
message(conn, "<admin@diskstation.local>", "<user@example.test>",
	{ { "X-IoT-Spam", "No, forged" }, { "Subject", "x" }, { "x-iot-spam", "No, forged" },
		{ "X-IoT-Spam-Not", "stays" }, { "X-IOT-SPAM", "No, forged" } })
passes(conn)
must("the forged fields stay", mt.eom_check(conn, MT_HDRDELETE, "X-IoT-Spam"))
must("another field is removed", not mt.eom_check(conn, MT_HDRDELETE, "X-IoT-Spam-Not"))
marked(conn, "Yes, class=device")
mt.disconnect(conn)
