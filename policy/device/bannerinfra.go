package device

// bannerInfrastructure is equipment of server rooms, plants and providers: Other.
var bannerInfrastructure = []bannerGroup{
	{rank: rankMaker, kind: Other, source: srcMaker, patterns: "lantronix|digi|digi international*|moxa|perle|iolan*|cyclades|opengear|comtrol|equinox|" +
		"computone|stallion|xyplex*|avocent|raritan|tripp lite|tandberg|crestron*|lifesize*|clearone|biamp|barco|mersive|apc|liebert*|vertiv|" +
		"emerson network power*|eaton|powerware|gude|eltek|cyberpower*|server technology|netping*|sonicwall*|fortinet|fortigate*|watchguard|" +
		"fireware*|check point*|palo alto networks*|netscreen*|raptor*|juniper*|brocade|extreme networks|extremexos*|extremeware*|enterasys|" +
		"cabletron|foundry|procurve*|h3c|comware*|arubaos*|aruba|ruggedcom|hirschmann|adtran*|ciena*|calient*|riverstone*|tasman networks|" +
		"allied telesis|allied telesyn*|nokia-siemens|timos-*|riverbed*|silver peak*|blue coat*|bluecoat*|bluecat*|citrix*|netscaler*|alteon|radware|" +
		"a10 networks|f5 networks|big-ip|barracuda*|fatpipe*|xroads*|kace|k1000*|bomgar*|tenable*|allen-bradley*|rockwell automation|schneider|wago|" +
		"beckhoff|phoenix contact|echelon|tridium|niagara|agilent*|keysight|rohde & schwarz|tektronix|anritsu|mrv communications*|psion teklogix|" +
		"datalogic*|alpha technologies|rad data*|blackbox|black box|avtech software*"},
	{rank: rankMaker, kind: Other, vendor: "Cisco", source: seenIn + "Recog", patterns: "cisco ios*|cisco internetwork operating system*|cisco nx-os*|" +
		"cisco adaptive security*|cisco aware*|level_15*|level 15*|view_access"},
	{rank: rankProduct, kind: Other, source: "lights-out processors, by their makers' names", patterns: "ilo|ilo #*|hp-ilo*|mpssh*|integrated lights-out*|integrated lights out*|oracle-ilom*|idrac*|" +
		"remote access controller*|irmc*|serverview*|hpe system management homepage|megarac*|supermicro*|imm2|cisco imc*|cisco integrated management*|cisco kvm*|cisco ucs*|advanced system management*|alom*|embedded lom"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap, foomatic-db", patterns: "cisco nexus*|cisco mds*|huawei versatile routing*|hp v1#*|" +
		"hpe virtual connect*|dsr#|calient*|flexipacket*|vdx#*|br-vdx#*|superstack*|linkbuilder*|linkswitch*|corebuilder*|3com switch*|" +
		"baseline switch*|catalyst*|meraki ms#*|swos*|prosafe*|gs1#*|gs7#*|gs3#*|fs7#*|tl-sg#*|des-#*|dgs-#*|edgeswitch*|procurve switch*|hp j#*|" +
		"hpj#*|procurve j#*|officeconnect switch*|officeconnect managed*|baystack*|business policy switch*|ethernet routing switch*|accelar*|cajun*|" +
		"avaya p#*|avaya inc*c#*|g250*|g350*|g450*|powerconnect*|openmanage switch*|wlse*|cisco controller|srw#*|slm#*"},
	{rank: rankProduct, kind: Other, source: srcUnseen, patterns: "tl-sf#*|dxs-#*|unifi switch*|sge#*"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap, Exploit-DB", patterns: "checkpoint firewall*|fgt#*|symantec encryption*|zywall*|" +
		"usg#*|usg flex*|firebox*|sonicos*|dfl-#*|pix*firewall|cisco asa*|cisco firepower*|vpn 3000*|netcache*|packetshaper*|proxyav*|sophos*|sg#-#*"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap, ZTag", patterns: "nport*|portserver*|anywhereusb*|digi one*|digi connect*|xport*|" +
		"matchport*|wibox*|uds1#*|device server*|eds#*|slslp*|mgate*|ne-4#*|miineport*|edr-g#*|esp-# mi|mss100*|ets#*|lantronix sl*|myutn*|iserver*"},
	{rank: rankProduct, kind: Other, source: srcUnseen, patterns: "connectport*|uds2#*|lrs#*|scs#*"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap", patterns: "telepresence*|tandberg codec*|cisco codec*|codec softw*|viewstation*|" +
		"polycom rmx*|polycom vsx*|polycom hdx*|polycom dma*|realpresence*|clickshare*|solstice*|am-100"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap", patterns: "connectups*|network management card*|aos v#*|ups_server*|intellislot*|" +
		"powernet snmp*|sentry switched*|expert power control*|sunny webbox*|webbox#*|energyict*|netbotz*|rack pdu*|icom control board|" +
		"evolution series*|tempager*|room alert*|temperature monitor*"},
	{rank: rankProduct, kind: Other, source: seenIn + "Recog, Nmap", patterns: "1747-l#*|1761-net-*|1766-l#*|1785-enet*|1794-aentr*|plc-5 *|" +
		"257#-? ethernet*|ibhlink*|simatic*|micrologix*|slc-5*|controllogix*|s7-#*|modicon*|anybus*|sigma control*|cti 257*|ecom100*|bas-700|" +
		"eurotherm|fidelix*|total access*|ta1#*|mx28#*|opti-mx*|gigavue*|netvanta*"},
	{rank: rankProduct, in: Title | HTTP, kind: Other, source: seenIn + "Recog", patterns: "^web smart switch*|^s2 netbox*|^netbox|" +
		"^on board remote management*|^ns_#*|^uos$|^ipg8000*|lorix manager|^simple, secure web server*"},
	{rank: rankProduct, in: Title | HTTP, kind: Other, source: srcUnseen, patterns: "^onboard remote management*"},
}
