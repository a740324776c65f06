-- What the scripts share. Each talks to a running daemon at the socket that the
-- runner names: miltertest -D socket=unix:PATH -s SCRIPT

-- must ends the script; the program itself says nothing about errors.
function must(what, ok)
	if not ok then
		mt.echo(what)
		error(what, 2)
	end
end

-- opened connects and negotiates: the actions and protocol steps that the MTA
-- offers, nil for all that miltertest knows.
function opened(actions, steps)
	local conn = mt.connect(socket, 20, 0.1)
	must("no connection", conn ~= nil)
	must("no agreement", mt.negotiate(conn, nil, actions, steps) == nil)
	return conn
end

-- answered: the filter lets the step pass, or has agreed not to answer it.
function answered(what, failure, conn, quiet)
	must(what .. ": " .. tostring(failure), failure == nil)
	if not quiet then
		must(what .. " is not answered by continue", mt.getreply(conn) == SMFIR_CONTINUE)
	end
end

-- message plays MAIL to EOM. Header fields are pairs; quiet stages are those
-- whose answer was waived in the negotiation.
function message(conn, from, to, fields)
	answered("MAIL", mt.mailfrom(conn, from), conn, mt.test_option(conn, SMFIP_NR_MAIL))
	answered("RCPT", mt.rcptto(conn, to), conn)
	for _, f in ipairs(fields) do
		-- Postfix tells the queue id again before each field.
		answered(f[1], mt.header(conn, f[1], f[2]), conn, mt.test_option(conn, SMFIP_NR_HDR))
	end
	answered("EOH", mt.eoh(conn), conn, mt.test_option(conn, SMFIP_NR_EOH))
	must("EOM", mt.eom(conn) == nil)
end

-- passes: the message was accepted.
function passes(conn)
	local r = mt.getreply(conn)
	must("EOM is answered by " .. tostring(r), r == SMFIR_ACCEPT or r == SMFIR_CONTINUE)
end

-- marked: one field of ours was put at the top, and it begins like this.
function marked(conn, beginning)
	must("no X-IoT-Spam inserted", mt.eom_check(conn, MT_HDRINSERT, "X-IoT-Spam"))
	local value = mt.getheader(conn, "X-IoT-Spam", 0)
	must("X-IoT-Spam is " .. tostring(value) .. ", not " .. beginning,
		value ~= nil and string.find(value, "^%s*" .. beginning) ~= nil)
end

mailserver = { { "Date", "Sun, 22 Nov 2026 11:59:57 +0000" }, { "From", "anna@example.org" },
	{ "Subject", "Minutes" }, { "Message-ID", "<1@mail.example.org>" } }
