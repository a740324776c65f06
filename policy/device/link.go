package device

import "strings"

// LinkDomain returns the registered domain of the host of a link, in lower case:
// what somebody bought or rented, whatever stands before it. It is "" for a host
// that tells nothing: one without a public name, and a site that mail of all kinds
// links to.
func LinkDomain(host string) string {
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || dot == len(host)-1 || host[0] == '.' || strings.Contains(host, "..") {
		return ""
	}
	domain, org, ok := registered(host, dot)
	if !ok || domain == "" || common[domain] || common[org] {
		return ""
	}
	return domain
}

// common are the sites that unrelated mail links to. A thing's alert links to its
// maker, a program writes where it is from at the end of a mail, and HTML names the
// standard that it is made by: such a link says as little about who sends as the word
// "hello". The list is short and will age; the rules for campaigns must hold without it.
var common = func() map[string]bool {
	all := map[string]bool{}
	for _, list := range commonLists {
		for domain := range strings.FieldsSeq(list) {
			all[domain] = true
		}
	}
	return all
}()

var commonLists = []string{
	// Standards, whose names are addresses: in the first line of HTML, and in what office
	// programs export.
	"w3.org ietf.org rfc-editor.org purl.org schema.org openxmlformats.org xmlsoap.org opengraphprotocol.org ogp.me",

	// Sites of everybody's pages, pictures, fonts, maps, shops and files.
	`google.com google.de gmail.com googleapis.com gstatic.com googleusercontent.com goo.gl g.co youtube.com youtu.be
	facebook.com fb.com fb.me instagram.com whatsapp.com wa.me twitter.com x.com t.co linkedin.com lnkd.in pinterest.com
	tiktok.com reddit.com telegram.org t.me signal.org xing.com flickr.com vimeo.com tumblr.com wordpress.com wordpress.org
	wikipedia.org wikimedia.org archive.org openstreetmap.org amazon.com amazon.de ebay.com ebay.de paypal.com paypal.me
	apple.com icloud.com microsoft.com office.com office365.com outlook.com live.com hotmail.com msn.com bing.com skype.com
	aka.ms 1drv.ms sharepoint.com yahoo.com aol.com adobe.com dropbox.com wetransfer.com zoom.us github.com gitlab.com
	sourceforge.net gravatar.com yandex.ru mail.ru vk.com baidu.com qq.com web.de gmx.de gmx.net t-online.de`,

	// What mail programs, scanners and gateways write into the mail of others.
	`mozilla.org firefox.com thunderbird.net getmailspring.com bluemail.me avast.com avg.com avira.com eset.com kaspersky.com
	bitdefender.com norton.com mcafee.com sophos.com trendmicro.com proofpoint.com urldefense.com mimecast.com
	barracudanetworks.com cudasvc.com`,

	// Addresses made short, and the counters of those who send newsletters for many.
	`bit.ly tinyurl.com is.gd v.gd ow.ly buff.ly t.ly tiny.cc cutt.ly rebrand.ly list-manage.com mailchimp.com sendgrid.net
	mandrillapp.com mailgun.org amazonses.com sendinblue.com brevo.com hubspot.com constantcontact.com cleverreach.com
	mailjet.com`,

	// Makers of things that send mail, and of the systems on them.
	`synology.com synology.me quickconnect.to qnap.com myqnapcloud.com asustor.com terra-master.com wd.com westerndigital.com
	mycloud.com wd2go.com seagate.com netgear.com buffalotech.com buffalo.jp truenas.com ixsystems.com thecus.com drobo.com
	lacie.com openmediavault.org unraid.net avm.de fritz.box fritz.com myfritz.net zyxel.com dlink.com mydlink.com tp-link.com
	asus.com linksys.com ui.com ubnt.com mikrotik.com openwrt.org draytek.com lancom-systems.de cisco.com meraki.com
	fortinet.com sonicwall.com pfsense.org opnsense.org hikvision.com hik-connect.com dahuasecurity.com axis.com reolink.com
	foscam.com amcrest.com vivotek.com mobotix.com ring.com arlo.com hp.com hpsmart.com epson.com epsonconnect.com canon.com
	brother.com xerox.com lexmark.com ricoh.com kyoceradocumentsolutions.com konicaminolta.com sharp.com oki.com samsung.com
	lg.com sony.com panasonic.com philips.com sonos.com apc.com se.com eaton.com schneider-electric.com siemens.com
	bosch.com dell.com lenovo.com supermicro.com raspberrypi.com raspberrypi.org home-assistant.io shelly.cloud fronius.com
	sma.de solaredge.com proxmox.com vmware.com veeam.com acronis.com debian.org ubuntu.com canonical.com redhat.com
	no-ip.com dyn.com dyndns.org duckdns.org`,
}
