package device

import "strings"

// Sources of the words. From rule files that match text by patterns only the
// facts were taken: which words an operator puts into names of which hosts.
const (
	srcSA       = "SpamAssassin 4.0.1 20_dynrdns.cf, __RDNS_INDICATOR_* and __RDNS_DYNAMIC_*"
	srcSAName   = "SpamAssassin 4.0.1 20_dynrdns.cf, __RDNS_STATIC"
	srcHfilter  = "rspamd 3.4 hfilter.lua, weights 3 to 5 of 5"
	srcSqlgrey  = "sqlgrey dyn_fqdn.regexp"
	srcSqlMail  = "sqlgrey smtp_server.regexp"
	srcFqrdns   = "fqrdns.pcre 75dc512, names of access lines"
	srcStatic   = "fqrdns.pcre 75dc512, names of static lines"
	srcHosted   = "fqrdns.pcre 75dc512, names of hosting providers"
	srcLanguage = "a dictionary: the word of another row in the language of the provider"
	srcServer   = "a dictionary: what a host does for mail, or the product that does it"
	srcDomain   = "a dictionary: what a provider sells is part of its name"
	srcVPS      = "rspamd 3.4 hfilter.lua, weight 1 of 5; default host names of virtual servers"
)

// Words are the words of host names.
var Words = wordRows()

// wordLists are words that differ in their text only.
var wordLists = []struct {
	match  Match
	traits Traits
	source string
	words  string
}{
	{Whole, Access, srcSA,
		"dyn dynamic res resnet docsis dhcp cpe catv dial modem isdn cable wireless cm"},
	{End, Access, srcSA,
		"dsl"},
	{Whole, Access, srcHfilter,
		"pppoe broadband ppp gprs cdma cablemodem dynip pptp nat wifi homeuser pool fbx fibertel kabel"},
	{Whole, Access, srcSqlgrey,
		"abo bredband cbl client dclient cust customer dialup dialin dip dipool dyna home modemcable user"},
	{Whole, Access, srcFqrdns,
		"bras clientes cmts dinamic dsldyn dslb fios ftth hsd hsi hsia mobile pools retail revip subs umts wimax " +
			"xd ubr red dialip cablelink clients customers custs subscriber subscribers users residential fttx fttb " +
			"fttc fttp gpon epon hfc lte gsm hspa wlan wisp hotspot pppoa vpdn vpn dhcppool dynpool dynamicip pooles " +
			"ippool natpool cgn cgnat dslam adslgp unused ddns clnt broad eduroam guest dorm student mobilenet " +
			"mobileonline flets neostrada neoplus telefonia"},
	{Begin, Access, srcFqrdns,
		"dynamic dyndsl dynadsl dsl adsl pppoe dialup cable dynip dynpool cmodem broadband cablemodem"},
	{Whole, Access, srcLanguage,
		"dinamico dinamica dinamik dinamicka dynamique dynamisch dynamiczny dynamiczne dynamicky dynaaminen " +
			"dynamisk zmienne promenna cliente clienti klient klienti klienty klienten kunde kunden kunder abonent " +
			"abonenti abonents abonnent abonado abonados abonne abonnes assinante assinantes suscriptor suscriptores " +
			"usuario usuarios utente utenti uzivatel uzytkownik gebruiker musteri hogar residencial residenziale " +
			"residentiel particulier particuliers privat privatkunden prywatny domashniy dom breitband breedband " +
			"laajakaista bandalarga bandaancha szelessav bredbaand glasfaser glasvezel fibra fibre kuitu kabelnet " +
			"kabeltv kablo kablonet mobil movil movel mobiel mobilni wohnheim kollegie studenti gast"},
	{End, Access, srcFqrdns,
		"dynamic modem catv"},
	{Whole, Weak | Access, srcFqrdns,
		"upc ipad ipbf ipbfp ipbffx ipbfx adsan adsau acca sdl stb pc sub ws line port cuscon bgp"},
	{Whole, Business, srcSAName,
		"fix static fixip dedicated"},
	{Whole, Business, srcStatic,
		"biz business ded dia rrcs sta wsip fixed staticip leased leasedline sdsl shdsl ipfija fixaddr corp"},
	{Begin, Business, srcStatic,
		"static corporat fixed"},
	{Whole, Business, srcLanguage,
		"fixe fixo fija fijo fisso fissa statisch statique statico statica estatico estatica statyczny statyczne " +
			"statik statisk staticky sabit pevna pevny kiintea standleitung mietleitung dedicado dedicada dedykowane " +
			"corporate corporativo corporativa empresa empresas empresarial entreprise entreprises firma firmy firmen " +
			"firmenkunden geschaeftskunden affari azienda aziende zakelijk yritys foretag erhverv bedrift negocios " +
			"pyme pymes kurumsal biznes"},
	{End, Business, srcStatic,
		"static"},
	{Whole, Hosting, srcHosted,
		"colo datacenter lvps"},
	{Inside, Weak | Hosting, srcDomain,
		"host server vps colo datacent rackspace dedi vserv cloud"},
	{Inside, Provider, srcDomain,
		"telecom telekom cable kabel catv dsl broadband fibra fiber wireless mobile telefon telco wifi wisp"},
	{Begin, Hosting, srcVPS,
		"vps"},
	{Whole, Weak | Hosting, srcHosted,
		"colocation rootserver vserver vds kvm xen webhosting hosting hosted vmi vmd"},
	{Whole, Server, srcSqlMail,
		"email emailhost emailhub emailgate mail mailer mailgate mailhost mailhub mlist mlists mta mx outbound " +
			"postfix relay server serveur smarthost smtp vmx vsmtp"},
	{Begin, Server, srcSqlMail,
		"mail smtp"},
	{End, Server, srcSqlMail,
		"mail smtp"},
	{Whole, Server, srcServer,
		"correo correio posta poczta mout mxout outmail outgoing imap listserv exchange zimbra ironport barracuda"},
	{Whole, Weak | Server, srcSqlMail,
		"bounce bulk dns external filter firewall forward gateway gw list lists out pop proxy web www"},
	{End, Weak | Server, srcSqlMail,
		"mta relay"},
	{Whole, Weak | Server, srcServer,
		"ns gate spam antispam edge"},
	{Begin, Weak | Server, srcServer,
		"mx"},
	{End, Weak | Server, srcServer,
		"mx"},
}

func wordRows() (rows []Word) {
	for _, list := range wordLists {
		for _, text := range strings.Fields(list.words) {
			rows = append(rows, Word{text, list.match, list.traits, list.source})
		}
	}
	return rows
}
