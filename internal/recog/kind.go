package recog

import (
	"strings"

	"github.com/iot-milter/iot-milter/policy/device"
)

// kinds are Recog's device words, "identifiers/hw_device.txt" and
// "os_device.txt" there, that a kind has; None are computers. Any other word is
// infrastructure, Other.
var kinds = map[device.Kind][]string{
	device.None: {"general", "desktop", "laptop", "workstation", "server", "mobile", "mobile phone", "tablet", "hypervisor",
		"virtual machine", "mainframe", "wearable", "smart watch"},
	device.Router: {"router", "broadband router", "adsl router", "dsl router", "wap", "wireless access point", "cable modem", "docsis cable modem",
		"adsl modem", "dsl modem", "dsl/cable modem", "modem", "atm dsl unit", "powerline", "gateway", "wireless bridge", "wireless router", "repeater"},
	device.NAS:         {"nas", "storage", "storage appliance", "file server", "tape library"},
	device.Camera:      {"ip camera", "web cam", "camera", "network camera"},
	device.Recorder:    {"dvr", "nvr", "video encoder", "video decoder", "cloud network video recorder", "network video recorder", "video server"},
	device.TV:          {"smart tv", "tv", "television"},
	device.SetTop:      {"iptv", "set-top box", "settop box", "cable box", "satellite receiver"},
	device.MediaPlayer: {"media player", "media server", "media receiver", "network audio", "audio encoder", "av receiver", "display controller", "speaker", "smart speaker", "media streamer"},
	device.Console:     {"game console", "console", "gaming console"},
	device.Printer:     {"printer", "multifunction device", "print server", "network scanner", "scanner", "copier", "label printer", "plotter", "fax"},
	device.Phone:       {"voip", "sip device", "voip phone", "ip phone", "voip gateway", "sip gateway", "voip server", "telephone adapter", "pbx"},
	device.Appliance:   {"light bulb", "smart home", "alarm panel", "thermostat", "building automation", "wireless presenter", "home automation", "smart plug", "projector", "doorbell", "appliance hub"},
}

var words = func() map[string]device.Kind {
	byWord := make(map[string]device.Kind)
	for kind, list := range kinds {
		for _, w := range list {
			byWord[w] = kind
		}
	}
	return byWord
}()

// kindOf returns the kind that a device word names; ok is false for no word.
func kindOf(word string) (kind device.Kind, ok bool) {
	if word == "" {
		return device.None, false
	}
	if kind, ok = words[strings.ToLower(word)]; ok {
		return kind, true
	}
	return device.Other, true
}
