package device

const sys = SNMP | FTP | Telnet | Title | HTTP // where short model names are safe

// bannerPrinters are product lines of printers, copiers and print servers.
var bannerPrinters = []bannerGroup{
	{rank: rankProduct, kind: Printer, vendor: "HP", source: srcLine, patterns: "laserjet*|officejet*|deskjet*|designjet*|photosmart*|pagewide*|" +
		"jetdirect*|hp envy*|hp smart tank*|business inkjet*|color inkjet*|hp psc*|digital sender*|edgeline*|hp ethernet multi-environment|jd ftp server|" +
		"color laser #*|laser mfp*|hp neverstop*"},
	{rank: rankProduct, kind: Printer, vendor: "Brother", source: srcLine, patterns: "mfc-#*|mfc-?#*|dcp-#*|dcp-?#*|brother nc-*|hl-#*|hl-l#*|nc-#?"},
	{rank: rankProduct, in: SNMP, kind: Printer, source: srcRecog, patterns: "^* nc-#?, firmware ver*"},
	{rank: rankProduct, kind: Printer, vendor: "Canon", source: srcLine, patterns: "imagerunner*|imagepress*|imageclass*|imageprograf*|laser shot*|" +
		"i-sensys*|pixma*|maxify*|satera*|canon ir*|canon ip*|canon mf#*|canon mg#*|canon ts#*|canon lbp*|lbp#*|canon clc*|laser class*|canon large format*|" +
		"canon network*board*|scanfront*|remote ui*|canon gp#*|canon np#*|color imagerunner*"},
	{rank: rankProduct, kind: Printer, vendor: "Epson", source: srcLine, patterns: "workforce*|epson stylus*|epsonnet*|epson al-*|al-c#*|al-m#*|aculaser*|" +
		"epson lp-*|epson et-#*|epson xp-#*|epson wf-*|epson tm-*|surecolor*"},
	{rank: rankProduct, in: Telnet, kind: Printer, vendor: "Epson", source: srcRecog, patterns: "^sorry, this system is engaged*"},
	{rank: rankProduct, kind: Printer, vendor: "Lexmark", source: srcLine, patterns: "lexmark optra*|optra*|marknet*|lexmark forms printer*|et%* ftp server"},
	{rank: rankProduct, kind: Printer, vendor: "Xerox", source: srcLine, patterns: "workcentre*|phaser*|docuprint*|docucolor*|document centre*|" +
		"colorqube*|docutech*|xerox versalink*|versalink ?#*|altalink*|primelink*|apeosport*|docucentre*|xerox color #*|phasershare*|iot #*|apeos*"},
	{rank: rankProduct, kind: Printer, vendor: "Ricoh", source: srcLine, patterns: "aficio*|ipsio*|infoprint*|maintenance shell*|network printer c model|" +
		"ricoh network printer*|ricoh pro*|ricoh mp*|ricoh im*|ricoh sp*|priport*"},
	{rank: rankProduct, in: sys, kind: Printer, vendor: "Ricoh", source: srcLine, patterns: "^mp c#*|^sp c#*"},
	{rank: rankProduct, kind: Printer, vendor: "Kyocera", source: srcLine, patterns: "taskalfa*|ecosys*|fs-#*|fs-c#*|km-#|km-c#*"},
	{rank: rankProduct, kind: Printer, vendor: "Konica Minolta", source: srcLine, patterns: "bizhub*|magicolor*|pagepro*|km ftpd*|dialta*|accuriopress*"},
	{rank: rankProduct, kind: Printer, vendor: "OKI", source: srcLine, patterns: "okilan*|oki data*|okipage*|microline*|oki-*|oki c#*|oki b#*|oki mc#*|oki es#*"},
	{rank: rankProduct, kind: Printer, vendor: "Samsung", source: srcLine, patterns: "samsung clp*|samsung clx*|samsung scx*|samsung ml-*|clp-#*|clx-#*|scx-#*|" +
		"ml-#?*|syncthru*|samsung network printer*|samsung xpress*|samsung sl-*|samsung c#*|samsung k#*|samsung m#*"},
	{rank: rankProduct, kind: Printer, vendor: "Dell", source: srcLine, patterns: "dell # laser*|dell #?n*|dell #?dn*|dell #cn*|dell * laser printer|dell * color laser*|dell * laser mfp|" +
		"dell laser*|dell * mfp|dell mfp*"},
	{rank: rankProduct, kind: Printer, vendor: "Sharp", source: srcLine, patterns: "sharp mx-*|sharp ar-*|mx-#*|mx-b#*|mx-m#*|mx-c#*|ar-m#*|ar-#* ver|sharp bp-*|" +
		"machine identification - *"},
	{rank: rankProduct, kind: Printer, vendor: "Toshiba", source: srcLine, patterns: "e-studio*|estudio*|topaccess*"},
	{rank: rankProduct, kind: Printer, vendor: "Panasonic", source: srcLine, patterns: "kx-mb#*|kx-mc#*|kx-p#*|kx-cl#*|workio*|panasonic dp-*|panafax*"},
	{rank: rankProduct, kind: Printer, vendor: "Zebra", source: srcLine, patterns: "zebranet*|zbr-#*|zbr#*|zebra technologies*"},
	{rank: rankProduct, kind: Printer, vendor: "Honeywell", source: srcLine, patterns: "honeywell printer*|pm#c"},
	{rank: rankProduct, kind: Printer, vendor: "Océ", source: srcLine, patterns: "plotwave*|varioprint*|colorwave*|oce express webtools|oce im#*|arizona # *"},
	{rank: rankProduct, kind: Printer, vendor: "Axis", source: srcLine, patterns: "axis 540*|axis 560*|axis 5470*|axis officebasic*|axis 5600*|axis 1440*|axis print*"},
	{rank: rankProduct, kind: Printer, vendor: "Extended Systems", source: srcRecog, patterns: "esi-#*|extendnet*"},
	{rank: rankProduct, kind: Printer, vendor: "MPI Technologies", source: srcRecog, patterns: "linkcom xpress*"},
	{rank: rankProduct, kind: Printer, vendor: "Lantronix", source: srcLine, patterns: "lantronix eps#*|lantronix mps#*"},
	{rank: rankProduct, kind: Printer, vendor: "Datamax", source: srcLine, patterns: "datamax *-class*|i-class #|dmxrfnet*|dmxnet*"},
	{rank: rankProduct, kind: Printer, vendor: "D-Link", source: srcLine, patterns: "dp-30#*|dpr-#*|d-link dp-*"},
	{rank: rankProduct, kind: Printer, vendor: "Unisys", source: srcRecog, patterns: "unisys uds#*"},
	{rank: rankProduct, kind: Printer, source: srcRecog, patterns: "netque*|monarch #*|monarch m#*|qms #*|troy #*|pricom*|emulex netque*|efi ftp print*|" +
		"tektronix* phaser*|ps110|ps113|ps101|epsx3|netport express*|intel netport*|tally t#*|primera*|fastmark*|source technologies*|microplex*|axis * print server"},
	{rank: rankProduct, in: FTP, kind: Printer, source: srcRecog, patterns: "^printer ftp #*|^printer's ftp server*|^lxk%*"},
	{rank: rankProduct, in: FTP, kind: Printer, vendor: "Konica Minolta", source: srcRecog, patterns: "^km% ftp server*"},
	{rank: rankProduct, in: SNMP, kind: Printer, source: srcRecog, patterns: "all-n-1|^sp#$|nic v#*"},
}

// bannerRouters are product lines of home and small-office routers, modems, access points.
var bannerRouters = []bannerGroup{
	{rank: rankProduct, kind: Router, vendor: "AVM", source: srcLine, patterns: "fritz!*|fritz box*|fritzbox*"},
	{rank: rankProduct, kind: Router, vendor: "TP-Link", source: srcLine, patterns: "tl-wr#*|tl-wa#*|tl-mr#*|tl-wdr#*|tl-r#*|tl-er#*|tl-wpa#*|td-#*|td-w#*|td-v#*|td-vg#*|" +
		"td#w|archer ?#*|archer vr#*|archer ax#*|archer mr#*|deco ?#*|tp-link wireless*|tp-link router*|wr#n*|wa#n*"},
	{rank: rankProduct, in: HTTP, kind: Router, vendor: "TP-Link", source: srcLine, patterns: "^td#$|^td#?*"},
	{rank: rankProduct, kind: Router, vendor: "D-Link", source: srcLine, patterns: "dir-#*|dap-#*|dwl-#*|dwr-#*|dva-#*|di-#*|dgl-#*|dsl-#*|dsl-g#*|dsr-#*|dlinkrouter*|dwm-#*"},
	{rank: rankProduct, kind: Router, vendor: "NETGEAR", source: srcLine, patterns: "wndr#*|wnr#*|wgr#*|wgt#*|wndap#*|wnap#*|wg10#*|dgn#*|dgnd#*|dg83#*|dgnb#*|wpn#*|wn#rp*|cg#*|mbr#*|fvs#*|fwg#*|" +
		"nighthawk*|rangemax*|orbi*|netgear r#*|netgear d#*|netgear c#*|netgear wac#*|ex#* range extender"},
	{rank: rankProduct, kind: Router, vendor: "Linksys", source: srcLine, patterns: "linksyswrt*|linksyswag*|wrt#*|wap#*|wag#*|wrv#*|befsr#*|befw#*|befsx#*|befcmu*|rv0#|linksys smart wi-fi|velop*|linksys e#*|linksys ea#*|linksys x#*"},
	{rank: rankProduct, kind: Router, vendor: "Cisco", source: srcLine, patterns: "cisco rv#*|cisco small business rv*|rv#*|aironet*|cisco ap|cisco wap#*|cisco dpc#*|dpc#*|epc#*|cisco 7#|ap#-k9w#-*|c#ap software*"},
	{rank: rankProduct, kind: Router, vendor: "Cisco Meraki", source: srcLine, patterns: "meraki mr#*|meraki mx#*|meraki z#*"},
	{rank: rankProduct, kind: Router, vendor: "ASUS", source: srcLine, patterns: "rt-ac#*|rt-ax#*|rt-n#*|rt-g#*|rt-be#*|brt-ac#*|gt-ac#*|gt-ax#*|tm-ac#*|dsl-ac#*|dsl-n#*|asuswrt*|asus wireless*|aicloud|zenwifi*|asus login"},
	{rank: rankProduct, kind: Router, vendor: "Zyxel", source: srcLine, patterns: "prestige #*|prestige*|p-660*|p-6#*|p-8#*|p-2#*|p-3#*|vmg#*|nbg-#*|nbg#*|amg#*|zyair*|nwa#*|nwa-#*|hes_cpe*|keenetic*|emg#*|p6#r*|zyxel-rompager*|sbg#*"},
	{rank: rankProduct, kind: Router, vendor: "DrayTek", source: srcLine, patterns: "vigor*"},
	{rank: rankProduct, kind: Router, vendor: "MikroTik", source: srcLine, patterns: "routeros*|mikrotik v#*|mikrotik httpproxy|mikrotik ftp server*"},
	{rank: rankProduct, kind: Router, vendor: "Huawei", source: srcLine, patterns: "echolife*|smartax*|huaweihomegateway|hg#*|huawei home gateway*|eg8#*|huawei b#*|huawei e#*|ws3#*|ws5#*|huawei-atp-*|quidway ar#*"},
	{rank: rankProduct, kind: Router, vendor: "ZTE", source: srcLine, patterns: "zxhn*|zxv10*|zxdsl*|zxa10*|zte mf#*"},
	{rank: rankProduct, in: Telnet | HTTP | Title, kind: Router, vendor: "ZTE", source: srcRecog, patterns: "^f6#*|zte f6#*"},
	{rank: rankProduct, kind: Router, vendor: "Thomson", source: srcLine, patterns: "speedtouch*|thomson gateway|thomson tg#*|tg#*|homeware*|tcw#*|thg#*|dwg#*"},
	{rank: rankProduct, kind: Router, vendor: "Efficient Networks", source: srcLine, patterns: "speedstream*|siemens subscriber networks*"},
	{rank: rankProduct, kind: Router, vendor: "Gigaset", source: srcLine, patterns: "gigaset se#*|gigaset sx#*"},
	{rank: rankProduct, kind: Router, vendor: "Ubiquiti", source: srcLine, patterns: "airos*|aircube*|amplifi*|nanostation*|nanobeam*|litebeam*|powerbeam*|rocket m#*|airgrid*|uap-*|uap|unifi security gateway|unifi dream machine*|u6-*|edgerouter*|edgeos*|unifi ap*"},
	{rank: rankProduct, kind: Router, vendor: "Apple", source: srcLine, patterns: "airport extreme*|airport express*|apple airport*|airport base station*|apple base station*|time capsule*"},
	{rank: rankProduct, kind: Router, source: "the firmware's own name", patterns: "openwrt*|lede|dd-wrt*|tomato/*|upnp/tomato*|^tomato|tomatousb*|freshtomato*|advancedtomato*|gargoyle*|padavan|libremesh|turris*|chillispot|coova*|(build #) - info"},
	{rank: rankProduct, kind: Router, source: "the provider's name for its router", patterns: "livebox*|neufbox*|sfr box*|bbox*|speedport*|easybox*|easy.box|o2 box|o2 homebox|connect box|bt home hub*|bt hub|bthomehub*|bt smart hub*|sky hub*|sky router*|super hub*|" +
		"virgin media hub*|plusnet hub*|vodafone station*|alice gate*|netiaspot*|homestation*|google wifi|google fiber network box*|onhub|xfinity*|fastgate*|tim hub*"},
	{rank: rankProduct, kind: Router, vendor: "Free", source: "the provider's name for its router; public fingerprints", patterns: "freebox*|fbxrtspd*|fbxwsd*"},
	{rank: rankProduct, kind: Router, vendor: "Sagemcom", source: srcLine, patterns: "f@st*|sagemcom*"},
	{rank: rankProduct, kind: Router, vendor: "Motorola", source: srcLine, patterns: "surfboard*|sb5#*|sb6#*|sbg#*|sbv#*|canopy*"},
	{rank: rankProduct, kind: Router, vendor: "ARRIS", source: srcLine, patterns: "touchstone*|arris tg#*|arris tm#*|arris nvg#*"},
	{rank: rankProduct, kind: Router, vendor: "SMC Networks", source: srcLine, patterns: "smcd3*|smc8#*|smcwbr#*|smcwebt*|barricade*"},
	{rank: rankProduct, kind: Router, source: srcDocsis, patterns: "<<hw_rev*|hw_rev: *|docsis*|eurodocsis*|bootr: *|pipe rider*|com21 comport*|dcm#*|pcx#*|cg4#*"},
	{rank: rankProduct, kind: Router, vendor: "Eltex", source: srcRecog, patterns: "ntp-rg-*|ntu-*|ntp-2*|ntp-rg*|wep-#*|wop-#*|rg-#*"},
	{rank: rankProduct, kind: Router, vendor: "Netopia", source: srcLine, patterns: "netopia #*|netopia r#*|cayman-dsl*"},
	{rank: rankProduct, kind: Router, vendor: "HP", source: srcLine, patterns: "procurve access point*|hp access point*|colubris*|msm#*"},
	{rank: rankProduct, kind: Router, vendor: "Symbol", source: srcLine, patterns: "spectrum24*|symbol access point*|symbol ap*"},
	{rank: rankProduct, kind: Router, vendor: "Avaya", source: srcLine, patterns: "avaya ap-#*|avaya wireless ap*"},
	{rank: rankProduct, kind: Router, vendor: "Proxim", source: srcLine, patterns: "ap-4000*|ap-2000*|ap-600*|ap-700*|ap-8000*|tsunami*|orinoco ap*"},
	{rank: rankProduct, kind: Router, vendor: "Enterasys", source: srcLine, patterns: "roamabout*"},
	{rank: rankProduct, kind: Router, vendor: "Digi", source: srcLine, patterns: "digi tx#*|transport wr#*|^wr#*"},
	{rank: rankProduct, kind: Router, vendor: "Conexant", source: srcRecog, patterns: "conexant*|globespan*|viking*adsl*"},
	{rank: rankProduct, kind: Router, vendor: "Redline", source: srcRecog, patterns: "rdl-#*|connect-ow*"},
	{rank: rankProduct, kind: Router, vendor: "LigoWave", source: srcRecog, patterns: "dlb apc*|dlb #*|dlb propeller*"},
	{rank: rankProduct, kind: Router, vendor: "Clipcomm", source: srcRecog, patterns: "kws-#*"},
	{rank: rankProduct, kind: Router, vendor: "SonicWall", source: srcLine, patterns: "sonicpoint*|sonicwave*"},
	{rank: rankProduct, in: HTTP, kind: Router, vendor: "Patton", source: srcRecog, patterns: "^system setup$"},
	{rank: rankProduct, kind: Router, vendor: "AirTies", source: srcRecog, patterns: "air5#*|air4#*"},
	{rank: rankProduct, kind: Router, vendor: "Aruba", source: srcLine, patterns: "aruba instant*|aruba ap*|aruba ap-*|iap-#*|model: 1#), version"},
	{rank: rankProduct, kind: Router, vendor: "3Com", source: srcLine, patterns: "officeconnect cable*|officeconnect remote*|officeconnect wireless*|officeconnect adsl*|airconnect*|3com wl-*|3com ap*|3com wireless*|homeconnect*"},
}
