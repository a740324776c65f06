/*
 * A libmilter filter for the tests of mtascript: it writes every callback and
 * its arguments to stdout, one line each, and asks for every kind of edit.
 *
 *     filter SOCKET [-n] [-l] [-r STAGE]
 *
 * -n asks for no reply wherever it is offered, -l for macro lists; -r answers
 * that stage (connect, helo, mail, rcpt, header, eom) with a 5xx text.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <libmilter/mfapi.h>

static int no_reply, lists;
static unsigned long agreed;
static const char *refuse = "";

static sfsistat done(SMFICTX *ctx, const char *stage, unsigned long bit)
{
	if (strcmp(stage, refuse) == 0) {
		smfi_setreply(ctx, "550", "5.7.1", "100%% refused");
		return SMFIS_REJECT;
	}
	return (agreed & bit) ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static const char *macro(SMFICTX *ctx, char *name)
{
	const char *v = smfi_getsymval(ctx, name);
	return v == NULL ? "-" : v;
}

static void strings(const char *what, char **argv)
{
	printf("%s", what);
	while (*argv != NULL)
		printf(" [%s]", *argv++);
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1,
	unsigned long f2, unsigned long f3, unsigned long *pf0, unsigned long *pf1,
	unsigned long *pf2, unsigned long *pf3)
{
	unsigned long nr = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_HDR |
		SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_DATA | SMFIP_NR_UNKN;

	(void)f2;
	(void)f3;
	*pf0 = f0;
	*pf1 = no_reply ? (f1 & nr) : 0;
	*pf2 = *pf3 = 0;
	agreed = *pf1;
	if (lists) {
		smfi_setsymlist(ctx, SMFIM_CONNECT, "j {client_ptr}");
		smfi_setsymlist(ctx, SMFIM_EOM, "i");
	}
	printf("negotiate %#lx %#lx\n", f0, f1);
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *sa)
{
	char buf[INET6_ADDRSTRLEN] = "";

	if (sa == NULL)
		printf("connect [%s] none", host);
	else if (sa->sa_family == AF_INET) {
		struct sockaddr_in *in = (struct sockaddr_in *)sa;
		inet_ntop(AF_INET, &in->sin_addr, buf, sizeof(buf));
		printf("connect [%s] 4 %d %s", host, ntohs(in->sin_port), buf);
	} else if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 *in = (struct sockaddr_in6 *)sa;
		inet_ntop(AF_INET6, &in->sin6_addr, buf, sizeof(buf));
		printf("connect [%s] 6 %d %s", host, ntohs(in->sin6_port), buf);
	} else
		printf("connect [%s] L %s", host, ((struct sockaddr_un *)sa)->sun_path);
	printf(" j=%s ptr=%s\n", macro(ctx, "j"), macro(ctx, "{client_ptr}"));
	return done(ctx, "connect", SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	printf("helo [%s] tls=%s\n", name, macro(ctx, "{tls_version}"));
	return done(ctx, "helo", SMFIP_NR_HELO);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	strings("mail", argv);
	printf(" addr=%s\n", macro(ctx, "{mail_addr}"));
	return done(ctx, "mail", SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	strings("rcpt", argv);
	printf(" addr=%s\n", macro(ctx, "{rcpt_addr}"));
	return done(ctx, "rcpt", 0);
}

static sfsistat on_data(SMFICTX *ctx)
{
	printf("data\n");
	return done(ctx, "data", SMFIP_NR_DATA);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *line)
{
	printf("unknown [%s]\n", line);
	return done(ctx, "unknown", SMFIP_NR_UNKN);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	char *p;

	for (p = value; *p != '\0'; p++)
		if (*p == '\n')
			*p = '|';
	printf("header [%s] [%s]\n", name, value);
	return done(ctx, "header", SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	printf("eoh\n");
	return done(ctx, "eoh", SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	(void)chunk;
	printf("body %zu\n", len);
	return done(ctx, "body", SMFIP_NR_BODY);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	printf("eom i=%s\n", macro(ctx, "i"));
	if (strcmp(refuse, "eom") != 0) {
		smfi_progress(ctx);
		smfi_chgheader(ctx, "X-Old", 2, NULL);
		smfi_chgheader(ctx, "Subject", 1, "changed");
		smfi_insheader(ctx, 0, "X-Top", "top");
		smfi_addheader(ctx, "X-End", "end");
		smfi_addrcpt(ctx, "<d@example.org>");
		smfi_delrcpt(ctx, "<b@example.org>");
		smfi_addrcpt_par(ctx, "<e@example.org>", "NOTIFY=NEVER");
		smfi_chgfrom(ctx, "<z@example.net>", NULL);
		smfi_replacebody(ctx, (unsigned char *)"new\r\n", 5);
		smfi_quarantine(ctx, "held");
	}
	return done(ctx, "eom", 0);
}

static sfsistat on_abort(SMFICTX *ctx)
{
	(void)ctx;
	printf("abort\n");
	return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *ctx)
{
	(void)ctx;
	printf("close\n");
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc d = {
		"mtascript-test", SMFI_VERSION, 0x1FF, on_connect, on_helo, on_mail, on_rcpt,
		on_header, on_eoh, on_body, on_eom, on_abort, on_close, on_unknown, on_data,
		on_negotiate,
	};
	int i;

	for (i = 2; i < argc; i++) {
		if (strcmp(argv[i], "-n") == 0)
			no_reply = 1;
		else if (strcmp(argv[i], "-l") == 0)
			lists = 1;
		else if (strcmp(argv[i], "-r") == 0 && i + 1 < argc)
			refuse = argv[++i];
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc < 2 || smfi_setconn(argv[1]) == MI_FAILURE || smfi_register(d) == MI_FAILURE)
		return 2;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
