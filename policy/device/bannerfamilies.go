package device

// The collections whose facts these groups tell; none of their patterns is here.
const (
	srcNmap    = "facts of Nmap's nmap-service-probes, "
	srcWhatWeb = "facts of WhatWeb's plugins/"
	srcZTag    = "facts of ZTag's ztag/annotations/"
)

// bannerFamilies are families of devices, and software that runs on devices only,
// that public collections of greetings agree on. Each group names its documents.
var bannerFamilies = []bannerGroup{
	// Routers, modems, access points: makers.
	{rank: rankMaker, kind: Router, source: srcNmap + "products with d/WAP/, d/router/, d/broadband router/", patterns: "billion|netcomm|sitecom*|levelone|" +
		"conceptronic|corega|ovislink|copperjet*|usrobotics|u.s.robotics|pirelli|teldat|maipu|phicomm|oneaccess*|la fonera|dovado|sierra wireless*|" +
		"airspan|airaya|osbridge|gemtek|inventel|alice access gateway|openrg*|speed touch*|homeportal|nomadix|volktek|aerolink|siyou server"},
	{rank: rankMaker, kind: Router, source: srcNmap + "Edimax, Tenda, Aironet, AirLive and Zonet", patterns: "edimax|tenda|aironet|airlive|zonet"},
	{rank: rankMaker, kind: Router, source: srcWhatWeb + "{AnyGate,ipTIME-Router,FITELnet-Router,IPMATE-Router,NetVehicle,PROLiNK-Router,Tilgin-Router,Micronet-Router}.rb",
		patterns: "anygate*|iptime*|fitelnet*|ipmate*|netvehicle*|prolink|tilgin|micronet"},
	{rank: rankMaker, in: pages, kind: Router, source: srcWhatWeb + "{FITELnet-Router,I-O-DATA-Router,ICOM-Router,Intoto-Router,Infinet-Wireless-WANFleX-Router,TreeNeWS}.rb",
		patterns: "^gr-httpd*|wn-g#*|^icom http server*|^intoto http server*|^wanflex http*|^treenews/*"},
	{rank: rankMaker, in: FTP, kind: Router, source: srcZTag + "{FtpZyXel,FtpFullrate,FtpZte,FtpDrayTek,FtpSoftAtHome,FtpAsus}.py",
		patterns: "ftp version #.# ready at*|draytek ftp version*|welcome to softathome*|welcome to asus*"},

	{rank: rankMaker, in: pages, kind: Router, source: srcNmap + "Virata-EmWeb under Nucleus and ISOS, Edimax realms, UPnP gateways", patterns: "nucleus/*virata-emweb*|unknown/*virata-emweb*|" +
		"default: admin/#*|myigd/*|bskyb *"},
	{rank: rankMaker, in: pages, kind: Other, source: srcNmap + "httpd that call themselves embedded; WhatWeb's Sitecom-NAS.rb, Router.rb", patterns: "^embedded http*|^embeded_httpd*|^mbedthis*|" +
		"login enter password (default is *|enter password (default is *"},

	// Routers: product lines.
	{rank: rankProduct, kind: Router, vendor: "Buffalo", source: srcNmap + "Buffalo AirStation", patterns: "airstation*"},
	{rank: rankProduct, kind: Router, vendor: "NEC", source: srcNmap + "NEC Aterm", patterns: "aterm|aterm(*"},
	{rank: rankProduct, kind: Router, vendor: "TRENDnet", source: srcNmap + "TRENDnet WAPs", patterns: "tew-#*"},
	{rank: rankProduct, kind: Router, vendor: "LevelOne", source: srcNmap + "LevelOne WBR- and FBR-; WhatWeb's Level1-Router.rb", patterns: "wbr-#*|fbr-#*"},
	{rank: rankProduct, kind: Router, vendor: "USRobotics", source: srcNmap + "USRobotics routers", patterns: "usr#|u.s.robotics"},
	{rank: rankProduct, kind: Router, vendor: "Huawei", source: srcNmap + "Huawei SmartAX MT88n, HG series telnetd", patterns: "mt88#|welcome to atp cli*|hgw ?c#*"},
	{rank: rankProduct, in: SSH, kind: Router, vendor: "Huawei", source: srcNmap + "Huawei VRP sshd", patterns: "^vrp-#*"},
	{rank: rankProduct, kind: Router, vendor: "ZTE", source: srcNmap + "ZTE router httpd", patterns: "zte web server*|mini web server # zte*|mini web server #.# zte*|cpe@zte.com"},
	{rank: rankProduct, kind: Router, vendor: "NETGEAR", source: srcNmap + "Netgear routers", patterns: "fr114*|fm114*|mr814*|rp614*|rp114*|dm602*|wg602*|fvl#*|dgfv#*"},
	{rank: rankProduct, kind: Router, vendor: "Zyxel", source: srcNmap + "ZyXEL modem http config", patterns: "^.::welcome to *"},
	{rank: rankProduct, kind: Router, vendor: "ASUS", source: srcNmap + "Asus WL- WAPs", patterns: "wl-500*|wl-600*|wl-520*|wl700*|asus500router"},
	{rank: rankProduct, kind: Router, vendor: "D-Link", source: srcNmap + "D-Link SharePort, DIR-100, DSL-2640", patterns: "^alpha_webserv*|^alphanetworks*|^linux, webaccess/*|dsl# router|dwl-?#*"},
	{rank: rankProduct, kind: Router, vendor: "Scientific Atlanta", source: srcNmap + "Scientific Atlanta WebSTAR", patterns: "webstar cable modem*"},
	{rank: rankProduct, kind: Router, vendor: "Western Digital", source: srcNmap + "Western Digital MyNet", patterns: "mynetn#*"},
	{rank: rankProduct, kind: Router, vendor: "Westell", source: srcNmap + "Westell WireSpeed and VersaLink, RapidLogic httpd", patterns: "wirespeed*|westell versalink*"},
	{rank: rankProduct, kind: Router, vendor: "Hughes", source: srcNmap + "Hughes HN7000S, WindWeb; WhatWeb's Hughes-Satellite-Router.rb",
		patterns: "hughes terminal|hn#?|dw6000*|# system control center|hn#s system control center"},
	{rank: rankProduct, kind: Router, vendor: "Deutsche Telekom", source: srcNmap + "T-Com Speedport W", patterns: "html-konfiguration"},
	{rank: rankProduct, kind: Router, vendor: "Alvarion", source: srcNmap + "Alvarion", patterns: "breezemax*|breezeaccess*|alvarion-webs*"},
	{rank: rankProduct, kind: Router, source: srcNmap + "TR-069 and DSL firmware", patterns: "tr069*|tr-069*|isos ftp server*|eni-ftpd*|ftp firmware update utility|" +
		"broadcom corporation embedded bfc*|openrg/*|dsl router ftp server*|broadband cable device*"},
	{rank: rankProduct, in: pages, kind: Router, source: srcNmap + "httpd of WAPs", patterns: "^acos httpd*|^waveplus httpd*|^jjhttpd*|^httpd-impacct*|^xgate-webs*|^wr_httpd*|" +
		"^virtual web #*|^speed touch webserver*|fbxigdd*|^luci*|openwrt * luci|x-wrt*|webif² *|webif&sup2; *|freetz*"},
	{rank: rankProduct, kind: Router, source: srcNmap + "WAPs of mobile networks", patterns: "mifi#*|mifi #*|femtocell|hgfma*|aleos*|airlink.com|novatel mifi*"},

	// Storage.
	{rank: rankProduct, kind: NAS, source: srcNmap + "storage-misc products", patterns: "smartstor*|network hdd*|network storage link for usb*|shared storage drive|" +
		"shared storage manager|hp media vault*|edmini*|bluearcssh*|easyraid*|eonstor*|ataboy*|axis storpoint*|fastora*|infortrend*|pogoplug*|hbhttp pogo*"},
	{rank: rankProduct, kind: NAS, vendor: "Synology", source: srcZTag + "FtpSynology.py", patterns: "cube station*|cubestation*|usbstation*"},
	{rank: rankProduct, kind: NAS, vendor: "Seagate", source: srcZTag + "FtpSeagate.py", patterns: "seagate-dp#*|seagate-d#*|seagate-nas*|seagate-r#*"},
	{rank: rankProduct, kind: NAS, vendor: "LaCie", source: srcNmap + "LaCie; ZTag's FtpLacie.py", patterns: "network space*|lacie cloudbox*"},
	{rank: rankProduct, kind: NAS, source: srcWhatWeb + "{StorageTek-NAS,Snap-Appliance-Server,Axentra-HipServ,Sitecom-NAS}.rb",
		patterns: "storagetek-httpd*|quantum corporation./*|axentra*|home storage center"},

	// Cameras and recorders.
	{rank: rankMaker, kind: Camera, source: srcNmap + "products with d/webcam/", patterns: "huacam|sentry360|tenvis*|dvtel|y-cam|convision|acti corporation*|intellinet ip camera*"},
	{rank: rankMaker, kind: Recorder, source: srcNmap + "EverFocus, Zmodo, Optelecom, Kguard, CP Plus, Mango DSP", patterns: "everfocus*|zmodo|optelecom*|kguard|cpplus|cp plus|mango dsp*|mango ip node*"},
	{rank: rankProduct, in: pages, kind: Camera, vendor: "Sony", source: srcNmap + "Sony SNC; WhatWeb's Sony-Network-Camera.rb", patterns: "^gen5th/*|^netevi/*"},
	{rank: rankProduct, in: pages, kind: Camera, vendor: "Canon", source: srcNmap + "Canon VB webcams", patterns: "^vb1#*|^vb$"},
	{rank: rankProduct, kind: Camera, vendor: "GeoVision", source: srcNmap + "GeoHttpServer", patterns: "geohttpserver*"},
	{rank: rankProduct, kind: Camera, vendor: "ACTi", source: srcWhatWeb + "ACTi-Web-Configurator.rb", patterns: "^web configurator - version*"},
	{rank: rankProduct, kind: Camera, source: srcNmap + "webcams", patterns: "gopro*|rovio|vistabox|homemonitor*|veo observer*|observer xt*|wg_httpd*|webeye*|ip bullet #*|prnet ftp*|in-sight (r)*|oqus*|iss-httpmod*"},
	{rank: rankProduct, kind: Camera, source: srcWhatWeb + "{Stardot-Express,StarDot-NetCam,BlueNet-Video-Server,Veo-Observer}.rb", patterns: "netcamxl*|netcam live image*|express6*|bluenet video*"},
	{rank: rankProduct, in: pages, kind: Recorder, vendor: "AVTECH", source: srcNmap + "Avtech AVN801 UPnP", patterns: "avtech/#*"},
	{rank: rankProduct, kind: Recorder, vendor: "Dedicated Micros", source: srcNmap + "Dedicated Micros; ZTag's FtpEcosense.py", patterns: "adh-web*|adh ftp server*|digisprite*|ds2 command line*|dvip"},
	{rank: rankProduct, kind: Recorder, source: srcNmap + "DVRs and video servers", patterns: "dvss-httpserver*|techno vision security*|edvr*|icatch ftp*|nanox webserver*|dvr_netra*|vip-x#*|vip x#*|jvc vr-8#*|netdvrdvs|digital disk recorder*|divis*"},

	// Printers.
	{rank: rankMaker, in: pages, kind: Printer, source: srcNmap + "httpd of printers", patterns: "^okidata-httpd*|^ks_http/*|^lpc http server*|^km-httpd*|^networkscanner webserver*|" +
		"^mrvl-r#*|^hp_compact_server*|^$projectrevision: *|^epson-http/*|^epson_linux*|epson upnp sdk*|^pewg/*|^mpsconserver*|^xcd webadmin*|^micro-http/#*|^xes #* windweb*|^xes windweb*|^rt-platform*"},
	{rank: rankProduct, kind: Printer, vendor: "Xerox", source: srcNmap + "FujiXerox CentreWare, FreeFlow, PhaserLink", patterns: "centreware*|freeflow acc*|phaserlink*"},
	{rank: rankProduct, kind: Printer, vendor: "Konica Minolta", source: srcNmap + "Konica Minolta", patterns: "pagescope*|page scope*|copier2ftp*|cmfp(*"},
	{rank: rankProduct, kind: Printer, vendor: "Ricoh", source: srcNmap + "Ricoh Web-Server httpd", patterns: "web image monitor|websys default page|network printer ? model*"},
	{rank: rankProduct, kind: Printer, vendor: "Epson", source: srcNmap + "Epson UPnP, OEM FTPD", patterns: "stylus#*|stylus #*|stylus photo*|stylusphoto*|artisan #*|oem ftpd*"},
	{rank: rankProduct, kind: Printer, vendor: "Kyocera", source: srcNmap + "Kyocera IB- network cards", patterns: "ib-2#*|adp laserstatio*"},
	{rank: rankProduct, kind: Printer, vendor: "HP", source: srcNmap + "HP JetDirect telnetd", patterns: "please type [return] two times*|hp jetdirect*"},
	{rank: rankProduct, in: Telnet, kind: Printer, source: srcNmap + "Lexmark, Dell and IBM telnetd", patterns: "allows you to set the tcpip parameters*|npc telnet permit*"},
	{rank: rankProduct, in: pages, kind: Printer, source: srcNmap + "Samsung SyncThru, PrintSir and Edimax print servers", patterns: "^samsung * series, sn=*|default password:#*"},
	{rank: rankProduct, kind: Printer, source: srcNmap + "printers and print servers", patterns: "labelwriter*|easycoder*|intelliprint*|cab a4+*|cab mach4*|star ifbd*|netportexpress*|" +
		"ftp print service*|mps100*|lantronix lps#*|ps-1206*|psu101|plotwave*|tds400*|sharpar-*|mfp server|print exec workgroup|dymo*|intercon ftp*|infotec*"},
	{rank: rankProduct, kind: Printer, vendor: "NETGEAR", source: srcNmap + "PRINT_SERVER WEB; WhatWeb's NetGear-Print-Server.rb", patterns: "netgear ps#*|netgear print server*"},
	{rank: rankProduct, kind: Printer, vendor: "silex", source: srcWhatWeb + "Silex-Print-Server.rb", patterns: "silex web admin"},

	// Telephones.
	{rank: rankMaker, kind: Phone, source: srcNmap + "products with d/VoIP phone/, d/VoIP adapter/, d/PBX/", patterns: "allworx|agfeo|atcom-ip-phone|addpac|elmeg|tadiran*|multivoip|swyxconnect*|" +
		"ascotel|openphone #*|scarlet one|kirk *|wellgate*|gai-tronics|xblue*|nbx netset|ist ois|inscitek ois"},
	{rank: rankProduct, kind: Phone, source: srcNmap + "VoIP phones, adapters and exchanges", patterns: "ht5xx*|dph-#*|dvg-#*|ipoffice/*|spa user|pap user|sip utility set|msos/*|rtxcweb*|" +
		"ldk-#*|sx-2000*|vt1000v*|4fxs*|4afxs*|i3micro*|sip-phone|vpad01*|obi#|voip841|omnitouch*|xcelerator ip*|md evol*"},
	{rank: rankMaker, kind: Phone, source: srcWhatWeb + "{TalkSwitch-Phone,Tiger-Netcom-Device,DataflexViNE-VoIP-IAD,i3micro,Perfectone-VOIP-Phone}.rb", patterns: "talkswitch*|tigernetcom*|dataflexvine*|perfectone*"},

	// Televisions, players, consoles.
	{rank: rankProduct, kind: SetTop, vendor: "Dream Multimedia", source: srcNmap + "Dreambox; WhatWeb's Dreambox.rb; ZTag's FtpDreambox.py",
		patterns: "opendreambox*|dreamelite*|enigma web interface*|the gemini project*|dm7#*|dm8#*|dm5#*|d-box network|dbox yweb|nhttpd/*yhttpd*"},
	{rank: rankProduct, kind: SetTop, source: srcNmap + "set-top boxes", patterns: "netgem*|topfield*|tsews|tvix*|directv*|odn webserver*|mediamvp*|neufboxtv*|nds_mhf"},
	{rank: rankProduct, kind: MediaPlayer, source: srcNmap + "media devices", patterns: "sony-bdp/*|sony-bdv/*|dmrnd/*|reciva*|raumfeld*|zing-#*|magic iradio|chumby*|freecom musicpal*|" +
		"soundbridge*|xtreamer*|pioneer web control system|locationfreetv*|kiss dp-#*|hmp100*|scala infochannel*|mediabolicmweb*|hd media box*"},
	{rank: rankProduct, kind: TV, source: srcNmap + "televisions", patterns: "lge_dlna_sdk*|lg roap server*|jointspace*|panasonic avc server*"},
	{rank: rankProduct, in: FTP, kind: Console, source: srcNmap + "game consoles", patterns: "ftpvita*|ps2ftpd*|bbps3ftp*|avalaunch*|unleashx*|dvd2xbox*"},
	{rank: rankProduct, kind: Appliance, source: srcNmap + "projectors", patterns: "projectorview*|ngprojector*|infocus*"},

	{rank: rankMaker, in: Telnet, kind: Other, source: "Linux, CONFIG_DEFAULT_HOSTNAME: nobody named the host", patterns: "^(none) login*"},
	{rank: rankMaker, in: Telnet, kind: Other, vendor: "Cisco", source: srcNmap + "Cisco IOS telnetd", patterns: "^user access verification"},
}
