//go:build ignore

/*
 * The libmilter filter that iot-milter is compared with: it takes every event
 * and adds one header at end of message.
 *
 *     filter [-n] SOCKET
 *
 * -n asks for no reply to CONNECT, HELO, MAIL, HEADER, EOH and BODY where the
 * MTA offers it, and to DATA and unknown commands. The build line keeps the Go
 * tool from taking this file for cgo.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <libmilter/mfapi.h>

static int want_bits;

/* What was agreed is the same for every connection of one MTA. */
static unsigned long agreed;

static sfsistat answer(unsigned long bit)
{
	return (agreed & bit) ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long f0, unsigned long f1,
	unsigned long f2, unsigned long f3, unsigned long *pf0, unsigned long *pf1,
	unsigned long *pf2, unsigned long *pf3)
{
	unsigned long bits = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_DATA |
		SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH | SMFIP_NR_BODY;

	(void)ctx;
	(void)f0;
	(void)f2;
	(void)f3;
	*pf0 = SMFIF_ADDHDRS;
	*pf1 = want_bits ? (f1 & bits) : 0;
	*pf2 = *pf3 = 0;
	agreed = *pf1;
	return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *addr)
{
	(void)ctx;
	(void)host;
	(void)addr;
	return answer(SMFIP_NR_CONN);
}

static sfsistat on_helo(SMFICTX *ctx, char *name)
{
	(void)ctx;
	(void)name;
	return answer(SMFIP_NR_HELO);
}

static sfsistat on_mail(SMFICTX *ctx, char **argv)
{
	(void)ctx;
	(void)argv;
	return answer(SMFIP_NR_MAIL);
}

static sfsistat on_rcpt(SMFICTX *ctx, char **argv)
{
	(void)ctx;
	(void)argv;
	return SMFIS_CONTINUE;
}

static sfsistat on_data(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_DATA);
}

static sfsistat on_unknown(SMFICTX *ctx, const char *line)
{
	(void)ctx;
	(void)line;
	return answer(SMFIP_NR_UNKN);
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
	(void)ctx;
	(void)name;
	(void)value;
	return answer(SMFIP_NR_HDR);
}

static sfsistat on_eoh(SMFICTX *ctx)
{
	(void)ctx;
	return answer(SMFIP_NR_EOH);
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *chunk, size_t len)
{
	(void)ctx;
	(void)chunk;
	(void)len;
	return answer(SMFIP_NR_BODY);
}

static sfsistat on_eom(SMFICTX *ctx)
{
	if (smfi_addheader(ctx, "X-Bench", "seen") != MI_SUCCESS)
		return SMFIS_TEMPFAIL;
	return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
	struct smfiDesc d = {
		"bench", SMFI_VERSION, SMFIF_ADDHDRS, on_connect, on_helo, on_mail, on_rcpt,
		on_header, on_eoh, on_body, on_eom, NULL, NULL, on_unknown, on_data, on_negotiate,
	};

	if (argc == 3 && strcmp(argv[1], "-n") == 0)
		want_bits = 1;
	else if (argc != 2) {
		fprintf(stderr, "usage: filter [-n] SOCKET\n");
		return 2;
	}
	/* The MTA runs under another user than this filter. */
	umask(0);
	if (smfi_setconn(argv[argc - 1]) == MI_FAILURE || smfi_register(d) == MI_FAILURE)
		return 1;
	return smfi_main() == MI_SUCCESS ? 0 : 1;
}
