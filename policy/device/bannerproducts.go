package device

const sys = SNMP | FTP | Telnet | Title | HTTP // where short model names are safe

// bannerPrinters are product lines of printers, copiers and print servers.
var bannerPrinters = []bannerGroup{
	{rank: rankProduct, kind: Printer, vendor: "HP", source: seenIn + "Recog, Nmap, foomatic-db, sane-airscan", patterns: "laserjet*|officejet*|" +
		"deskjet*|designjet*|photosmart*|jetdirect*|hp envy*|hp smart tank*|business inkjet*|hp psc*|digital sender*|edgeline*|" +
		"hp ethernet multi-environment|jd ftp server|color laser #*|laser mfp*|hp neverstop*"},
	{rank: rankProduct, kind: Printer, vendor: "HP", source: srcUnseen, patterns: "pagewide*|color inkjet*"},
	{rank: rankProduct, kind: Printer, vendor: "Brother", source: seenIn + "Recog, Nmap, sane-airscan", patterns: "mfc-#*|mfc-?#*|dcp-#*|dcp-?#*|" +
		"brother nc-*|hl-#*|hl-l#*|nc-#?"},
	{rank: rankProduct, in: SNMP, kind: Printer, source: seenIn + "Recog", patterns: "^* nc-#?, firmware ver*"},
	{rank: rankProduct, kind: Printer, vendor: "Canon", source: seenIn + "Recog, Nmap, sane-airscan", patterns: "imagerunner*|imagepress*|imageclass*|" +
		"laser shot*|i-sensys*|pixma*|canon ir*|canon ip*|canon mf#*|canon mg#*|canon lbp*|lbp#*|canon clc*|laser class*|canon large format*|" +
		"canon network*board*|scanfront*|remote ui*"},
	{rank: rankProduct, kind: Printer, vendor: "Canon", source: srcUnseen, patterns: "imageprograf*|maxify*|satera*|canon ts#*|canon gp#*|canon np#*|" +
		"color imagerunner*"},
	{rank: rankProduct, kind: Printer, vendor: "Epson", source: seenIn + "Recog, Nmap, sane-airscan", patterns: "workforce*|epson stylus*|epsonnet*|" +
		"epson al-*|al-c#*|aculaser*|epson lp-*|epson et-#*|epson xp-#*|epson wf-*"},
	{rank: rankProduct, kind: Printer, vendor: "Epson", source: srcUnseen, patterns: "al-m#*|epson tm-*|surecolor*"},
	{rank: rankProduct, in: Telnet, kind: Printer, vendor: "Epson", source: seenIn + "Recog", patterns: "^sorry, this system is engaged*"},
	{rank: rankProduct, kind: Printer, vendor: "Lexmark", source: seenIn + "Recog", patterns: "lexmark optra*|optra*|marknet*|lexmark forms printer*|" +
		"et%* ftp server"},
	{rank: rankProduct, kind: Printer, vendor: "Xerox", source: seenIn + "Recog, Nmap, sane-airscan", patterns: "workcentre*|phaser*|docuprint*|" +
		"docucolor*|document centre*|colorqube*|docutech*|xerox versalink*|versalink ?#*|altalink*|apeosport*|docucentre*|xerox color #*|" +
		"phasershare*|iot #*|apeos*"},
	{rank: rankProduct, kind: Printer, vendor: "Xerox", source: srcUnseen, patterns: "primelink*"},
	{rank: rankProduct, kind: Printer, vendor: "Ricoh", source: seenIn + "Recog, foomatic-db", patterns: "aficio*|ipsio*|infoprint*|maintenance shell*|" +
		"network printer c model|ricoh network printer*|ricoh pro*|ricoh mp*|ricoh im*|ricoh sp*"},
	{rank: rankProduct, kind: Printer, vendor: "Ricoh", source: srcUnseen, patterns: "priport*"},
	{rank: rankProduct, in: sys, kind: Printer, vendor: "Ricoh", source: seenIn + "Recog", patterns: "^mp c#*|^sp c#*"},
	{rank: rankProduct, kind: Printer, vendor: "Kyocera", source: seenIn + "Recog", patterns: "taskalfa*|ecosys*|fs-#*|fs-c#*|km-#"},
	{rank: rankProduct, kind: Printer, vendor: "Kyocera", source: srcUnseen, patterns: "km-c#*"},
	{rank: rankProduct, kind: Printer, vendor: "Konica Minolta", source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "bizhub*|" +
		"magicolor*|pagepro*|km ftpd*|dialta*"},
	{rank: rankProduct, kind: Printer, vendor: "Konica Minolta", source: srcUnseen, patterns: "accuriopress*"},
	{rank: rankProduct, kind: Printer, vendor: "OKI", source: seenIn + "Recog, Nmap, foomatic-db", patterns: "okilan*|oki data*|okipage*|microline*|" +
		"oki-*|oki c#*|oki b#*|oki mc#*|oki es#*"},
	{rank: rankProduct, kind: Printer, vendor: "Samsung", source: seenIn + "Recog, Nmap, foomatic-db", patterns: "samsung clp*|samsung clx*|" +
		"samsung scx*|samsung ml-*|clp-#*|clx-#*|scx-#*|ml-#?*|syncthru*|samsung sl-*|samsung c#*|samsung k#*|samsung m#*"},
	{rank: rankProduct, kind: Printer, vendor: "Samsung", source: srcUnseen, patterns: "samsung network printer*|samsung xpress*"},
	{rank: rankProduct, kind: Printer, vendor: "Dell", source: seenIn + "Recog, Nmap", patterns: "dell # laser*|dell #?n*|dell #?dn*|dell #cn*|" +
		"dell * laser printer|dell * color laser*|dell * laser mfp|dell laser*|dell * mfp|dell mfp*"},
	{rank: rankProduct, kind: Printer, vendor: "Sharp", source: seenIn + "Recog, ZTag", patterns: "sharp mx-*|sharp ar-*|mx-#*|mx-b#*|mx-m#*|mx-c#*|" +
		"ar-m#*|machine identification - *"},
	{rank: rankProduct, kind: Printer, vendor: "Sharp", source: srcUnseen, patterns: "sharp bp-*"},
	{rank: rankProduct, kind: Printer, vendor: "Toshiba", source: seenIn + "Recog, Nmap", patterns: "e-studio*|topaccess*"},
	{rank: rankProduct, kind: Printer, vendor: "Toshiba", source: srcUnseen, patterns: "estudio*"},
	{rank: rankProduct, kind: Printer, vendor: "Panasonic", source: srcUnseen, patterns: "kx-mb#*|kx-mc#*|kx-p#*|kx-cl#*|workio*"},
	{rank: rankProduct, kind: Printer, vendor: "Panasonic", source: seenIn + "Nmap, public code that talks to it", patterns: "panasonic dp-*|panafax*"},
	{rank: rankProduct, kind: Printer, vendor: "Zebra", source: seenIn + "Recog", patterns: "zebranet*|zbr-#*|zebra technologies*"},
	{rank: rankProduct, kind: Printer, vendor: "Honeywell", source: seenIn + "Recog", patterns: "honeywell printer*|pm#c"},
	{rank: rankProduct, kind: Printer, vendor: "Océ", source: seenIn + "Recog", patterns: "plotwave*|varioprint*|colorwave*|oce express webtools|" +
		"oce im#*"},
	{rank: rankProduct, kind: Printer, vendor: "Océ", source: srcUnseen, patterns: "arizona # *"},
	{rank: rankProduct, kind: Printer, vendor: "Axis", source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "axis 540*|axis 560*|" +
		"axis 5470*|axis officebasic*|axis 5600*|axis print*"},
	{rank: rankProduct, kind: Printer, vendor: "Axis", source: srcUnseen, patterns: "axis 1440*"},
	{rank: rankProduct, kind: Printer, vendor: "Extended Systems", source: seenIn + "Recog", patterns: "esi-#*|extendnet*"},
	{rank: rankProduct, kind: Printer, vendor: "MPI Technologies", source: seenIn + "Recog", patterns: "linkcom xpress*"},
	{rank: rankProduct, kind: Printer, vendor: "Lantronix", source: seenIn + "Recog, Nmap", patterns: "lantronix eps#*|lantronix mps#*"},
	{rank: rankProduct, kind: Printer, vendor: "Datamax", source: seenIn + "Recog", patterns: "datamax *-class*|i-class #|dmxrfnet*"},
	{rank: rankProduct, kind: Printer, vendor: "D-Link", source: seenIn + "Nmap, public code that talks to it", patterns: "dp-30#*|dpr-#*|d-link dp-*"},
	{rank: rankProduct, kind: Printer, vendor: "Unisys", source: seenIn + "Recog", patterns: "unisys uds#*"},
	{rank: rankProduct, kind: Printer, source: seenIn + "Recog, Nmap, foomatic-db, Exploit-DB", patterns: "netque*|monarch #*|monarch m#*|qms #*|" +
		"pricom*|emulex netque*|efi ftp print*|tektronix* phaser*|ps110|ps101|intel netport*|fastmark*|source technologies*|microplex*|" +
		"axis * print server"},
	{rank: rankProduct, kind: Printer, source: srcUnseen, patterns: "troy #*|tally t#*|primera*"},
	{rank: rankProduct, in: FTP, kind: Printer, source: seenIn + "Recog", patterns: "^printer ftp #*|^printer's ftp server*|^lxk%*"},
	{rank: rankProduct, in: FTP, kind: Printer, vendor: "Konica Minolta", source: seenIn + "Recog", patterns: "^km% ftp server*"},
	{rank: rankProduct, in: SNMP, kind: Printer, source: seenIn + "Recog", patterns: "all-n-1|^sp#$|nic v#*"},
}

// bannerRouters are product lines of home and small-office routers, modems, access points.
var bannerRouters = []bannerGroup{
	{rank: rankProduct, kind: Router, vendor: "AVM", source: seenIn + "Recog", patterns: "fritz!*|fritzbox*"},
	{rank: rankProduct, kind: Router, vendor: "AVM", source: srcUnseen, patterns: "fritz box*"},
	{rank: rankProduct, kind: Router, vendor: "TP-Link", source: seenIn + "Recog, RouterSploit, Gluon, Exploit-DB", patterns: "tl-wr#*|tl-wa#*|tl-mr#*|" +
		"tl-wdr#*|td-#*|td-w#*|td#w|archer ?#*|archer ax#*|tp-link wireless*|tp-link router*|wr#n*|wa#n*"},
	{rank: rankProduct, kind: Router, vendor: "TP-Link", source: srcUnseen, patterns: "tl-r#*|tl-er#*|tl-wpa#*|td-v#*|td-vg#*|archer vr#*|archer mr#*|" +
		"deco ?#*"},
	{rank: rankProduct, in: HTTP, kind: Router, vendor: "TP-Link", source: seenIn + "Recog", patterns: "^td#$|^td#?*"},
	{rank: rankProduct, kind: Router, vendor: "D-Link", source: seenIn + "Recog, Nmap, RouterSploit, Exploit-DB, public code that talks to it", patterns: "dir-#*|" +
		"dap-#*|dwl-#*|dwr-#*|dva-#*|di-#*|dgl-#*|dsl-#*|dsl-g#*|dsr-#*"},
	{rank: rankProduct, kind: Router, vendor: "D-Link", source: srcUnseen, patterns: "dwm-#*"},
	{rank: rankProduct, kind: Router, vendor: "NETGEAR", source: seenIn + "Recog, Nmap, WhatWeb, RouterSploit, Exploit-DB", patterns: "wndr#*|wnr#*|" +
		"wgr#*|wgt#*|wndap#*|wnap#*|wg10#*|dgn#*|dgnd#*|dg83#*|wpn#*|wn#rp*|cg#*|mbr#*|fvs#*|fwg#*|nighthawk*|rangemax*|orbi*|netgear r#*|" +
		"netgear d#*|netgear c#*"},
	{rank: rankProduct, kind: Router, vendor: "NETGEAR", source: srcUnseen, patterns: "dgnb#*|netgear wac#*|ex#* range extender"},
	{rank: rankProduct, kind: Router, vendor: "Linksys", source: seenIn + "Recog, Nmap, RouterSploit, Gluon, Exploit-DB", patterns: "linksyswrt*|wrt#*|" +
		"wap#*|wag#*|wrv#*|befsr#*|befw#*|befsx#*|befcmu*|rv0#|linksys smart wi-fi|velop*|linksys e#*|linksys ea#*"},
	{rank: rankProduct, kind: Router, vendor: "Linksys", source: srcUnseen, patterns: "linksys x#*"},
	{rank: rankProduct, kind: Router, vendor: "Cisco", source: seenIn + "Recog, Nmap", patterns: "cisco rv#*|cisco small business rv*|rv#*|aironet*|" +
		"cisco wap#*|cisco dpc#*|dpc#*|epc#*|cisco 7#"},
	{rank: rankProduct, in: SNMP | Telnet, kind: Router, vendor: "Cisco", source: srcUnseen, patterns: "cisco ap|ap#-k9w#-*|c#ap software*"},
	{rank: rankProduct, kind: Router, vendor: "Cisco Meraki", source: seenIn + "Recog", patterns: "meraki mr#*"},
	{rank: rankProduct, kind: Router, vendor: "Cisco Meraki", source: srcUnseen, patterns: "meraki mx#*|meraki z#*"},
	{rank: rankProduct, kind: Router, vendor: "ASUS", source: seenIn + "Recog, Nmap, ZTag, Gluon, public code that talks to it", patterns: "rt-ac#*|" +
		"rt-ax#*|rt-n#*|rt-g#*|brt-ac#*|tm-ac#*|dsl-ac#*|dsl-n#*|asuswrt*|asus wireless*|aicloud|zenwifi*|asus login"},
	{rank: rankProduct, kind: Router, vendor: "ASUS", source: srcUnseen, patterns: "rt-be#*|gt-ac#*|gt-ax#*"},
	{rank: rankProduct, kind: Router, vendor: "Zyxel", source: seenIn + "Recog, Nmap, WhatWeb, Gluon, Exploit-DB", patterns: "prestige #*|prestige*|" +
		"p-660*|p-6#*|p-8#*|p-2#*|p-3#*|vmg#*|nbg-#*|nbg#*|zyair*|nwa#*|nwa-#*|hes_cpe*|keenetic*|emg#*|p6#r*|zyxel-rompager*|sbg#*"},
	{rank: rankProduct, kind: Router, vendor: "Zyxel", source: srcUnseen, patterns: "amg#*"},
	{rank: rankProduct, kind: Router, vendor: "DrayTek", source: seenIn + "Recog", patterns: "vigor*"},
	{rank: rankProduct, kind: Router, vendor: "MikroTik", source: seenIn + "Recog, Nmap", patterns: "routeros*|mikrotik v#*|mikrotik httpproxy|" +
		"mikrotik ftp server*"},
	{rank: rankProduct, kind: Router, vendor: "Huawei", source: seenIn + "Recog, Nmap, RouterSploit, Exploit-DB", patterns: "echolife*|smartax*|" +
		"huaweihomegateway|hg#*|huawei home gateway*|huawei b#*|huawei e#*|huawei-atp-*|quidway ar#*"},
	{rank: rankProduct, kind: Router, vendor: "Huawei", source: srcUnseen, patterns: "eg8#*|ws3#*|ws5#*"},
	{rank: rankProduct, kind: Router, vendor: "ZTE", source: seenIn + "Recog, Nmap", patterns: "zxhn*|zxv10*|zxdsl*|zte mf#*"},
	{rank: rankProduct, kind: Router, vendor: "ZTE", source: srcUnseen, patterns: "zxa10*"},
	{rank: rankProduct, in: Telnet | HTTP | Title, kind: Router, vendor: "ZTE", source: seenIn + "Recog", patterns: "^f6#*|zte f6#*"},
	{rank: rankProduct, kind: Router, vendor: "Thomson", source: seenIn + "Recog, RouterSploit, Exploit-DB", patterns: "speedtouch*|thomson gateway|" +
		"thomson tg#*|tg#*|tcw#*|dwg#*"},
	{rank: rankProduct, kind: Router, vendor: "Thomson", source: srcUnseen, patterns: "homeware*|thg#*"},
	{rank: rankProduct, kind: Router, vendor: "Efficient Networks", source: seenIn + "Recog, Nmap", patterns: "speedstream*|siemens subscriber networks*"},
	{rank: rankProduct, kind: Router, vendor: "Gigaset", source: seenIn + "Nmap", patterns: "gigaset se#*|gigaset sx#*"},
	{rank: rankProduct, kind: Router, vendor: "Ubiquiti", source: seenIn + "Recog, WhatWeb, Gluon", patterns: "airos*|aircube*|amplifi*|nanostation*|" +
		"nanobeam*|rocket m#*|uap-*|uap|unifi security gateway|edgerouter*|edgeos*|unifi ap*"},
	{rank: rankProduct, kind: Router, vendor: "Ubiquiti", source: srcUnseen, patterns: "litebeam*|powerbeam*|airgrid*|unifi dream machine*|u6-*"},
	{rank: rankProduct, kind: Router, vendor: "Apple", source: seenIn + "Recog", patterns: "airport extreme*|airport express*|apple airport*|" +
		"airport base station*|apple base station*|time capsule*"},
	{rank: rankProduct, kind: Router, source: "the firmware's own name", patterns: "openwrt*|lede|dd-wrt*|upnp/tomato*|^tomato|tomatousb*|freshtomato*|advancedtomato*|gargoyle*|padavan|libremesh|turris*|chillispot|coova*|(build #) - info"},
	{rank: rankProduct, kind: Router, source: "the provider's name for its router", patterns: "livebox*|neufbox*|sfr box*|bbox*|speedport*|easybox*|easy.box|o2 box|o2 homebox|connect box|bt home hub*|bt hub|bthomehub*|bt smart hub*|sky hub*|sky router*|super hub*|" +
		"virgin media hub*|plusnet hub*|vodafone station*|alice gate*|netiaspot*|homestation*|google wifi|google fiber network box*|onhub|xfinity*|fastgate*|tim hub*"},
	{rank: rankProduct, kind: Router, vendor: "Free", source: "the provider's name for its router; public fingerprints", patterns: "freebox*|fbxrtspd*|fbxwsd*"},
	{rank: rankProduct, kind: Router, vendor: "Sagemcom", source: seenIn + "Nmap, Exploit-DB", patterns: "f@st*|sagemcom*"},
	{rank: rankProduct, kind: Router, vendor: "Motorola", source: seenIn + "Nmap, Exploit-DB", patterns: "surfboard*|sb5#*|sb6#*|sbg#*|sbv#*|canopy*"},
	{rank: rankProduct, kind: Router, vendor: "ARRIS", source: seenIn + "Recog, Nmap", patterns: "touchstone*|arris tg#*|arris tm#*"},
	{rank: rankProduct, kind: Router, vendor: "ARRIS", source: srcUnseen, patterns: "arris nvg#*"},
	{rank: rankProduct, kind: Router, vendor: "SMC Networks", source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "smcd3*|smc8#*|" +
		"smcwbr#*|barricade*"},
	{rank: rankProduct, kind: Router, vendor: "SMC Networks", source: srcUnseen, patterns: "smcwebt*"},
	{rank: rankProduct, kind: Router, source: srcDocsis, patterns: "<<hw_rev*|hw_rev: *|docsis*|eurodocsis*|bootr: *|dcm#*|pcx#*|cg4#*"},
	{rank: rankProduct, kind: Router, vendor: "Eltex", source: seenIn + "Recog", patterns: "ntp-rg-*|ntu-*|ntp-2*|ntp-rg*|rg-#*"},
	{rank: rankProduct, kind: Router, vendor: "Eltex", source: srcUnseen, patterns: "wep-#*|wop-#*"},
	{rank: rankProduct, kind: Router, vendor: "Netopia", source: seenIn + "Recog, Nmap", patterns: "netopia #*|netopia r#*|cayman-dsl*"},
	{rank: rankProduct, kind: Router, vendor: "HP", source: seenIn + "Recog, Gluon", patterns: "procurve access point*|msm#*"},
	{rank: rankProduct, kind: Router, vendor: "HP", source: srcUnseen, patterns: "hp access point*|colubris*"},
	{rank: rankProduct, kind: Router, vendor: "Symbol", source: seenIn + "Recog", patterns: "spectrum24*|symbol access point*"},
	{rank: rankProduct, kind: Router, vendor: "Symbol", source: srcUnseen, patterns: "symbol ap*"},
	{rank: rankProduct, kind: Router, vendor: "Avaya", source: srcUnseen, patterns: "avaya ap-#*|avaya wireless ap*"},
	{rank: rankProduct, kind: Router, vendor: "Proxim", source: srcUnseen, patterns: "ap-4000*|ap-2000*|ap-700*|ap-8000*"},
	{rank: rankProduct, kind: Router, vendor: "Proxim", source: seenIn + "Nmap", patterns: "ap-600*|tsunami*|orinoco ap*"},
	{rank: rankProduct, kind: Router, vendor: "Enterasys", source: seenIn + "Nmap", patterns: "roamabout*"},
	{rank: rankProduct, kind: Router, vendor: "Digi", source: seenIn + "Recog", patterns: "digi tx#*|transport wr#*|^wr#*"},
	{rank: rankProduct, kind: Router, vendor: "Conexant", source: seenIn + "Recog", patterns: "conexant*|globespan*"},
	{rank: rankProduct, kind: Router, vendor: "Redline", source: seenIn + "Recog", patterns: "rdl-#*|connect-ow*"},
	{rank: rankProduct, kind: Router, vendor: "LigoWave", source: seenIn + "Recog", patterns: "dlb apc*"},
	{rank: rankProduct, kind: Router, vendor: "LigoWave", source: srcUnseen, patterns: "dlb #*|dlb propeller*"},
	{rank: rankProduct, kind: Router, vendor: "Clipcomm", source: seenIn + "Recog", patterns: "kws-#*"},
	{rank: rankProduct, kind: Router, vendor: "SonicWall", source: seenIn + "Recog", patterns: "sonicpoint*"},
	{rank: rankProduct, kind: Router, vendor: "SonicWall", source: srcUnseen, patterns: "sonicwave*"},
	{rank: rankProduct, in: HTTP, kind: Router, vendor: "Patton", source: seenIn + "Recog", patterns: "^system setup$"},
	{rank: rankProduct, kind: Router, vendor: "AirTies", source: seenIn + "Recog, Exploit-DB", patterns: "air5#*|air4#*"},
	{rank: rankProduct, kind: Router, vendor: "Aruba", source: seenIn + "Exploit-DB", patterns: "aruba instant*"},
	{rank: rankProduct, kind: Router, vendor: "Aruba", source: srcUnseen, patterns: "aruba ap*|aruba ap-*|iap-#*|model: 1#), version"},
	{rank: rankProduct, kind: Router, vendor: "3Com", source: seenIn + "Recog, Nmap", patterns: "officeconnect cable*|officeconnect remote*|" +
		"officeconnect wireless*|officeconnect adsl*|3com ap*|3com wireless*"},
	{rank: rankProduct, kind: Router, vendor: "3Com", source: srcUnseen, patterns: "airconnect*|3com wl-*"},
}
