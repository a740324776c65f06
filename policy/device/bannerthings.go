package device

// bannerStorage are product lines of network storage.
var bannerStorage = []bannerGroup{
	{rank: rankProduct, kind: NAS, vendor: "Synology", source: seenIn + "Recog, Nmap", patterns: "diskstation*|rackstation*|synology/dsm*|" +
		"synology web station|synology nas*"},
	{rank: rankProduct, kind: NAS, vendor: "QNAP", source: seenIn + "Recog, WhatWeb", patterns: "nasftpd turbo station*|turbo station*|turbo nas*|" +
		"qnap nas*|qts"},
	{rank: rankProduct, kind: NAS, vendor: "NETGEAR", source: seenIn + "Recog", patterns: "readynas*"},
	{rank: rankProduct, kind: NAS, vendor: "NETGEAR", source: srcUnseen, patterns: "readydata*|netgear stora*"},
	{rank: rankProduct, kind: NAS, vendor: "Buffalo", source: seenIn + "Nmap, Exploit-DB, public code that talks to it", patterns: "linkstation*|" +
		"terastation*|kurobox*"},
	{rank: rankProduct, kind: NAS, vendor: "Buffalo", source: srcUnseen, patterns: "ls-wxl*|ls-chl*"},
	{rank: rankProduct, kind: NAS, vendor: "Western Digital", source: seenIn + "Recog, Nmap, ZTag, Exploit-DB", patterns: "mybook*|my book*|mycloud*|" +
		"my cloud*|wdmycloud*"},
	{rank: rankProduct, kind: NAS, vendor: "Western Digital", source: srcUnseen, patterns: "sharespace"},
	{rank: rankProduct, kind: NAS, vendor: "Seagate", source: seenIn + "Recog, Nmap, ZTag", patterns: "goflex*|blackarmor*|hipserv*|seagate central*"},
	{rank: rankProduct, kind: NAS, vendor: "Seagate", source: srcUnseen, patterns: "freeagent*"},
	{rank: rankProduct, kind: NAS, vendor: "LaCie", source: seenIn + "Nmap, Exploit-DB", patterns: "networkspace*|lacie #big*"},
	{rank: rankProduct, kind: NAS, vendor: "LaCie", source: srcUnseen, patterns: "lacie d2*|ethernet disk*"},
	{rank: rankProduct, kind: NAS, vendor: "Iomega", source: seenIn + "Recog, ZTag", patterns: "storcenter*|lenovoemc*"},
	{rank: rankProduct, kind: NAS, vendor: "Iomega", source: srcUnseen, patterns: "iomega ix*"},
	{rank: rankProduct, kind: NAS, source: "the system's own name", patterns: "freenas*|truenas*|nas4free*|xigmanas*|openmediavault*|unraid*"},
	{rank: rankProduct, kind: NAS, vendor: "Zyxel", source: srcUnseen, patterns: "nsa3#*|nas326|nas540"},
	{rank: rankProduct, kind: NAS, vendor: "D-Link", source: seenIn + "RouterSploit, Exploit-DB", patterns: "dns-3#*|dns-32#*|sharecenter*"},
	{rank: rankProduct, kind: NAS, vendor: "Linksys", source: seenIn + "Nmap", patterns: "nslu2*"},
	{rank: rankProduct, kind: NAS, vendor: "Linksys", source: srcUnseen, patterns: "nas200"},
	{rank: rankProduct, kind: NAS, vendor: "NetApp", source: seenIn + "Recog, Nmap", patterns: "data ontap*|netapp/*|netapp release*|ontap*|solidfire*"},
	{rank: rankProduct, kind: NAS, vendor: "NetApp", source: srcUnseen, patterns: "santricity*"},
	{rank: rankProduct, kind: NAS, vendor: "Dell EMC", source: seenIn + "Recog, Nmap", patterns: "emc celerra*|emc-snas*|celerra*|clariion*|isilon*|" +
		"onefs*|emc vnx*|powervault*|equallogic*|data domain*|dd system manager|datadomain*"},
	{rank: rankProduct, kind: NAS, vendor: "Dell EMC", source: srcUnseen, patterns: "unisphere*|dd os*"},
	{rank: rankProduct, kind: NAS, vendor: "Snap", source: seenIn + "Nmap, WhatWeb", patterns: "snap server*|snap appliance*|guardianos*"},
	{rank: rankProduct, kind: NAS, vendor: "Snap", source: srcUnseen, patterns: "snapos*"},
	{rank: rankMaker, kind: NAS, vendor: "HP", source: seenIn + "Recog", patterns: "storageworks*|msl series"},
	{rank: rankMaker, kind: NAS, vendor: "HP", source: srcUnseen, patterns: "msa#*"},
	{rank: rankProduct, kind: NAS, vendor: "HP", source: srcUnseen, patterns: "storeonce*|storevirtual*"},
	{rank: rankProduct, kind: NAS, vendor: "HP", source: seenIn + "Recog", patterns: "storeever*|simplivity*|d2d backup*|3par*"},
	{rank: rankProduct, kind: NAS, source: seenIn + "Recog, RouterSploit", patterns: "storedge*|eternus*|pure storage*|overland neo*|neo series|" +
		"quantum dxi*|hp tape library*|overland agent*"},
	{rank: rankProduct, kind: NAS, source: srcUnseen, patterns: "purity*|nexenta*|nexsan*|compellent*|snapserver*"},
}

// bannerVideo are product lines of cameras and recorders.
var bannerVideo = []bannerGroup{
	{rank: rankProduct, kind: Camera, vendor: "Axis", source: seenIn + "Recog, Nmap", patterns: "axis network camera*|axis * network camera*|" +
		"axis * camera*|axis m#*|axis p#*|axis q#*|axis 2#*"},
	{rank: rankProduct, kind: Recorder, vendor: "Axis", source: seenIn + "Recog, Nmap", patterns: "axis * video encoder*|axis * video server*|axis 24#*"},
	{rank: rankProduct, kind: Recorder, vendor: "Axis", source: srcUnseen, patterns: "axis * video decoder*|axis * video module*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Axis", source: seenIn + "Recog", patterns: "axis * audio*"},
	{rank: rankProduct, kind: Other, vendor: "Axis", source: seenIn + "Recog", patterns: "axis * door controller*"},
	{rank: rankProduct, in: Title, kind: Camera, vendor: "Axis", source: seenIn + "Recog", patterns: "^axis$|^axis video*"},
	{rank: rankProduct, in: Title, kind: Camera, vendor: "Axis", source: srcWhatWeb + "Axis-Network-Camera.rb", patterns: "^live view / - axis*|^live view - axis*"},
	{rank: rankProduct, kind: Camera, vendor: "D-Link", source: seenIn + "Recog, Nmap", patterns: "dcs-#*|d-link internet camera*"},
	{rank: rankProduct, kind: Camera, vendor: "Hikvision", source: seenIn + "RouterSploit, public code that talks to it", patterns: "ds-2cd#*|ds-2de#*"},
	{rank: rankProduct, kind: Camera, vendor: "Hikvision", source: srcUnseen, patterns: "ds-2df#*"},
	{rank: rankProduct, kind: Recorder, vendor: "Hikvision", source: seenIn + "Exploit-DB, public code that talks to it", patterns: "ds-7#*|ds-8#*|" +
		"ds-9#*|hikvision digital*"},
	{rank: rankProduct, kind: Camera, vendor: "Dahua", source: seenIn + "public code that talks to it", patterns: "dh-ipc*"},
	{rank: rankProduct, kind: Camera, vendor: "Dahua", source: srcUnseen, patterns: "ipc-h?#*|ipc-hf*|ipc-hd*"},
	{rank: rankProduct, kind: Recorder, vendor: "Dahua", source: seenIn + "public code that talks to it", patterns: "dhi-nvr*"},
	{rank: rankProduct, kind: Recorder, vendor: "Dahua", source: srcUnseen, patterns: "dh-nvr*|dh-xvr*|dh-dvr*"},
	{rank: rankProduct, kind: Camera, vendor: "Panasonic", source: seenIn + "Recog, Nmap, RouterSploit", patterns: "wv-n*|bb-h*|bl-c#*"},
	{rank: rankProduct, kind: Camera, vendor: "Panasonic", source: srcUnseen, patterns: "wv-s*|wv-x*|bb-s*|kx-hc*|i-pro*"},
	{rank: rankProduct, kind: Recorder, vendor: "Panasonic", source: seenIn + "Recog, public code that talks to it", patterns: "wj-hd#*|wj-nx#*"},
	{rank: rankProduct, kind: Recorder, vendor: "Panasonic", source: srcUnseen, patterns: "wj-nd#*|wj-nv#*"},
	{rank: rankProduct, kind: Camera, vendor: "Sony", source: seenIn + "Recog, Nmap, Exploit-DB", patterns: "snc-*|sony network camera*|ipela*"},
	{rank: rankProduct, kind: Camera, vendor: "Canon", source: seenIn + "Nmap, public code that talks to it", patterns: "canon vb-*|vb-c#*|vb-h#*|" +
		"webview livescope*"},
	{rank: rankProduct, kind: Camera, vendor: "Canon", source: srcUnseen, patterns: "vb-m#*|vb-s#*"},
	{rank: rankProduct, kind: Camera, vendor: "Cisco", source: seenIn + "Recog, Nmap, RouterSploit, public code that talks to it", patterns: "cisco ip camera*|" +
		"cisco * ip camera*|wvc#*|cisco video surveillance*|civs-ipc-*"},
	{rank: rankProduct, kind: Camera, vendor: "TP-Link", source: seenIn + "Recog, Exploit-DB", patterns: "tp-link ip-camera|tl-sc#*|tapo c#*"},
	{rank: rankProduct, kind: Camera, vendor: "Trendnet", source: seenIn + "Nmap", patterns: "tv-ip#*"},
	{rank: rankProduct, kind: Camera, vendor: "Bosch", source: seenIn + "Recog, Nmap", patterns: "autodome*|flexidome*|dinion*|videojet*|" +
		"use 'live' as user name*"},
	{rank: rankProduct, kind: Camera, vendor: "IQinVision", source: seenIn + "Recog", patterns: "iqeye*|iqa#*"},
	{rank: rankProduct, kind: Camera, vendor: "Pelco", source: seenIn + "Recog, Exploit-DB", patterns: "ev-compat|sarix*"},
	{rank: rankProduct, kind: Camera, vendor: "Pelco", source: srcUnseen, patterns: "spectra iv*"},
	{rank: rankProduct, kind: Camera, vendor: "Mobotix", source: seenIn + "Recog", patterns: "/control/userimage*|mobotix*"},
	{rank: rankProduct, kind: Camera, vendor: "Genetec", source: seenIn + "Recog", patterns: "sharpv#*|autovu*"},
	{rank: rankProduct, kind: Camera, vendor: "Ubiquiti", source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "aircam*|" +
		"unifi video camera*|uvc-g#*"},
	{rank: rankProduct, kind: Camera, vendor: "Netwave", source: seenIn + "Recog", patterns: "reecam*|netwave*"},
	{rank: rankProduct, kind: Camera, vendor: "Netwave", source: srcUnseen, patterns: "ipcamera_%"},
	{rank: rankProduct, kind: Camera, vendor: "Steinsvik", source: seenIn + "Recog", patterns: "orbit-#*"},
	{rank: rankProduct, kind: Camera, vendor: "ACT Security", source: seenIn + "Recog", patterns: "act video security*"},
	{rank: rankProduct, kind: Recorder, vendor: "Ubiquiti", source: seenIn + "Recog", patterns: "airvision*|unifi nvr*|unifi video*"},
	{rank: rankProduct, kind: Recorder, vendor: "Ubiquiti", source: srcUnseen, patterns: "unifi protect*"},
	{rank: rankProduct, kind: Recorder, vendor: "D-Link", source: seenIn + "Recog, Nmap", patterns: "dnr-#*|dvs-#*"},
	{rank: rankProduct, kind: Recorder, vendor: "TiVo", source: seenIn + "Recog", patterns: "^tivo$|tivo dvr|tivo-httpd*"},
	{rank: rankProduct, kind: Recorder, vendor: "ADB", source: seenIn + "Recog", patterns: "^adb-#*"},
	{rank: rankProduct, kind: Recorder, source: seenIn + "Recog, Nmap", patterns: "fuho-dvr*|vcs-vidos-nvr*|pdr-m#*|imdvrs*|makito*|siqura*|vbrick*|" +
		"netvr*|network video recorder*|heitel gmbh*|h264dvr*|av-tech*video web server"},
}

// bannerMedia are product lines of televisions, set-top boxes, players, consoles
// and household appliances.
var bannerMedia = []bannerGroup{
	{rank: rankProduct, kind: TV, vendor: "Sony", source: seenIn + "Nmap", patterns: "bravia*|kdl-#*"},
	{rank: rankProduct, kind: TV, vendor: "LG", source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "webos tv*|webostv*|lg webos*|" +
		"lg smart tv*|webos/#*"},
	{rank: rankProduct, kind: TV, vendor: "LG", source: "the TV's own host name, as clients of webOS document it", patterns: "lgwebostv*"},
	{rank: rankProduct, kind: TV, vendor: "Samsung", source: "Samsung's UPnP SERVER field, \"SHP, UPnP/1.0, Samsung UPnP SDK/1.0\", as public DLNA clients record it", patterns: "samsung upnp sdk*|samsung tv*|samsung smart tv*"},
	{rank: rankProduct, kind: TV, vendor: "Philips", source: seenIn + "Nmap", patterns: "philipsintelsdk*"},
	{rank: rankProduct, kind: TV, vendor: "Philips", source: srcUnseen, patterns: "philips tv*"},
	{rank: rankProduct, kind: TV, vendor: "Panasonic", source: seenIn + "Nmap", patterns: "viera*"},
	{rank: rankProduct, kind: TV, source: srcUnseen, patterns: "android tv|androidtv|roku tv|google tv|aquos*|regza*"},
	{rank: rankProduct, kind: TV, source: seenIn + "Nmap", patterns: "fire tv"},
	{rank: rankProduct, kind: SetTop, source: seenIn + "Recog, Nmap", patterns: "dreambox*|vuplus*|vu+ *|enigma2*|openwebif*|gigablue*|d-box2*|dbox2*|" +
		"opentv*|aminet#*|openpli*|openbh*|kathrein*"},
	{rank: rankProduct, kind: SetTop, source: srcUnseen, patterns: "openatv*"},
	{rank: rankProduct, kind: SetTop, vendor: "Eltex", source: seenIn + "Recog", patterns: "eltex-nv#*"},
	{rank: rankProduct, kind: SetTop, vendor: "Eltex", source: srcUnseen, patterns: "nv-10#*|nv-50#*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Sonos", source: seenIn + "Recog", patterns: "sonos/#*|sonos*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Roku", source: seenIn + "Recog", patterns: "roku/#*|roku upnp/*|^roku|rokudev"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Apple", source: seenIn + "Recog", patterns: "apple tv*|appletv*|homepod*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Google", source: seenIn + "Nmap", patterns: "chromecast*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Google", source: srcUnseen, patterns: "google home mini|google nest hub"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "SiliconDust", source: seenIn + "Recog", patterns: "hdhomerun*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Bose", source: seenIn + "Recog", patterns: "soundtouch*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Sony", source: seenIn + "Recog", patterns: "str_settingserver"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Sony", source: srcUnseen, patterns: "str-dn#*|bdp-s#*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Yamaha", source: seenIn + "Recog", patterns: "av_receiver*|rx-v#*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Yamaha", source: srcUnseen, patterns: "rx-a#*|musiccast*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Denon", source: srcUnseen, patterns: "heos*|avr-#*|avr-x#*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "LG", source: seenIn + "Nmap", patterns: "lg-bdp*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Western Digital", source: seenIn + "Nmap, Exploit-DB", patterns: "wdtv*|wd tv*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Extron", source: seenIn + "Recog", patterns: "^mlc # *|extron*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Crestron", source: seenIn + "Recog, Exploit-DB", patterns: "^hd-rx-*|hd-md-*"},
	{rank: rankProduct, kind: MediaPlayer, vendor: "Crestron", source: srcUnseen, patterns: "hd-tx-*|dm-rmc-*"},
	{rank: rankProduct, kind: MediaPlayer, source: seenIn + "Recog, Nmap, public code that talks to it", patterns: "squeezebox*|popcorn hour*|boxee*|" +
		"instreamer*|volumio*|brightsign*|netgear neotv*"},
	{rank: rankProduct, kind: MediaPlayer, source: srcUnseen, patterns: "exstreamer*|streamium*"},
	{rank: rankProduct, kind: Console, vendor: "Sony", source: seenIn + "Recog", patterns: "playstation*"},
	{rank: rankProduct, kind: Console, vendor: "Microsoft", source: seenIn + "Nmap", patterns: "xbox*"},
	{rank: rankProduct, kind: Console, vendor: "Nintendo", source: seenIn + "WhatWeb", patterns: "nintendo*"},
	{rank: rankProduct, kind: Appliance, vendor: "Philips", source: seenIn + "Recog", patterns: "hue personal wireless lighting|philips hue*"},
	{rank: rankProduct, kind: Appliance, vendor: "Philips", source: "the Hue bridge's SSDP answer, as diyHue and other emulators of it write it", patterns: "hue bridge|ipbridge/#*"},
	{rank: rankProduct, kind: Appliance, source: seenIn + "Recog, Nmap, Exploit-DB", patterns: "shelly*|nanoleaf*|wyzeoutdoorplug*|wemo*|gogogate*|" +
		"loxone miniserver*|elan controller*|elan viewer*|homelogic*|itach ip*|bobcatminer*|ecobee*|homematic*|home assistant|fermentrack*"},
	{rank: rankProduct, kind: Appliance, source: srcUnseen, patterns: "tasmota*|mystrom*|ccu3"},
	{rank: rankProduct, kind: Appliance, vendor: "Bosch", source: seenIn + "Recog", patterns: "^b426*"},
	{rank: rankProduct, kind: Appliance, vendor: "Bosch", source: srcUnseen, patterns: "^b450*"},
}

// bannerPhones are product lines of telephones, their adapters and exchanges.
var bannerPhones = []bannerGroup{
	{rank: rankProduct, kind: Phone, vendor: "Polycom", source: seenIn + "Recog, Nmap, FusionPBX", patterns: "soundpoint*|soundstation*|vvx#*|vvx #*|" +
		"polycom - configuration utility|kirk wireless*|spectralink*"},
	{rank: rankProduct, kind: Phone, vendor: "Polycom", source: srcUnseen, patterns: "polycom trio*"},
	{rank: rankProduct, kind: Phone, vendor: "Obihai", source: seenIn + "Recog, FusionPBX", patterns: "obi1#*|obi2#*|obi3#*"},
	{rank: rankProduct, kind: Phone, vendor: "Grandstream", source: seenIn + "Recog, Nmap, WhatWeb, RouterSploit, FusionPBX, Exploit-DB", patterns: "gxp#*|" +
		"gxv3#*|gxw#*|grp#*|handytone*|ht-#*|ht5#*|ht7#*|ht8#*|ucm6#*"},
	{rank: rankProduct, kind: Phone, vendor: "Yealink", source: seenIn + "Nmap, FusionPBX, Exploit-DB", patterns: "sip-t#*|yealink*|w52p|w60b"},
	{rank: rankProduct, kind: Phone, vendor: "Snom", source: seenIn + "Nmap", patterns: "snom*"},
	{rank: rankProduct, kind: Phone, vendor: "Cisco", source: seenIn + "Recog, Nmap, WhatWeb", patterns: "spa#*|cisco spa|pap2*|cisco ip phone*|" +
		"cisco unified ip phone*|cisco * ip phone*|cp-#*|sep%|cisco vg#*|cisco ata #*|cisco-ata#*|^ce_e$|^ce_c$|cisco unity*|ata 18#*"},
	{rank: rankProduct, kind: Phone, vendor: "Avaya", source: seenIn + "Recog, Nmap, WhatWeb", patterns: "definity*|46xx ip telephones|" +
		"avaya * ip telephone*|cs 1000*|avaya 96#*|avaya 46#*|ip office*|avaya aura*"},
	{rank: rankProduct, kind: Phone, vendor: "Avaya", source: srcUnseen, patterns: "cs1000*|avaya communication manager*"},
	{rank: rankProduct, kind: Phone, vendor: "Nortel", source: seenIn + "Recog, Exploit-DB", patterns: "meridian 1*|succession 1000*|nortel ip phone*"},
	{rank: rankProduct, kind: Phone, vendor: "Nortel", source: srcUnseen, patterns: "i2004*|bcm50*|bcm400*|bcm200*"},
	{rank: rankProduct, kind: Phone, vendor: "Unify", source: seenIn + "Recog, Nmap", patterns: "optipoint*|hipath*|openstage*|openscape*"},
	{rank: rankProduct, kind: Phone, vendor: "Panasonic", source: seenIn + "Recog, FusionPBX, public code that talks to it", patterns: "kx-ns#*|kx-ut#*|" +
		"kx-tde#*"},
	{rank: rankProduct, kind: Phone, vendor: "Panasonic", source: srcUnseen, patterns: "kx-nt#*|kx-tg#*|kx-hdv#*|kx-ncp#*"},
	{rank: rankProduct, kind: Phone, vendor: "Alcatel-Lucent", source: seenIn + "Nmap, public code that talks to it", patterns: "omnipcx*|" +
		"alcatel ip touch*"},
	{rank: rankProduct, kind: Phone, vendor: "Alcatel-Lucent", source: srcUnseen, patterns: "alcatel oxo*"},
	{rank: rankProduct, kind: Phone, vendor: "Eltex", source: seenIn + "Recog, Nmap", patterns: "tau-#*|smg#|smg-#*|eltex tau*"},
	{rank: rankProduct, kind: Phone, source: seenIn + "Recog, Nmap", patterns: "freepbx*|pbx in a flash|3cx*|sipura*|fritz!fon*|digium phone*|mp-11#*|" +
		"mp-12#*|patton sn#*|smartnode*"},
	{rank: rankProduct, kind: Phone, source: srcUnseen, patterns: "mediapack*|elastix*"},
}
