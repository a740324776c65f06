package main

import "github.com/iot-milter/iot-milter/policy/device"

// maker is one maker of devices: names are beginnings of the name in the registry,
// as plain writes it, separated by "|".
type maker struct {
	vendor string
	kind   device.Kind
	names  string
}

// makers are makers of devices. Who makes mostly one kind has it, others are
// Other. Left out is who makes network cards, modules, computers or mobile phones
// under the same OUIs (Intel, Realtek, Apple, Samsung, Huawei, ASUS, HP, Dell …)
// and who makes small computers that people run mail servers on (Raspberry Pi):
// such an interface says nothing about the machine.
var makers = []maker{
	{"AVM", device.Router, "avm audiovisuelles|avm gmbh"}, {"Arcadyan", device.Router, "arcadyan"}, {"Hitron", device.Router, "hitron"},
	{"Actiontec", device.Router, "actiontec"}, {"2Wire", device.Router, "2wire"}, {"eero", device.Router, "eero"},
	{"MikroTik", device.Router, "routerboard com|mikrotikls"}, {"Ruckus", device.Router, "ruckus wireless"},
	{"Compal Broadband", device.Router, "compal broadband"}, {"Ubee", device.Router, "ubee interactive"}, {"DrayTek", device.Router, "draytek"},
	{"LANCOM", device.Router, "lancom"}, {"Comtrend", device.Router, "comtrend"}, {"Peplink", device.Router, "peplink"},
	{"Cradlepoint", device.Router, "cradlepoint"}, {"Sierra Wireless", device.Router, "sierra wireless"}, {"MitraStar", device.Router, "mitrastar"},
	{"AirTies", device.Router, "airties"}, {"Billion", device.Router, "billion electric"}, {"Westell", device.Router, "westell"},
	{"Efficient Networks", device.Router, "efficient networks"}, {"Linksys", device.Router, "cisco-linksys|the linksys group"},
	{"Fiberhome", device.Router, "fiberhome telecommunication"}, {"Cambium", device.Router, "cambium networks"},
	{"Teltonika", device.Router, "teltonika"}, {"bintec", device.Router, "bintec"}, {"Mercury", device.Router, "shenzhen mercury communication"},
	{"FAST", device.Router, "shenzhen fast technologies"}, {"Tenda", device.Router, "tenda technology"}, {"Inteno", device.Router, "inteno broadband"},
	{"Genexis", device.Router, "genexis"}, {"Freebox", device.Router, "freebox sas"}, {"Ambit", device.Router, "ambit microsystems"},
	{"Synology", device.NAS, "synology"}, {"QNAP", device.NAS, "qnap systems"}, {"Thecus", device.NAS, "thecus"}, {"Drobo", device.NAS, "drobo|data robotics"},
	{"NetApp", device.NAS, "netapp|network appliance"}, {"Western Digital", device.NAS, "western digital"},
	{"Hikvision", device.Camera, "hangzhou hikvision"}, {"Dahua", device.Camera, "zhejiang dahua"}, {"Axis", device.Camera, "axis communications"},
	{"Mobotix", device.Camera, "mobotix"}, {"Vivotek", device.Camera, "vivotek"},
	{"Reolink", device.Camera, "reolink"}, {"Arecont Vision", device.Camera, "arecont vision"},
	{"GeoVision", device.Camera, "geovision"}, {"Uniview", device.Camera, "zhejiang uniview"}, {"Hanwha", device.Camera, "hanwha techwin"},
	{"Ring", device.Camera, "ring llc"}, {"Wyze", device.Camera, "wyze labs"}, {"Arlo", device.Camera, "arlo technology"}, {"TiVo", device.Recorder, "tivo"},
	{"VIZIO", device.TV, "vizio"}, {"Humax", device.SetTop, "humax"}, {"Amino", device.SetTop, "amino communications"}, {"Kaonmedia", device.SetTop, "kaonmedia|kaon media"},
	{"TechniSat", device.SetTop, "technisat"}, {"Cisco SPVTG", device.SetTop, "cisco spvtg"},
	{"Sonos", device.MediaPlayer, "sonos"}, {"Roku", device.MediaPlayer, "roku"}, {"Slim Devices", device.MediaPlayer, "slim devices"},
	{"Bose", device.MediaPlayer, "bose corporation"}, {"SiliconDust", device.MediaPlayer, "silicondust"}, {"Barix", device.MediaPlayer, "barix"},
	{"Nintendo", device.Console, "nintendo"}, {"Sony PlayStation", device.Console, "sony interactive entertainment|sony computer entertainment"},
	{"Epson", device.Printer, "seiko epson"}, {"Brother", device.Printer, "brother industries"}, {"Lexmark", device.Printer, "lexmark"}, {"Xerox", device.Printer, "xerox"},
	{"Ricoh", device.Printer, "ricoh"}, {"Kyocera", device.Printer, "kyocera display|kyocera document|kyocera mita"}, {"Konica Minolta", device.Printer, "konica minolta"},
	{"OKI", device.Printer, "oki electric|oki data"}, {"Canon", device.Printer, "canon inc"}, {"Sato", device.Printer, "sato corporation"}, {"Printronix", device.Printer, "printronix"},
	{"Polycom", device.Phone, "polycom"}, {"Grandstream", device.Phone, "grandstream"}, {"Snom", device.Phone, "snom"},
	{"Aastra", device.Phone, "aastra"}, {"Gigaset", device.Phone, "gigaset"}, {"Mitel", device.Phone, "mitel"}, {"AudioCodes", device.Phone, "audiocodes|audio codes"},
	{"Yealink", device.Phone, "xiamen yealink|yealink(xiamen)"}, {"Keenetic", device.Router, "keenetic"}, {"Dropcam", device.Camera, "dropcam"},
	{"Gree", device.Appliance, "gree electric"}, {"Haier", device.Appliance, "qingdao haier technology|qingdao haier intelligent"},
	{"Lutron", device.Appliance, "lutron electronics"},
	{"Fanvil", device.Phone, "fanvil"}, {"Obihai", device.Phone, "obihai"}, {"ShoreTel", device.Phone, "shoretel"}, {"innovaphone", device.Phone, "innovaphone"},
	{"Philips Hue", device.Appliance, "philips lighting|signify"}, {"Tuya", device.Appliance, "tuya smart"}, {"Nest", device.Appliance, "nest labs"},
	{"ecobee", device.Appliance, "ecobee"}, {"Midea", device.Appliance, "gd midea|midea"}, {"iRobot", device.Appliance, "irobot"}, {"LIFX", device.Appliance, "lifi labs"},
	{"Netatmo", device.Appliance, "netatmo"}, {"Withings", device.Appliance, "withings"}, {"tado", device.Appliance, "tado"}, {"Miele", device.Appliance, "miele"},
	{"BSH", device.Appliance, "bsh hausgerate|bsh hausgeräte|bsh bosch"}, {"Loxone", device.Appliance, "loxone"}, {"Control4", device.Appliance, "control4"},
	{"Espressif", device.Other, "espressif"}, {"Ubiquiti", device.Other, "ubiquiti"}, {"NETGEAR", device.Other, "netgear"}, {"TP-Link", device.Other, "tp-link"},
	{"D-Link", device.Other, "d-link"}, {"Zyxel", device.Other, "zyxel"}, {"Sagemcom", device.Other, "sagemcom"}, {"Technicolor", device.Other, "technicolor|thomson inc|thomson telecom"},
	{"ARRIS", device.Other, "arris"}, {"Sercomm", device.Other, "sercomm"}, {"ADB", device.Other, "adb broadband"}, {"Sky", device.Other, "sky uk"}, {"ASKEY", device.Other, "askey"},
	{"Gongjin", device.Other, "shenzhen gongjin"}, {"Skyworth", device.Other, "skyworth digital|shenzhen skyworth"}, {"Buffalo", device.Other, "buffalo inc|melco inc"}, {"Belkin", device.Other, "belkin"},
	{"ZTE", device.Other, "zte corporation"}, {"Amazon", device.Other, "amazon technologies"}, {"APC", device.Other, "american power conversion"}, {"Lantronix", device.Other, "lantronix"},
	{"Moxa", device.Other, "moxa"}, {"Crestron", device.Other, "crestron"}, {"Panasonic", device.Other, "panasonic"}, {"Sharp", device.Other, "sharp corporation"},
	{"Zebra", device.Other, "zebra technologies"}, {"Avaya", device.Other, "avaya"}, {"Hisense", device.Other, "hisense"}, {"Eltex", device.Other, "eltex"}, {"Trendnet", device.Other, "trendnet"},
	{"Edimax", device.Other, "edimax"},
}
