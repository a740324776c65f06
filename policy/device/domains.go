package device

import "strings"

// Domains are the domains of providers whose host names say what they rent out.
// The domains of access providers are in another list, and count where none of
// these does.
var Domains = domainRows()

const (
	srcMachine  = "the provider's documentation or its control panel: default names of rented machines"
	srcHoster   = "the provider's own site: the domain of its rented machines and shared hosting"
	srcBusiness = "the provider's own site: lines for businesses only"
)

var domainLists = []struct {
	traits Traits
	source string
	names  string
}{
	{Hosting, srcHosted, `amazonaws.com clients.your-server.de colo.isp-thailand.com dedicated.hosteurope.de
		defenderhosting.com gogrid.com hqglobal.net inaddr.intergenia.de kasserver.com onlinehome-server.info ovh.net
		pureserver.info sadecehosting.net server.by serverkompetenz.net serverpronto.com static.privatedns.com
		static.theplanet.com stratoserver.net uralhosting.ru`},
	{Hosting, srcMachine, `bc.googleusercontent.com cloudapp.azure.com cloudapp.net cnode.io contabo.host
		contabo.net contaboserver.net cprapid.com dedibox.fr fvds.ru hostwindsdns.com hstgr.cloud hstgr.io instances.scw.cloud
		ip.linodeusercontent.com ispvds.com kimsufi.com members.linode.com miniserver.com nodes.k8s.fr-par.scw.cloud
		onlinehome-server.com oraclevcn.com pbiaas.com plesk.page poneytelecom.eu prgmr.com rdns.cloud scw.cloud
		sg-host.com sgvps.net soyoustart.com static.cnode.io upcloud.host vps.ovh.ca vps.ovh.us vs.sakura.ne.jp
		vultrusercontent.com yandexcloud.net your-cloud.host yourvserver.net bestsrv.de goodsrv.de happysrv.de
		hotsrv.de luckysrv.de megasrv.de nicesrv.de powersrv.de quicksrv.de supersrv.de ultrasrv.de`},
	{Hosting, srcHoster, `a2hosting.com acens.net agava.net alfahosting-server.de arubacloud.com arvixe.com
		beget.com bigv.io bluehost.com burst.net buyvm.net bytemark.co.uk choopa.com choopa.net cloud-ips.com
		clouvider.net colocrossing.com datapacket.com dimenoc.com dinaserver.com dreamhost.com ev1servers.net
		fdcservers.net firstvds.ru forpsi.net frantech.ca ghst.net hetzner.com hetzner.de home.pl hostdime.com
		hosteurope.de hostgator.com hostinger.com hostkey.ru hostmonster.com hostnoc.net hostway.com hostwinds.com heteml.jp
		ikoula.com inmotionhosting.com interserver.net iweb.com joyent.us justhost.com kagoya.net kinghost.net
		leaseweb.com leaseweb.de leaseweb.net linode.com liquidweb.com locaweb.com.br lolipop.jp m247.com
		manitu.net masterhost.ru mchost.ru mittwald.info mythic-beasts.com netcup.com netcup.net networklayer.com
		nexcess.net nforce.com online.net ovh.ca ovh.com ovh.us peer1.net privatedns.com psychz.net
		quadranet.com ramnode.com reg.ru registrar-servers.com rootbsd.net ruvds.com sakura.ne.jp scaleway.com secureserver.net
		seflow.net selectel.com selectel.ru serverbeach.com serverbox.net server4you.de server4you.net serverius.net
		serverloft.de serverloft.eu serverplan.com siteground.biz siteground.com siteground.eu siteprotect.com slicehost.net
		softlayer.com sourcedns.com startdedicated.com startdedicated.de superhosting.bg sweb.ru
		tektonic.net theplanet.com timeweb.ru transip.net transip.nl trouble-free.net udag.de unifiedlayer.com
		vas-server.cz vdsina.ru vultr.com web-hosting.com webair.com websitewelcome.com wedos.net worldstream.nl
		xserver.jp your-server.de`},

	{Business, srcStatic, `hinet-ip.hinet.net hfc.comcastbusiness.net internetdsl.tpnet.pl twtelecom.net`},
	{Weak | Business, srcBusiness, `broadviewnet.net cbeyond.net comcastbusiness.net cypresscom.net imsbiz.com
		ldmi.com mpowercom.net nuvox.net paetec.net telepacific.net uninet-ide.com.mx virginmediabusiness.co.uk xo.net`},
	{Weak | Business, "Speakeasy sold static addresses and allowed servers on its lines, public terms of service", "speakeasy.net"},
	{Weak | Business, "IANA: governments and armed forces register here; no consumer has a line below", "gov mil"},

	{Access, srcFqrdns, `alshamil.net.ae home.nl pppool.de neoplus.adsl.tpnet.pl dip.t-dialin.net dip0.t-ipconnect.de
		abo.wanadoo.fr clnt.kht.ru customers.d1-online.com mobileonline.telia.com`},
}

func domainRows() (rows []Domain) {
	for _, list := range domainLists {
		for _, name := range strings.Fields(list.names) {
			rows = append(rows, Domain{name, list.traits, list.source})
		}
	}
	return rows
}
