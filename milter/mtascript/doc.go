// Package mtascript is a scripted mail server that speaks the milter protocol
// from the MTA's side, frame by frame. Unit tests, fuzz targets and the
// integration programs use it as the independent other side of a filter, so it
// shares no code with the filter and imports the standard library only.
//
// It is written after libmilter/mfdef.h and mfapi.h (the codes and bits), Postfix's
// milter8.c and smtpd.c, and Sendmail's milter.c, headers.c and srvrsmtp.c
// (the order of frames). What the two MTAs do differently and what a filter can
// see of it:
//
//  1. Postfix sends a macro frame before every event of its protocol version,
//     also an empty one, also before each HEADER and BODY, and also for an event
//     that the filter asked not to get. Sendmail sends one before CONNECT, HELO,
//     MAIL, RCPT, DATA, EOH and EOM, and none where its list is empty.
//  2. Postfix collects frames that need no reply and writes them together with
//     the next frame that does. Sendmail writes every frame by itself.
//  3. Postfix sends ABORT after every end of message, on RSET, on STARTTLS and
//     before QUIT. Sendmail sends it only while it counts the filter as inside a
//     message, which a reply to MAIL or the first HEADER establishes: none after
//     EOM, none when the client is lost, and with SMFIP_NR_MAIL none for a
//     transaction that ends before DATA.
//  4. After accept or refusal at CONNECT or HELO Postfix closes the socket
//     without QUIT; Sendmail sends QUIT.
//  5. Postfix has no queue id (macro i) before the first accepted recipient,
//     Sendmail has it at MAIL.
//  6. A version below 4 gets no DATA and a version below 3 no unknown command:
//     Postfix masks them out, Sendmail sets SMFIP_NODATA and SMFIP_NOUNKNOWN.
//  7. Sendmail looks up a filter's macro list for EOM only if the filter sent one
//     for EOH too, and then an EOM without a list gets no macros.
//
// Items 1 to 3 and 5 to 7 and the edits of Apply were compared frame by frame
// with Postfix 3.7.11 and Sendmail 8.17.1.9.
//
// It must not decide anything about mail, and it keeps at most one frame of
// MaxFrame bytes plus the edits of one message in memory.
package mtascript
