package device

const srcLAN = "HELO in real spam of 2007, the LAN name of the router"

// Hosts are the host names that devices have from their makers.
var Hosts = []Host{
	{"device.lan", 0, Router, "Technicolor", srcSADevice},
	{"dsldevice.lan", 0, Router, "Technicolor", srcSADevice},
	{"dsldevice", 0, Router, "Technicolor", srcSADevice},
	{"speedtouch.lan", 0, Router, "Technicolor", srcSADevice},
	{"speedtouch", 0, Router, "Technicolor", srcSADevice},
	{"api.home", 0, Router, "", srcLAN},
	{"bthomehub.home", 0, Router, "BT", srcLAN},
	{"bthomehub", 0, Router, "BT", srcLAN},
	{"buffalo.setup", 0, Router, "Buffalo", srcLAN},
	{"wireless_broadband_router", 0, Router, "", "Verizon FiOS routers: DHCP host name with vendor class \"Wireless Broadband Router\" in public captures"},
	{"belkin", 0, Router, "Belkin", srcPseudo},
	{"fritz.box", 0, Router, "AVM", "AVM FRITZ!Box: the name of its own pages"},
	{"openwrt", 0, Router, "OpenWrt", "OpenWrt base-files: default of system.hostname"},
	{"mikrotik", 0, Router, "MikroTik", "RouterOS: default of /system identity"},
	{"dslmodem", 0, Router, "", "nmap 7.93 service probes: host name in a BusyBox telnet banner"},

	{"diskstation", 0, NAS, "Synology", "Synology DSM: default server name; helo=<DiskStation> in a public Postfix log parser's test"},

	{"npi", 6, Printer, "HP", "HP PSC 2510 reference guide, p. 87: NPI and the last six digits of the MAC address"},
	{"brn", 12, Printer, "Brother", "Brother: BRN and the MAC address for wired, seen with Brother's OUI 30-05-5C"},
	{"brw", 12, Printer, "Brother", "Brother: BRW and the MAC address for wireless, seen with Brother's OUI 30-05-5C"},
	{"rnp", 12, Printer, "Ricoh", "Ricoh: RNP and the MAC address, seen with Ricoh's OUI 00-26-73"},
	{"axis", 6, Printer, "Axis", "Axis 5900 print server manual: AXIS and the last six digits of the serial number"},
	{"im", 6, Printer, "Intermate", "Intermate 100 manual: IM and the last six digits of the MAC address"},
	{"ima", 6, Printer, "Intermate", "Intermate 100 manual: IMA and the last six digits of the MAC address"},

	{"lgwebostv", 0, TV, "LG", "LG webOS: default host name LGwebOSTV in public mDNS listings"},
	{"raspberrypi", 0, Other, "Raspberry Pi", "Raspberry Pi OS: default host name"},
}
