// Package asn tells whose network an address is in: the autonomous system, the
// name of its holder, and what kind of network that is.
//
// The first two come from a database of the admin's, in the MaxMind DB format
// (version 2.0): GeoLite2-ASN, DB-IP ASN Lite, IPinfo Lite and what has their
// fields. Nothing is sent anywhere. Where an admin prefers DNS, CymruName and
// ParseCymru speak Team Cymru's IP to ASN service; asking is package resolve's.
//
// # The kind of a network
//
// The kind comes from a table, kinds.tsv, to which the admin adds rows. It has
// few rows by intent: an autonomous system that is missing tells nothing, one
// that is there wrongly tells a lie about all of its addresses. The rule:
//
//   - access: lines of consumers are the bulk of the addresses. That a provider
//     has business lines on the same number beside them does not count against
//     it, since nearly all have; that it rents servers there does.
//   - mobile: the network serves telephones, or nearly so. A number that carries
//     the provider's fixed lines too is access, or missing.
//   - hosting: its addresses are servers that are rented, or clouds.
//   - business: the holder sells to businesses only.
//   - education: networks of research, universities and schools.
//   - A number that carries lines of consumers and rented servers both, or the
//     backbone of a carrier of carriers, is missing, however well known.
//
// A row names its source: lists that agree on it, see the head of the table. A
// database may have a word of its own on the kind (IPinfo's as_type); it counts
// where the table has no row, and only "hosting", "education" and "business" do:
// "isp" is a carrier of any kind.
package asn
