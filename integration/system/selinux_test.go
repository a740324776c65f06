//go:build integration

package system

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// allowed are questions to the policy, with what must be allowed; "!" before it means that
// nothing may be.
var allowed = []struct{ source, target, class, want string }{
	{"postfix_smtpd_t", "iot_milter_data_t", "dir", "search"},
	{"postfix_smtpd_t", "iot_milter_data_t", "sock_file", "write"},
	{"postfix_smtpd_t", "iot_milter_t", "unix_stream_socket", "connectto"},
	{"sendmail_t", "iot_milter_data_t", "sock_file", "write"},
	{"sendmail_t", "iot_milter_t", "unix_stream_socket", "connectto"},
	{"init_t", "iot_milter_data_t", "sock_file", "create unlink"},
	{"init_t", "iot_milter_t", "process", "transition"},
	{"iot_milter_t", "iot_milter_exec_t", "file", "entrypoint"},
	{"iot_milter_t", "iot_milter_data_t", "sock_file", "create unlink"},
	{"iot_milter_t", "iot_milter_etc_t", "file", "open read"},
	{"iot_milter_t", "iot_milter_var_lib_t", "dir", "add_name remove_name create"},
	{"iot_milter_t", "iot_milter_var_lib_t", "file", "create lock map rename unlink write"},
	{"iot_milter_t", "iot_milter_log_t", "file", "append create"},
	{"iot_milter_t", "iot_milter_t", "netlink_tcpdiag_socket", "create nlmsg_read read write"},
	{"iot_milter_t", "proc_net_t", "file", "open read"},
	{"iot_milter_t", "sysctl_net_t", "file", "open read"},
	{"iot_milter_t", "net_conf_t", "file", "open read"},
	{"iot_milter_t", "init_runtime_t", "sock_file", "write"},
	{"iot_milter_t", "unreserved_port_t", "tcp_socket", "name_bind"},
	{"iot_milter_t", "dns_port_t", "tcp_socket", "name_connect"},
	{"iot_milter_t", "http_port_t", "tcp_socket", "name_connect"},
	{"iot_milter_t", "redis_port_t", "tcp_socket", "name_connect"},
	{"iot_milter_t", "postfix_spool_t", "dir", "search"},
	{"iot_milter_t", "bin_t", "file", "!"},
	{"iot_milter_t", "shadow_t", "file", "!"},
	{"iot_milter_t", "postfix_spool_t", "file", "!"},
	{"iot_milter_t", "iot_milter_t", "packet_socket", "!"},
}

// TestSELinux has the policy compiled by the reference policy's own Makefile, linked with
// the modules of the mail servers in Debian's policy (which checks what may never be), and
// asks the result.
func TestSELinux(t *testing.T) {
	dir, work := unpacked(t, "selinux")+"/usr", t.TempDir()
	for _, end := range []string{"te", "fc", "if"} {
		run(t, "cp", root+"/packaging/selinux/iot-milter."+end, work)
	}
	out := run(t, "make", "-C", work, "-f", dir+"/share/selinux/devel/Makefile", "SHAREDIR="+dir+"/share/selinux", "NAME=default", "AWK=awk",
		"BINDIR="+dir+"/bin", "iot-milter.pp")
	if strings.Contains(strings.ToLower(out), "warning") {
		t.Error(out)
	}
	linked, policy := filepath.Join(work, "linked"), filepath.Join(work, "policy")
	args := []string{"-o", linked}
	for _, name := range []string{"base", "mta", "milter", "postfix", "sendmail", "hostname"} {
		path := filepath.Join(work, name+".pp")
		run(t, "sh", "-c", `bzip2 -dc "$1" >"$2"`, "sh", dir+"/share/selinux/default/"+name+".pp.bz2", path)
		args = append(args, path)
	}
	run(t, dir+"/bin/semodule_link", append(args, filepath.Join(work, "iot-milter.pp"))...)
	run(t, dir+"/bin/semodule_expand", linked, policy)
	answers := ask(t, dir, policy)
	for i, q := range allowed {
		if got := strings.Fields(answers[i]); q.want == "!" {
			if slices.ContainsFunc(got, func(perm string) bool { return perm != "getattr" }) {
				t.Errorf("%s may %q %s %s, and should not", q.source, got, q.target, q.class)
			}
		} else {
			for _, perm := range strings.Fields(q.want) {
				if !slices.Contains(got, perm) {
					t.Errorf("%s may not %s %s %s, only %q", q.source, perm, q.target, q.class, got)
				}
			}
		}
	}
}

// ask is a line of permissions for each of the questions.
func ask(t *testing.T, dir, policy string) []string {
	t.Helper()
	var questions strings.Builder
	for _, q := range allowed {
		questions.WriteString(q.source + " " + q.target + " " + q.class + "\n")
	}
	cmd := exec.Command("/usr/bin/python3", "testdata/allows.py", policy)
	cmd.Env = append(os.Environ(), "PYTHONPATH="+dir+"/lib/python3/dist-packages")
	cmd.Stdin, cmd.Stderr = strings.NewReader(questions.String()), os.Stderr
	out, err := cmd.Output()
	lines := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if err != nil || len(lines) != len(allowed) {
		t.Fatalf("python3: %v, %d answers", err, len(lines))
	}
	return lines
}
