package device

// The sources of the rows. A group's source is that of each of its rows.
const (
	srcRecog  = "public fingerprints: Rapid7 Recog (BSD-2-Clause)"
	srcProbes = "public facts: what version-detection tools report of these servers"
	srcLine   = "the maker's name for its product line"
	srcUnseen = "the maker's name for its product line, of its catalogue: no public greeting with it was found"
	srcMaker  = "the maker's own name"
	srcWord   = "ordinary word for the device"
	srcSystem = "the system's or program's own greeting"
	srcDocsis = "CableLabs DOCSIS OSSI specification, sysDescr; makers of cable modems"
)

// seenIn begins the source of rows whose words stand in public collections: Rapid7
// Recog (BSD-2-Clause, its examples), Nmap's nmap-service-probes (facts only),
// WhatWeb's plugins, ZTag's annotations, RouterSploit's modules, Gluon's device list, the
// printers of foomatic-db and sane-airscan, FusionPBX's provisioning, Exploit-DB's
// exploits/hardware.
const seenIn = "the maker's words, seen in "

const pages = HTTP | Title | UPnP

// bannerManage are words of management pages: beside one of them a device's word
// in a title is a device's.
var bannerManage = []bannerGroup{
	{rank: rankManage, in: Title, source: srcWord, patterns: "login|log in|logon|sign in|administration|admin|management|configuration|" +
		"configure|config|setup|set-up|settings|status|console|control panel|utility|manager|web interface|webif|web ui|webui|" +
		"live view|live images|live video|viewer|client|home page|homepage|main page|main menu|web server|webserver|portal|" +
		"authentication|components|remote ui|embedded web server|anmeldung|einrichtung|konfiguration|verwaltung|" +
		"configuración|administración|acceso|connexion|interface|accesso|konsola|вход|настройка|登录|登錄|管理|ログイン|设置"},
}

// bannerVeto is general-purpose software: the host is no device, unless a product
// line says so.
var bannerVeto = []bannerGroup{
	{rank: rankVeto, source: srcSystem, patterns: "windows|windows_*|windows nt|winnt|win32|win64|microsoft-*|microsoft ftp service|" +
		"microsoft esmtp|microsoft smtp|microsoft exchange|microsoft internet information services|iis|iis windows|wmserver"},
	{rank: rankVeto, source: srcSystem, patterns: "ubuntu|ubuntu#*|debian|debian-*|raspbian|raspbian-*|centos|red hat*|redhat*|fedoracore*|rhel|fedora|suse|" +
		"opensuse|gentoo|arch linux|slackware|mandriva|mandrake|amazon linux|amzn1|oracle linux|rocky linux|almalinux|" +
		"alpine linux|cobalt linux|scientific linux|linuxconf|turbolinux|linux mint|deb#u#|el#|generic"},
	{rank: rankVeto, source: srcSystem, patterns: "freebsd|freebsd-*|openbsd|netbsd|netbsd_*|dragonfly|sunos|solaris|aix|aix#*|hp-ux|irix|tru64|unixware|" +
		"sco|os/400|as/400|z/os|netware|openvms|multinet|darwin|mac os x*|mac_os_x*|macos|vmware|esx|esxi|proxmox*|pve-*|xenserver|hyper-v|" +
		"pfsense|opnsense|powerpc chrp|chrp powerpc|hardware: x86|hardware: amd64|hardware: intel64|at/at compatible"},
	{rank: rankVeto, source: srcSystem, patterns: "apache/#*|apache#*|apache-coyote*|nginx*|tomcat|jetty(#*|caddy|litespeed|openresty|cloudflare*|gws|envoy|" +
		"haproxy|squid|varnish|postfix|sendmail|exim|qmail|dovecot|courier|zimbra|kerio|mdaemon|mailenable|hmailserver|" +
		"plesk|cpanel|webmin|directadmin|cwpsrv|wordpress|joomla|drupal|filezilla server|ws_ftp|gene6|serv-u|rumpus|" +
		"ms-mfc-*|webcam 7*|webcamxp*|evocam|vlc media player|vsftpd|wu-#*|winsshd|bitvise|flowssh|abyss*|cherokee*|ibm http server|lotus|domino|ntopng|phpmyadmin|gitlab|jenkins|grafana"},
	{rank: rankVeto, in: SNMP, source: "the shape of uname -a, which net-snmp sends", patterns: "^linux * #.#*"},
}

// bannerVendors are makers. Those of many things name no kind.
var bannerVendors = []bannerGroup{
	vendors("HP", "hp|hewlett-packard|hewlett packard|hewlett|hpe"), vendors("Dell", "dell"), vendors("Cisco", "cisco"),
	vendors("Samsung", "samsung"), vendors("LG", "lg|lge"), vendors("Sony", "sony"), vendors("Panasonic", "panasonic"),
	vendors("Philips", "philips"), vendors("Toshiba", "toshiba"), vendors("Sharp", "sharp"), vendors("Siemens", "siemens"),
	vendors("Huawei", "huawei*"), vendors("ZTE", "zte"), vendors("IBM", "ibm"), vendors("3Com", "3com"), vendors("Apple", "apple"),
	vendors("Bosch", "bosch"), vendors("Motorola", "motorola"), vendors("Nokia", "nokia"), vendors("Intel", "intel"),
	vendors("Fujitsu", "fujitsu"), vendors("NEC", "nec"), vendors("Hitachi", "hitachi"), vendors("Honeywell", "honeywell"),
	vendors("ASUS", "asus*"), vendors("Google", "google"), vendors("Amazon", "amazon"), vendors("Logitech", "logitech"),
	vendors("Yamaha", "yamaha"), vendors("Ubiquiti", "ubiquiti|ubnt"), vendors("Buffalo", "buffalo|melco"), vendors("Canon", "canon"),
	vendors("Ericsson", "ericsson"), vendors("Alcatel", "alcatel*"), vendors("Eltex", "eltex"),
	vendors("Trendnet", "trendnet"), vendors("Planet", "planet technology"),
	vendors("OKI", "oki"), vendors("Schneider Electric", "schneider electric"), vendors("Emerson", "emerson"),

	maker(Printer, "Lexmark", "lexmark"), maker(Printer, "Xerox", "xerox"),
	maker(Printer, "Fuji Xerox", "fuji xerox"), maker(Printer, "Epson", "epson|seiko epson|epson-*"), maker(Printer, "Ricoh", "ricoh"),
	maker(Printer, "Ricoh", "nrg|savin|lanier|gestetner|nashuatec|rex-rotary|rex rotary|infotec"),
	maker(Printer, "Kyocera", "kyocera|kyocera mita|copystar"), maker(Printer, "Triumph-Adler", "triumph-adler|utax"),
	maker(Printer, "Konica Minolta", "konica minolta|konica|minolta|minolta-qms"),
	maker(Printer, "Zebra", "zebra"), maker(Printer, "Datamax", "datamax"), maker(Printer, "Printronix", "printronix"),
	maker(Printer, "TallyGenicom", "tallygenicom|genicom|mannesmann tally"), maker(Printer, "Toshiba", "toshiba tec|toshibatec"),
	maker(Printer, "Muratec", "muratec"), maker(Printer, "Imagistics", "imagistics"), maker(Printer, "Evolis", "evolis"), maker(Printer, "Intermec", "intermec"), maker(Printer, "Olivetti", "olivetti"), maker(Printer, "Star Micronics", "star micronics"), maker(Printer, "Bixolon", "bixolon"),
	maker(Printer, "Pantum", "pantum"), maker(Printer, "Develop", "develop ineo"),

	namesake(Printer, "Brother", "brother"), namesake(Camera, "Axis", "axis"), namesake(Printer, "Sato", "sato"), namesake(Printer, "Riso", "riso"),
	namesake(Printer, "EFI", "efi|fiery"), namesake(Camera, "ACTi", "acti"), namesake(Printer, "Océ", "oce"), namesake(Phone, "Poly", "poly"),

	maker(Router, "NETGEAR", "netgear*"), maker(Router, "TP-Link", "tp-link|tplink"), maker(Router, "D-Link", "d-link"),
	maker(Router, "Linksys", "linksys"), maker(Router, "MikroTik", "mikrotik"), maker(Router, "Zyxel", "zyxel"),
	maker(Router, "AVM", "avm"), maker(Router, "Belkin", "belkin"), maker(Router, "DrayTek", "draytek"),
	maker(Router, "ARRIS", "arris"), maker(Router, "Ubee", "ubee*"), maker(Router, "Technicolor", "technicolor*"),
	maker(Router, "Thomson", "thomson"), maker(Router, "Sagemcom", "sagemcom|sagem"), maker(Router, "Netopia", "netopia|cayman"),
	maker(Router, "Actiontec", "actiontec"), maker(Router, "2Wire", "2wire"), maker(Router, "Westell", "westell"),
	maker(Router, "Comtrend", "comtrend"), maker(Router, "Arcadyan", "arcadyan"), maker(Router, "Askey", "askey"),
	maker(Router, "AirTies", "airties"), maker(Router, "Keenetic", "keenetic*"), maker(Router, "Ruckus", "ruckus"),
	maker(Router, "Cambium", "cambium"), maker(Router, "Proxim", "proxim|orinoco"), maker(Router, "EnGenius", "engenius"),
	maker(Router, "Paradyne", "paradyne"), maker(Router, "Efficient Networks", "efficient networks|flowpoint"),
	maker(Router, "Arescom", "arescom"), maker(Router, "Redline", "redline communications*"), maker(Router, "LigoWave", "ligowave|deliberant"),
	maker(Router, "Teltonika", "teltonika"), maker(Router, "LANCOM", "lancom"), maker(Router, "bintec", "bintec|bintec elmeg"),
	maker(Router, "Ambit", "ambit"), maker(Router, "Hitron", "hitron"), maker(Router, "Terayon", "terayon"),
	maker(Router, "Scientific Atlanta", "scientific-atlanta|scientific atlanta"), maker(Router, "Compal", "compal broadband"),
	maker(Router, "Alvarion", "alvarion"), maker(Router, "Aerohive", "aerohive"), maker(Router, "Zoom", "zoom telephonics"),

	maker(NAS, "Synology", "synology*"), maker(NAS, "QNAP", "qnap*"), maker(NAS, "NetApp", "netapp"), maker(NAS, "Iomega", "iomega"),
	maker(NAS, "LaCie", "lacie"), maker(NAS, "Thecus", "thecus"), maker(NAS, "ASUSTOR", "asustor"), maker(NAS, "TerraMaster", "terramaster"),
	maker(NAS, "Drobo", "drobo"), maker(NAS, "Overland", "overland"), maker(NAS, "Western Digital", "western digital"),

	maker(Camera, "Dahua", "dahua"), maker(Camera, "Foscam", "foscam"), maker(Camera, "Vivotek", "vivotek"),
	maker(Camera, "Mobotix", "mobotix"), maker(Camera, "Avigilon", "avigilon*"), maker(Camera, "Arecont Vision", "arecont vision|arecont"),
	maker(Camera, "IQinVision", "iqinvision"), maker(Camera, "Pelco", "pelco"), maker(Camera, "Hanwha Techwin", "hanwha techwin|hanwha|wisenet"),
	maker(Camera, "GeoVision", "geovision*"), maker(Camera, "Amcrest", "amcrest"), maker(Camera, "Reolink", "reolink"),
	maker(Camera, "Uniview", "uniview"), maker(Camera, "Vaddio", "vaddio"), maker(Camera, "FLIR", "flir"), maker(Camera, "Genetec", "genetec"),
	maker(Camera, "Hikvision", "hikvision"), maker(Camera, "Basler", "basler"),
	maker(Recorder, "LILIN", "lilin|merit lilin"), maker(Recorder, "NUUO", "nuuo"), maker(Recorder, "HeiTel", "heitel"), maker(Recorder, "Lorex", "lorex"),
	maker(Recorder, "AVTECH", "av-tech"), maker(Recorder, "Dedicated Micros", "dedicated micros"), maker(Recorder, "VBrick", "vbrick"),

	maker(MediaPlayer, "Sonos", "sonos"), maker(MediaPlayer, "Roku", "roku"), maker(MediaPlayer, "Bose", "bose"), maker(MediaPlayer, "Barix", "barix"),
	maker(MediaPlayer, "BrightSign", "brightsign*"), maker(MediaPlayer, "Denon", "denon"), maker(MediaPlayer, "Marantz", "marantz"),
	maker(MediaPlayer, "Onkyo", "onkyo"), maker(MediaPlayer, "Bluesound", "bluesound"), maker(MediaPlayer, "Extron", "extron"),
	maker(MediaPlayer, "SiliconDust", "silicondust"), maker(MediaPlayer, "Lencore", "lencore"),
	maker(SetTop, "Amino", "amino"), maker(SetTop, "Humax", "humax"), maker(SetTop, "TechniSat", "technisat"), maker(SetTop, "GigaBlue", "gigablue*"),
	maker(TV, "VIZIO", "vizio"), maker(TV, "Hisense", "hisense"),

	maker(Phone, "Polycom", "polycom*"), maker(Phone, "Grandstream", "grandstream"), maker(Phone, "Snom", "snom*"), maker(Phone, "Yealink", "yealink"),
	maker(Phone, "Aastra", "aastra"), maker(Phone, "Mitel", "mitel"), maker(Phone, "Gigaset", "gigaset"), maker(Phone, "AudioCodes", "audiocodes*"),
	maker(Phone, "Fanvil", "fanvil"), maker(Phone, "Obihai", "obihai"), maker(Phone, "Digium", "digium"), maker(Phone, "ShoreTel", "shoretel"),
	maker(Phone, "innovaphone", "innovaphone"), maker(Phone, "Avaya", "avaya"), maker(Phone, "Nortel", "nortel|nortel networks"),
	maker(Appliance, "Shelly", "shelly*"), maker(Appliance, "Nanoleaf", "nanoleaf"), maker(Appliance, "Loxone", "loxone"),
}

func vendors(name, patterns string) bannerGroup {
	return bannerGroup{rank: rankVendor, vendor: name, source: srcMaker, patterns: patterns}
}

func maker(kind Kind, name, patterns string) bannerGroup {
	return bannerGroup{rank: rankMaker, kind: kind, vendor: name, source: srcMaker, patterns: patterns}
}

// namesake is maker for names that are words of other things too, which titles have.
func namesake(kind Kind, name, patterns string) bannerGroup {
	g := maker(kind, name, patterns)
	g.in = greetings &^ Title
	return g
}
