package device

// bannerWords are words for devices, in languages that makers and providers use.
var bannerWords = []bannerGroup{
	{rank: rankWord, kind: Printer, source: srcWord, patterns: "printer|printers|mfp|drukarka|yazıcı|print server|printserver|print adapter|network printer|laser printer|" +
		"label printer|multifunction printer|multifunction device|multi-function|multifunction|multifunction system|copier|fax server|scanner|" +
		"network scanner|scanning|scanning card|printing system|drucker|netzwerkdrucker|imprimante|impresora|stampante|impressora|skrivare|" +
		"принтер|Принтер|打印机|印表機|プリンタ|复合机"},
	{rank: rankWord, kind: Router, source: srcWord, patterns: "router|wireless router|broadband router|wifi router|wlan router|wlan-router|" +
		"adsl router|dsl router|adsl modem|dsl modem|cable modem|cablemodem|cable router|modem router|modem|docsis-gateway|access point|accesspoint|" +
		"wireless access point|802.11?|802.11??|xdsl|shdsl|g.shdsl|mobile hotspot|wireless ap|wlan ap|ap|base station|wireless bridge|workgroup bridge|building bridge|range extender|wifi extender|" +
		"repeater|powerline|wlan repeater|home gateway|homegateway|home hub|homehub|smart hub|residential gateway|wireless gateway|" +
		"internet gateway|voice gateway router|dsl gateway|adsl gateway|adsl|adsl2|vdsl|vdsl2|gpon|ont|hotspot|mesh|cpe|wimax|routeur|ruter|enrutador|roteador wireless|modem yönlendirici|無線ルータ|ブロードバンドルータ|" +
		"roteador|маршрутизатор|Маршрутизатор|роутер|Роутер|路由器|无线路由器|ルーター|光猫|家庭网关"},
	{rank: rankWord, kind: NAS, source: srcWord, patterns: "nas server|nas storage|network attached storage|network storage|storage server|" +
		"storage router|file server|disk station|backup system|disk array|raid|tape library|网络存储"},
	{rank: rankWord, kind: NAS, in: FTP | Telnet | HTTP, source: srcWord, patterns: "nas"},
	{rank: rankWord, kind: Camera, source: srcWord, patterns: "camera|cameras|video camera|videokamera|internet-videokamera|câmera|cámara|überwachungskamera|ağ kamerası|ip camera|ipcamera|ipcam|ip cam|network camera|netcam|webcam|web camera|" +
		"web cam|internet camera|dome camera|ptz camera|wireless camera|netzwerkkamera|ip-kamera|kamera|camara|telecamera|caméra|видеокамера|камера|" +
		"摄像机|网络摄像机|攝影機|網路攝影機|ネットワークカメラ"},
	{rank: rankWord, kind: Recorder, source: srcWord, patterns: "dvr|nvr|rejestrator|videorekorder|xvr|hvr|hdvr|digital video recorder|network video recorder|video recorder|" +
		"digital recorder|network recorder|video encoder|video decoder|video server|video web server|encoder|decoder|surveillance|" +
		"dvr login|dvr web client|netdvr|dvr#|nvr#|录像机|硬盘录像机|видеорегистратор|регистратор"},
	{rank: rankWord, kind: TV, source: srcWord, patterns: "smart tv|smarttv|television|digital signage display"},
	{rank: rankWord, kind: SetTop, source: srcWord, patterns: "set-top box|set-top|settop|set top box|stb|iptv|satellite receiver|sat receiver"},
	{rank: rankWord, kind: MediaPlayer, source: srcWord, patterns: "media player|mediaplayer|media receiver|media streamer|network audio|" +
		"av receiver|audio player|audio encoder|soundbar|speaker|internet radio|jukebox"},
	{rank: rankWord, kind: Console, source: srcWord, patterns: "game console"},
	{rank: rankWord, kind: Phone, source: srcWord, patterns: "ip phone|ip phones|ip telephone|ip telephones|voip phone|voip telephone|sip phone|" +
		"sip telephone|telephone adapter|analog telephone adapter|voip adapter|voip gateway|sip gateway|fxs gateway|voip|ata|ip pbx|pbx|call server|" +
		"signaling server|dect|ip-telefon|telefonanlage|téléphone|ip телефон"},
	{rank: rankWord, kind: Appliance, source: srcWord, patterns: "thermostat|smart plug|smart home|light bulb|smart bulb|refrigerator|fridge|" +
		"washing machine|dishwasher|doorbell|projector|garage door|alarm panel|home automation|heat pump|vacuum cleaner|weather station"},
	{rank: rankWord, kind: Other, source: srcWord, patterns: "switch|smart switch|managed switch|poe switch|ethernet switch|fibre channel switch|" +
		"fibre channel|routing switch|edge switch router|stackable|hub #|firewall|load balancer|security appliance|network appliance|" +
		"security gateway|vpn gateway|vpn|concentrator|pdu|cdu|ups|power distribution|power supply|rectifier|power device|kvm|ip kvm|console switch|" +
		"multiplexer|dslam|dsu/csu|door controller|access controller|wireless controller|network management card|network management|management card|" +
		"network interface card|web/snmp card|snmp/web|remote management|lights-out|lights out|integrated lights-out|bmc|ipmi|onboard administrator|" +
		"telepresence|video conferencing|videoconferencing|media gateway|device server|terminal server|serial server|console server|" +
		"ethernet adapter|ethernet module|modbus|bacnet|plc|hmi|rtu|relay module|relay controller|industrial|data logger|environmental monitor|" +
		"kvm over ip|ethernet interface|web card|коммутатор|交换机|防火墙"},
}

// bannerSoftware is software that hardly runs on anything but devices; that does
// not tell one kind is Other.
var bannerSoftware = []bannerGroup{
	{rank: rankMaker, in: pages, kind: Other, source: srcProbes, patterns: "^mini_httpd*|^goahead*|^boa/#*|^virata-emweb*|^netport software*|^allegro-software-*|" +
		"^agranat-emweb*|^conexant-emweb*|^rapidlogic*|^rapid logic*|^windweb*|^embedthis*|^http server (embedded*"},
	{rank: rankMaker, in: pages, kind: Router, source: srcProbes, patterns: "^micro_httpd*|^uhttpd*|^httpd_gargoyle*|^rompager/#*|^miniupnpd*|miniupnpd/#*|" +
		"brcm400/#*|^router|^router webserver|^ubicom/#*"},
	{rank: rankMaker, in: pages, kind: Printer, source: srcProbes, patterns: "^virata-emweb/r6_2*"},
	{rank: rankProduct, in: pages, kind: Router, source: srcProbes, patterns: "rompager/4.07*|^ip_sharer*|^ipsharer*|^cpe-server*|^eni-web*|" +
		"-atp-igd|^xfinity broadband router*|^green packet*"},
	{rank: rankProduct, in: pages, kind: Router, source: "RDK-B, ccsp-tr069: the CPE's connection-request server", patterns: "^cisco-ccspcwmptcpcr*"},
	{rank: rankProduct, in: pages, kind: Router, vendor: "D-Link", source: srcProbes, patterns: "^thttpd-alphanetworks*|^cameo-httpd*"},
	{rank: rankProduct, in: pages, kind: Router, vendor: "Westell", source: srcProbes, patterns: "^wstl*"},
	{rank: rankProduct, in: pages, kind: Router, vendor: "TP-Link", source: srcProbes, patterns: "^ipos/#*|^router webserver|^tp-link httpd*"},
	{rank: rankProduct, in: pages, kind: Router, vendor: "ARRIS", source: srcRecog, patterns: "^net-dk*"},
	{rank: rankProduct, in: pages, kind: Camera, source: srcProbes, patterns: "^alphapd*|^wym*|^dcs-lig-httpd*|^netwave ip camera|^mws 0.01"},
	{rank: rankProduct, in: pages, kind: Recorder, vendor: "Xiongmai", source: "CVE-2017-7577", patterns: "uc-httpd*"},
	{rank: rankProduct, in: pages, kind: Recorder, vendor: "HiSilicon", source: srcRecog, patterns: "^cross web server|^dvr components download"},
	{rank: rankProduct, in: pages, kind: Recorder, source: "Exploit-DB 41471 (MVPower DVR)", patterns: "^jaws/#*"},
	{rank: rankProduct, in: HTTP | RTSP | Title, kind: Recorder, vendor: "Hikvision", source: srcRecog,
		patterns: "^hikvision-webs|^dvrdvs-webs|^dnvrs-webs|^app-webs*|^hikvision$|dvrnvrdvs|^embedded net dvr"},
	{rank: rankProduct, in: HTTP | RTSP, kind: Recorder, vendor: "Dahua", source: srcRecog, patterns: "^login to %$|^login to #*"},
	{rank: rankProduct, in: pages, kind: Printer, source: srcProbes, patterns: "^jc-httpd*|^spyglass_microserver*|^dthttpd*|^zot-ps-*|^print_server*|^printsir*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "Ricoh", source: "the Server field of Ricoh's Web Image Monitor; Nmap", patterns: "^web-server/3.0*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "Brother", source: "CVE-2017-16249 (debut/1.20); WhatWeb's Brother-Printer.rb", patterns: "^debut/#*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "Kyocera", source: srcRecog, patterns: "^km-mfp-http*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "Canon", source: srcProbes, patterns: "^catwalk*|^canon http server*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "Xerox", source: srcRecog, patterns: "^ews-nic*|^xerox_microserver*"},
	{rank: rankProduct, in: pages, kind: Printer, vendor: "HP", source: srcRecog, patterns: "^hp-chai*|^hp http server*"},
	{rank: rankProduct, in: pages, kind: Phone, source: srcProbes, patterns: "^ip-phone-web*|^aragorn*"},
	{rank: rankProduct, in: Telnet, kind: Router, source: srcRecog, patterns: "bcm9#* broadband router|bcm9# *|globespanvirata|docsis-gateway|rdk (a yocto"},
	{rank: rankMaker, in: Telnet, kind: Other, source: "BusyBox, networking/telnetd.c and shell/ash.c", patterns: "busybox v#*|busybox on *"},
	{rank: rankMaker, in: FTP, kind: Other, source: "BusyBox, networking/ftpd.c; public facts", patterns: "^operation successful$|^ucftpd*|^bftpd*|^welcome to tbs ftp*"},
	{rank: rankMaker, in: SSH, kind: Other, source: "Dropbear: devices, and initial RAM disks of servers", patterns: "^dropbear*"},
	{rank: rankProduct, in: SSH, kind: Router, vendor: "MikroTik", source: srcRecog, patterns: "^rosssh*|mikrotik_v#*|openssh_* mikrotik*|openssh_*_mikrotik*"},
	{rank: rankProduct, in: SSH, kind: Router, source: srcProbes, patterns: "^huawei*|^drayssh*|^technicolor_sw*|^lancom*|^zyxel ssh*|^dlink*|^comware*"},
	{rank: rankProduct, in: Telnet, kind: Router, vendor: "DrayTek", source: srcRecog, patterns: "^system administrator is connecting from*"},
	{rank: rankProduct, in: SSH, kind: NAS, vendor: "Seagate", source: srcRecog, patterns: "openssh_*-hipserv"},
	{rank: rankProduct, in: RTSP, kind: Camera, source: srcRecog, patterns: "^hipcam*|^hiipcam*|^indigo-security*|avigilononvif*|^ip camera|^net-i*|^ican*|ze-pro"},
	{rank: rankProduct, in: RTSP | HTTP, kind: Camera, vendor: "Dahua", source: srcRecog, patterns: "^dahua rtsp server*"},
	{rank: rankProduct, in: RTSP | HTTP, kind: MediaPlayer, vendor: "Apple", source: srcRecog, patterns: "^airtunes*"},
	{rank: rankProduct, in: RTSP, kind: SetTop, vendor: "Amino", source: srcProbes, patterns: "^amino streamer*"},
	{rank: rankProduct, in: SMTP, kind: Printer, vendor: "Canon", source: srcProbes, patterns: "^canon* esmtp ready"},
	{rank: rankProduct, in: SMTP, kind: Printer, vendor: "Konica Minolta", source: srcProbes, patterns: "^service ready km*"},
	{rank: rankProduct, in: SMTP, kind: Printer, vendor: "Brother", source: srcProbes, patterns: "^simple mail tranfer service ready*"},
	{rank: rankProduct, in: SMTP, kind: Printer, vendor: "Panasonic", source: srcProbes, patterns: "^dp-#*"},
	{rank: rankProduct, in: HTTP | UPnP, kind: Camera, vendor: "Axis", source: srcRecog, patterns: "linux/*-axis#"},
	{rank: rankProduct, in: HTTP | UPnP, kind: Other, source: srcRecog, patterns: "linux/*-ami"},
	{rank: rankProduct, in: HTTP | UPnP, kind: Recorder, vendor: "Siqura", source: srcRecog, patterns: "linux/*_eureka_#"},
	{rank: rankProduct, in: HTTP | UPnP, kind: Camera, source: srcRecog, patterns: "linux/*-mozart-*"},
}
