# iot-milter.sieve for mailboxes that are reached on ways without iot-milter as
# well: mail that another provider forwards or that is fetched from there, a backup
# MX without it. Only what your own hosts wrote counts. Anybody can write their names
# too, and gains nothing by it: the worst is that his own mail is filed as junk.
#
# Write the names of your own MX hosts, as they stand behind host= in the field.
require ["fileinto", "mailbox", "imap4flags", "index"];

if header :index 1 :comparator "i;octet" :matches "X-IoT-Spam"
    ["Yes, * host=mx.example.org", "Yes, * host=mx2.example.org"] {
    fileinto :create "Junk";
    stop;
}
if header :index 1 :comparator "i;octet" :matches "X-IoT-Spam"
    ["Suspect, * host=mx.example.org", "Suspect, * host=mx2.example.org"] {
    addflag ["\\Flagged", "IoT-Suspect"];
}
