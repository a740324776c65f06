package remote

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

const (
	poolSize    = 16
	dialTimeout = time.Second
)

var schemes = map[string]struct{ tls, sentinel, cluster bool }{
	"redis":           {},
	"rediss":          {tls: true},
	"unix":            {},
	"redis-sentinel":  {sentinel: true},
	"rediss-sentinel": {tls: true, sentinel: true},
	"redis-cluster":   {cluster: true},
	"rediss-cluster":  {tls: true, cluster: true},
}

// Check says what is wrong with the address of a store, nil where nothing is. It does
// not ask the store, and quotes nothing that could be a password.
func Check(url string) error {
	_, err := parse(url, timeout)
	return err
}

// parse reads the address of a store. Its errors quote nothing that could be a
// password.
func parse(text string, timeout time.Duration) (*redis.UniversalOptions, error) {
	u, err := url.Parse(text)
	if err != nil { // which quotes the text
		return nil, errors.New(`store url: is no URL; hint: write it such as "redis://user:password@127.0.0.1:6379/0", with ` +
			"reserved characters of a password as %XX")
	}
	kind, ok := schemes[u.Scheme]
	if !ok {
		return nil, errors.New("store url: unknown scheme; hint: use redis, rediss, redis-sentinel, rediss-sentinel, redis-cluster, rediss-cluster or unix")
	}
	o := &redis.UniversalOptions{
		Username: u.User.Username(), IsClusterMode: kind.cluster, Protocol: 2, DisableIdentity: true,
		// A call that is repeated may count twice, and there is no time to repeat it.
		MaxRetries: -1, DialerRetries: 1, DialTimeout: dialTimeout, ReadTimeout: timeout, WriteTimeout: timeout,
		ContextTimeoutEnabled: true, PoolSize: poolSize, MaxActiveConns: poolSize, PoolTimeout: timeout, MinIdleConns: 1,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	}
	o.Password, _ = u.User.Password()
	q := query{u.Query()}
	path := strings.TrimPrefix(u.Path, "/")
	if u.Scheme == "unix" {
		if u.Host != "" || path == "" {
			return nil, errors.New("store url: unix takes an absolute path; hint: write unix:///run/redis/redis.sock")
		}
		o.Addrs, path = []string{u.Path}, q.take("db")
	} else if o.Addrs, err = addresses(u.Host, q.all("addr"), kind.sentinel); err != nil {
		return nil, err
	} else if len(o.Addrs) > 1 && !kind.sentinel && !kind.cluster {
		return nil, errors.New("store url: addr is for redis-sentinel and redis-cluster")
	}
	if path != "" {
		if o.DB, err = strconv.Atoi(path); err != nil || o.DB < 0 || o.DB > 0 && kind.cluster {
			return nil, errors.New("store url: the database is a number, and 0 in a cluster")
		}
	}
	if kind.sentinel {
		o.SentinelUsername, o.SentinelPassword = q.take("sentinel_username"), q.take("sentinel_password")
		if o.MasterName = q.take("master_name"); o.MasterName == "" {
			return nil, errors.New("store url: no master; hint: append ?master_name=… as sentinel.conf says")
		}
	}
	if kind.tls {
		if o.TLSConfig, err = q.tls(); err != nil {
			return nil, err
		}
	}
	o.Dialer = bound(redis.NewDialer(&redis.Options{DialTimeout: dialTimeout, TLSConfig: o.TLSConfig}))
	return o, q.rest()
}

// addresses adds the usual port where there is none.
func addresses(first string, more []string, sentinel bool) ([]string, error) {
	port := "6379"
	if sentinel {
		port = "26379"
	}
	all := append([]string{first}, more...)
	for i, a := range all {
		u := url.URL{Host: a}
		if u.Hostname() == "" || strings.ContainsAny(a, "@/, ") {
			return nil, errors.New("store url: no host; hint: write redis://host:port, and further nodes as &addr=host:port")
		}
		if u.Port() == "" {
			all[i] = net.JoinHostPort(u.Hostname(), port)
		}
	}
	return all, nil
}

// query are the parameters of a URL that nobody has read yet.
type query struct{ url.Values }

func (q query) all(name string) []string {
	v := q.Values[name]
	q.Del(name)
	return v
}

func (q query) take(name string) string {
	v := q.Get(name)
	q.Del(name)
	return v
}

// rest is an error where a parameter is left.
func (q query) rest() error {
	if len(q.Values) == 0 {
		return nil
	}
	return errors.New("store url: unknown parameter; hint: known are addr, master_name, sentinel_username and sentinel_password " +
		"(sentinel), addr (cluster), db (unix), tls_ca, tls_cert, tls_key and tls_name (rediss)")
}

func (q query) tls() (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: q.take("tls_name")}
	if path := q.take("tls_ca"); path != "" {
		pem, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("store url: tls_ca: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("store url: tls_ca: %s has no certificate", path)
		}
	}
	cert, key := q.take("tls_cert"), q.take("tls_key")
	if cert == "" && key == "" {
		return c, nil
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fmt.Errorf("store url: tls_cert and tls_key: %w", err)
	}
	c.Certificates = []tls.Certificate{pair}
	return c, nil
}
