package device

// Domains are the domains of providers whose host names say what they rent out.
var Domains = []Domain{
	{"amazonaws.com", Hosting, srcHosted},
	{"clients.your-server.de", Hosting, srcHosted},
	{"colo.isp-thailand.com", Hosting, srcHosted},
	{"dedicated.hosteurope.de", Hosting, srcHosted},
	{"defenderhosting.com", Hosting, srcHosted},
	{"gogrid.com", Hosting, srcHosted},
	{"hqglobal.net", Hosting, srcHosted},
	{"kasserver.com", Hosting, srcHosted},
	{"onlinehome-server.info", Hosting, srcHosted},
	{"ovh.net", Hosting, srcHosted},
	{"pureserver.info", Hosting, srcHosted},
	{"sadecehosting.net", Hosting, srcHosted},
	{"server.by", Hosting, srcHosted},
	{"serverkompetenz.net", Hosting, srcHosted},
	{"serverpronto.com", Hosting, srcHosted},
	{"static.privatedns.com", Hosting, srcHosted},
	{"static.theplanet.com", Hosting, srcHosted},
	{"stratoserver.net", Hosting, srcHosted},
	{"uralhosting.ru", Hosting, srcHosted},

	{"bc.googleusercontent.com", Hosting, "Google Cloud: default PTR names of virtual machines"},
	{"cloudapp.azure.com", Hosting, "Microsoft Azure: default DNS names of virtual machines"},
	{"cloudapp.net", Hosting, "Microsoft Azure: default DNS names of classic virtual machines"},
	{"contaboserver.net", Hosting, "Contabo: default PTR names of virtual servers"},
	{"members.linode.com", Hosting, "Linode: default PTR names of virtual machines (before 2021)"},
	{"ip.linodeusercontent.com", Hosting, "Linode: default PTR names of virtual machines"},
	{"vultrusercontent.com", Hosting, "Vultr: default PTR names of virtual machines"},
}
