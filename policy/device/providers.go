package device

import "strings"

// Providers of access lines, by the zones that they name lines in. Most of a
// provider's names hold the client's whole address and need no such list; it is
// for those that hold two octets of it, a MAC address or a word that says nothing
// elsewhere. A provider's own servers are below the same domains.
const (
	fqrdnsProviders = `
012.net.il 125-59-68-245hkcable.com.hk 163data.com.cn 4u.com.gh 7starnet.com 9tel.net ab.ru abaks.pl abissnet.al
acanac.net accesskenya.com accessus.net acelerate.net acn.gr acn.waw.pl actualnetwork.com.br adam.com.au
adamswells.com adsl.hu adslplus.ch aeneaslocal.net afcity.net afnet.net ahol.hu ahrt.hu airbites.pl airtel.net
airtelbroadband.in airvision.at ajato.com.br albacom.net alestra.net.mx alfanumeric.com.ni alfatelecom.ru algz.net
aliant.net alice.nl alicedsl.de alkar.net allegiance.tv alltel.net almus.net alshamil.net.ae americainter.net
ameritech.net amis.net amnethn.com an.ru andorpac.ad anet.lt anteldata.net.uy aol.com apid.com apol.com.tw aracnet.com
araxinfo.com arcor-ip.net arctel.ru arminco.com arrakis.es artcommunication.co.yu artcoms.ru artnet.su as15444.net
as43234.net as9105.com asahi-net.or.jp asianet.co.th asparuhovo.net astral.ro atlanet.it atlanticbb.net atnet.ru
atomlink.ru autocom.pl avangard-dsl.ru avangarddsl.ru avantel.net.mx aviso.ci avtlg.ru axtel.net b26.cz balticum.lt
baltnet.ru barak-online.net barak.net.il barrettxplore.com bashtel.net bashtel.ru batelco.com.bh batelco.jo
baydenet.com.br bbeyond.nl bbt.net.ar bell.ca bellsouth.net bellsouth.net.ar bendtel.net beotel.net bethere.co.uk
beyondbb.com bezeqint.net bhfc.net bigpond.net.au bigtelecom.ru bikab.com biysk.ru bizartelecom.ro blic.net
blue-cable.de blue4.cz bluecom.no bluetone.cz bluewin.ch blueyonder.co.uk bnet.at bnk.lt bol.bg bol.net.in
borusantelekom.com botosani.ro braila.astra.ro brasiltelecom.net.br brightview.com broadband.hu broadbandscope.com
broker.com.pl brtel.com.br brucewschmitt.com brutele.be bryansktel.ru bsnl.in bt.net btc-net.bg btcentralplus.com
btes.tv bti.net.ph btitelecom.net btopenworld.com buckeyecom.net bulldogdsl.com bvconline.com.ar bway.net c-line.ru
cable.net.co cable21.net cablebg.net cablelynx.com cableonda.net cableone.net cableonline.com.mx cablerocket.net
cablespeed.com cablesurf.de cablevision.net.mx cableworld.es cabonnet.com.br caiway.nl calixo.net callplus.net.nz
cambrium.nl cantv.net catv.net.pl catv296.ne.jp caucasus.net caural.ru cavtel.net cebridge.net cegetel.net
centertel.pl centurytel.net cgocable.net charter.com chello.fr chello.nl chello.pl chello.sk chirpan.tv choiceone.net
chtts.ru cia.com cilnet.com.br citinet.pl citykom.de citylink-rk.ru citynet.pl citynetwireless.net citynsk.ru
claranet.co.uk claro.net.br clarocom.net classcom.pl clax.ro clearviewcatv.net clearwire-dns.net
cliente-50-net-uno.net club-internet.fr cmaaccess.com cn.ru cndata.com codetel.net.do coditel.net coldecon.com
coldecon.net.co coltfrance.com com2com.ru comcast.net comhem.se comindico.com.au completel.net comporium.net
comsat.net.ar comstar-r.ru comstar.ru comtat.ru comunitel.net concepts.nl connect.com.fj connect.net.au connection.ca
contelsia.com conversent.net conwaycorp.net coopenet.net.ar cooptel.qc.ca coprosys.cz coqui.net corbina.net corbina.ru
corporium.net costas.com.bo costavision.com cotas.com.bo cotel.com.ar covad.net cox.net crowley.pl cruzio.com
csa-net.pl csk.pl csloxinfo.net csolve.net css.od.ua ct.co.cr ctbcnetsuper.com.br ctc.net ctinets.com ctinets.net
current.net cwjamaica.com cybercable.net.mx cybercity.dk cybergrota.com.pl cybernet.ch cyfra.net cypresscom.net
cytanet.com.cy datagroup.com.ua datanet.hu datapoint.ru datavo.com dbd-ipconnect.net dbnet.dk dcc.bg dedicado.com.uy
dejazzd.com deldsl.net deltanet.ge dial.net.mx dialog.net.pl dialuol.com.br digicom.ro digitelone.com digiweb.ie
dinanet.net.co dipelnet.com.br direcpc.com directnet.com.br directonpc.com diskonttelecom.ru dls.net dnlab.ru
domonet.ru donpac.ru dravanet.hu drei.com drytel.net dsidata.sk dsl.net.pk dslavangard.ru dslextreme.com dslgb.com
dtccom.net dubna.ru e-catv.ne.jp e-kirov.ru e-oren.ru e-plan.pl e-sky.ru e-tagil.ru eaccess.ne.jp eastern-tele.com
eastex.net eastlink.ca easy-com.pl eatel.net echos.net ecutel.net edatel.net.co edirectlink.com edpnet.net eftel.com
ego.co.th einsundeins.de eircom.net ekk.bg elcom.ru electricfiber.net elisa.ee elsv-v.ru embarqhsd.net embarqnow.net
embratel.net.br emcali.net.co energy-net.ro enformatic.pl enred.com entelnet.bo enternet.hu entouch.net epix.net
epm.net.co erdves.lt ert.com.co ertelecom.ru esat.net esoo.ru espenza.ru estmn.ru estpak.ee etb.net.co etel.hu ett.ua
etv.net eunet.rs eunet.yu euro-net.pl eurotel.cz euroweb.hu euskaltel.es evc.net everestkc.net evhr.net
ewe-ip-backbone.de ewetel.net exa.net.uk exetel.com.au expro.com.pl fairpoint.net farlap.net farlep.net farmerstel.com
fast.net.id fast.net.uk faster.net.br fastlink.lt fastlinkdata.jo fastres.net fastwebnet.it fatbanana.ca fdn.com
fiberlink.ro fibernet.ro fibertel.com.ar finemedia.pl firmradio.net flash.net.br flash.tv.br flashnet.pl fmctc.com
forthnet.gr fpt.vn freedom2surf.net freenet.com.ua frionline.com.br frontierbroadband.com frontiernet.net fuse.net
g-net.net g4group.com.br gaoland.net gazinter.net gci.net generalnet.net genext.net geonetsa.com ggbit.net giga.net.tw
gigalink.net.br global-gateway.net globnet.md globonet.hu glocalnet.net go.com.jo gol.net.gy golden-star.ru
goodline.info gotadsl.co.uk grayhill.com green.ch greendottt.net grodno.by gtel.net.mx gvt.net.br hananet.net
hansenet.de haptech.net hargray.net hcsds.ru hdsnet.hu helios-tv.ru hertza.ro hi-velocity.net hinet.net hispeed.ch
hiway.at hnet.ru hol.gr home.nl hri.net.pk huntbrothers.com i-company.ru i-san.net i-set.ru iam.net.ma ibercom.com
ice.no icosmos.ru icpnet.pl idknet.com iesy.net ifx.com.co ifx.net.co ifxnetworks.com ifxnw.cl ifxnw.com.ar ig.com.br
ignite.net ihug.co.nz iia.cl iinet.net.au iland.net ilink.ro impsat.com.co impsat.net.ar imsday.com in2cable.com
inertia.pl infinet.co.ke info-link.ru info.com.ph infoweb.ne.jp inode.at insightbb.com integral-net.spb.ru
intelignet.com.br intelignet.net.br intelnet.net.gt inter.net inter.net.il intercable.net intercable.net.co
interlain.lv interlan.ru intermedia.net.pl internet.sx.cn intersv.com intramail.ru intrans.az intred.it inturbo.lt
invitel.hu iol.cz iol.it iol.sk iolbroadband.net ip.net.ua iplannetworks.net iplong.net iptelecom.net.ua
irapida.com.br irishbroadband.ie irtel.ru is.lt is74.ru isadsl.co.za ish.de iskon.hr iskratelecom.ru issr.ru
isurgut.ru it-net.pl it4web.ro itv.net.ua iusacell.net iw.net izhline.net izhnt.ru j-cnet.jp ja.net.br
jamamobile.co.nz jazztel.es ji-net.com kabel-badenwuerttemberg.de kabelbw.de kabelszat2002.hu kamchatka.ru kamp-dsl.de
karneval.cz katch.ne.jp kava.lt kaza.cz kbronet.com.tw kbtelecom.net kcom.com khakasnet.ru kherson.ua khn.ru kht.ru
kiev.ua kirov.ru kis.lt kis.ru knology.net komtels.ru kosnet.ru krasnet.ru krbnet.ru krdn.ru krm.net.ua kuban.ru
kuzbass.net kve.cz kvidex.ru landnet.ro lanet.net.pl lcds.com level3.net lga.net.sg lianet.ru libello.mc libero.it
libertysurf.net ligtel.com lijbrant.net line.cz linkexpress.com.br lion-centr.rmt.ru livas.lv lodz.pl logixcom.net
longlines.com look.ca lpnet.com.br lsc.net.tw ltis.net luxdsl.pt.lu lyse.net m-online.net macomnet.net mactelecom.net
magistal.by magistraly.ru magma.ca magnet.ch mana.pf managedbroadband.co.uk managednetworks.com manquehue.net
marcanet.net.mx marcatel.net.mx mari-el.ru mark-itt.net maroconnect.net.ma marsoft.net marton.net.pl mastercabo.com.br
maxcom.net.mx maxonline.com.sg maxtelecom.bg mchsi.com mcleodusa.net mcloudteleco.com mcn.ru mcnet.cz mdswireless.com
mediacommerce.com.co medias.ne.jp mediaserv.net mediaways.net medicom.bg mega.kg megapath.net megazon.com.br mels.ru
merca.net.co metalink.net metrocast.net metrocom.ru metronet.net.co mezzonet.net mgts.by mhcable.com midco.net
migtel.ru mikrovisata.net millicom.com.ar mindspring.com mlode.com mm.pl mnc.pl mnet-online.de mnsi.net mobilphone.com
modem.ru modulonet.fr mogilev.by mol.net.ua monaco.mc monornet.hu montanasat.net morning.ru mosline.ru movilmax.com
movilnet.com.ve movinet.com.uy movistar.cl movistar.net.ar mozcom.net mrse.com.ar mstarmetro.net mtnl.net.in mts-nn.ru
mtu-net.ru mtu.ru multi.net.pk mundivox.com mundo-r.com mv.ru mx-net.cz mxc.ru myactv.net mycingular.net myt.mu
myvzw.com narzan.com nat.atknet.ru nationalcablenetworks.ru nauticom.net nayatel.pk nbox.cz nc-systems.no
ncable.com.au nchel.ru ncnet.ru nctc.com nctv.com nefkom.net nelsonvilletv.com nemontel.net neoviatelecom.com.br
nesma.net.sa net-htp.de net-surf.net net-uno.net net.upcbroadband.cz net13.ro net24.it netaccess.ro netactive.net
netcabo.pt netcologne.de netcommander.com netcomng.com netia.com.pl netline.cl netmadeira.com netnet.net netpro.co.yu
netsonline.net.pk netspace.net.au netstream.com nettelecom.ro nettlinx.com netvigator.com netvisao.pt netvision.net.il
networx-bg.com newskies.net newwavecomm.net nexcom.ru nextgentel.com nextra.cz nextra.sk nextweb.net ngi.it
nigol.net.ng nile-online.net nipcable.com nls.net noos.fr nornett.net northrock.bm northstate.net nov.ru novanet.ec
novatelbg.net novis.pt npgco.com nqt.com.br nsplus.ru ntebb.no ntelecom.com.br ntelos.net ntl.com ntlworld.com
ntlworld.ie ntt.co.th ntt.net.au numericable.fr nuvox.net nvbell.net nwgsm.ru oanet.com ocn.ne.jp odessa.ua oktv.se
olympus.ru omkc.ru omskdom.ru omsknet.ru one.at onego.ru onelinkpr.net onetel.net.uk oninet.ne.jp online.ge online.kz
online.nl online.sh.cn ono.com ontelecoms.gr onyx.net optimus.pt optinet.hr optolan.net.ua optonline.net
optusnet.com.au optynex.com orange.at orange.es orange.sk orbitel.net.co orcon.net.nz orel.ru osnanet.de ote.gr
otenet.gr otvk.pl pacbell.net paltel.net paradise.net.nz parisat.hu parma.ru parmedia.net parsdp.com parsonline.net
pathcom.com pathwayz.com peak.org pentex.pl people.net.au peoplenet.ua perimetercenter.net perm.ru permonline.ru
peterstar.net pipex.com pivot.net plateautel.net platinum.ca play-internet.pl pldt.net plus.net plus.pl plustelecom.ru
poda.cz pol.net.in polarnet.ru powergate.ca pppool.de prima.net.ar primacom.net primorye.net.ru primorye.ru primus.ca
prod-dial.com.mx prod-empresarial.com.mx prod-infinitum.com.mx prodigy.net.mx proen.co.th proxad.net prtc.net
prtcnet.org prtelecom.hu prw.net psinetpa.net ptc.pl ptd.net ptprime.net ptvtelecom.com punto.net.ec punto.net.es
puntonet.ec pwd.ne.jp qsc.de quicknet.nl qwerty.ru qwest.net radiant.net radiantnet.ru radiocom.ro rallstech.org
ranetka.ru rasana.net rdsnav.ro rdsnet.ro rdstm.ro rdtc.ru rekkon.ru ridsa.com.ar rikt.ru rima-tde.net rinet.ru
rio-express.net rioaccess.net rmt.ru rnl.ru robi.com.mk rol.ru romexnet.ro romtelecom.net rp80.se rr.com rsspnet.ru
rtc.coop rtelekom.net rubicom.hu runext.com ruscomp.net rygveda.lt sakhalin.ru sakhalintelecom.ru salzburg-online.at
samara.ru san.ru santel.net saransk.ru satelnet.ro satgate.net satnet.net satronet.sk saudi.net.sa sbb.co.yu sbb.rs
sbcglobal.net scarlet.nl schedom-europe.net sctelcom.net sdnet.net seed.net.tw setardsl.aw setel.com sevsky.net
sezampro.yu sferia.net shawcable.net shinternet.ch sify.net sigmanet.hu silego.com silverstar.com simnet.is
sinectis.com.ar singnet.com.sg siol.net sky.com sky.ru skylink.ru slovanet.sk smoothstone.net smsnet.pl snap.net.nz
snet.net snt.ru so-net.net.tw sodobrasil.net.br solo.by southerncoastalcable.net sovam.net.ua sovintel.ru
sovintel.spb.ru spark-rostov.ru sparqnet.net spcsdns.net spdop.ru spectrumnet.bg speedy.com.ar speedy.net.pe
speedyterra.com.br spitfireuk.net sprint-hsd.net sprintbbd.net srtnet.com starnet.md stars.net.sa steel.net.ar
stream.uz stv.ru su29.ru suddenlink.net sunflower.com suomi.net supercable.net.ve superkabel.de supernet.com.bo
supraktv.hu sura.ru suranet.net surewest.net surfer.at surnet.cl surnet.ru suttk.ru svtc.ru swan.sk swayzee.com
swbell.net swiftkenya.com switzerland.net sx.cn sydskane.nu t-com.hr t-com.ne.jp t-com.sk t-dialin.net t-ipconnect.de
t-mobile.at t-mobile.pl t6broadband.com talia.net tannerins.com tario-plus.net tche.br tchercom.ru tcnet.com.br
tczew.net.pl td.net.ua tdatabrasil.net.br tds.net te-dns.org tedata.net telbonet.an telcel.net.ve tele.dk tele.net
telebecinternet.net telebeep.com telecable.com.do telecable.es telecall.ru telecentro.com.ar telecet.ru telecom.by
telecom.net.ar telecomitalia.it telecomitalia.sm telecomplus.net telefonica-ca.net telefonica.com.ar
telefonicamundo.cl telekom.at telekom.rs telelet.dk teleline.hu telemach.net telemar.net.br telemaxdom.ru telenet.ru
teleos.ru telepac.pt teleportsv.net teleru.net telesat.net.br telesat.net.co telesp.net.br teletektelekom.com
telfort.nl telia.com telia.net telkom.net.id telkomadsl.co.za tellas.gr telmex.net.ar telnor.net telpin.com.ar
telpol.net.pl telrostelecom.ru telstraclear.net telus.com telus.net telviso.net.ar teol.net tera-net.ro terra.cl
terra.net.lb tesatnet.pl tesco.net tfn.net.tw three.co.uk tie.cl timbrasil.com.br tinp.net.tw tis-dialog.ru tiscali.dk
tiscali.fr tiscali.it tiscali.nl tkom.cz tktelekom.pl tm.net.my tmcity.ru tmcz.cz tmp.pl tnp.pl tolcom.ru tomsknet.ru
tot.co.th totalbb.net.tw totbb.net totisp.net towerstream.net tpgi.com.au tpnet.pl tps.uz transact.bm transedge.com
tre.se tricom.net trngroup.ru tropolys.de tsinet.ru tsnet.ru tstt.net.tt tsua.net ttknet.ru ttn.net ttnet.com.tr
ttnet.net.tr tttmaxnet.com tule.net tulipconnect.com tvcablenet.be tvcom.net.ua tvkdiana.pl tvnet.hu tvnetwork.hu
tvninternet.com.br tvoe.tv tvtel.pt tvtnet.ch twang.net ucom.ne.jp udm.net ufacom.ru ufamts.ru ufanet.ru ugtel.ru
ukpn.ru ukrtel.net ulx.ru unet.cz uninet-ide.com.mx uninet.net.mx unitline.ru unitymediagroup.de unotel.com.br
uolsinectis.com.ar upcnet.ro uralcom.com uslec.net utel.net.ua utel.ua uunet.ru vdnet.lt vectranet.pl vel.net
velocitytech.net veloxzone.com.br verizon.net versanet.de versatel.net versatel.nl viacabocom.com.br viateldsl.com
vietel.com.vn viettel.vn virgin.net virtua.com.br vista-express.com vitebsk.by vitnett.no vivax.com.br vivodi.gr
vivozap.com.br vnet.sk vntc.ru vodacom.co.za vodafone.pt vodaphonedsl.it volia.net vologda.ru vologdaregion.ru vrn.ru
vrtelecom.com.br vsi.ru vsnl.net.in vtc.ru vtelecom.ru vtr.net vtx.ch wanadoo.fr wanamaroc.com wanaroc.com
warnerbros.com warrennet.org wateen.net wavecable.com wavetelecom.com.br wayinternet.com wayinternet.com.br wbt.ru
wcc.net webperoni.de websud.ch westcall.net westnet.com.au wideopenwest.com wildblue.net williamsacosta.com
windstream.net wlms-broadband.com wln.net.br wobline-ip.de wobline.de wplus.ru wvi.com wxdsl.nl xnet.hr xo.net
xs4all.be xs4all.nl xtra.co.nz yaknet.ca yarnet.ru yaroslav.ru yoladom.ru zain.com zappmobile.ro zebra.lt
zeelandnet.nl zen.co.uk zero-isp.net ziggo.nl zona.ba zoominternet.net
`
	otherProviders = `
3bb.co.th as13285.net attbi.com bbtec.net belgacom.be digimobil.ro hkcable.com.hk inetia.pl kyivstar.net online.no
ownit.se plala.or.jp rogers.com sfr.net skynet.be so-net.ne.jp swisscom.ch telekom.hu telenet.be teletu.it tmodns.net
upcbroadband.cz videotron.ca virginm.net virginmedia.com vnpt.vn vodafone-ip.de vodafonedsl.it
`
)

// providers returns a row for each provider.
func providers() (rows []Domain) {
	for _, list := range []struct{ names, source string }{
		{fqrdnsProviders, srcFqrdns},
		{otherProviders, "detection rules in public use: SpamAssassin 4.0.1, rspamd 3.4 and operators' own pages name the zone"},
	} {
		for _, name := range strings.Fields(list.names) {
			rows = append(rows, Domain{name, Provider, list.source})
		}
	}
	return rows
}
