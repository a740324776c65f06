# What iot-milter says of the sender's machine, for Sieve (RFC 5228).
#
#   Yes       goes to the folder Junk, unread
#   Suspect   stays where it would be, with a star and the keyword IoT-Suspect
#   No        is as any other mail: machines that are fine send spam as well
#   no field  was not judged, and is as any other mail; the same holds for
#             "No, class=unknown reason=fail-open"
#
# So nobody gains by forging the field: No is worth nothing here. Where iot-milter
# runs it removes what comes from outside under this name. Where that is not sure,
# iot-milter-host.sieve listens to your own hosts alone.
#
# Needs fileinto (RFC 5228), mailbox (RFC 5490), imap4flags (RFC 5232) and index
# (RFC 5260), which Pigeonhole has out of the box.
require ["fileinto", "mailbox", "imap4flags", "index"];

# The first field alone: iot-milter writes above all others.
if header :index 1 :comparator "i;octet" :matches "X-IoT-Spam" "Yes, *" {
    fileinto :create "Junk";
    stop;
}
if header :index 1 :comparator "i;octet" :matches "X-IoT-Spam" "Suspect, *" {
    addflag ["\\Flagged", "IoT-Suspect"];
}
