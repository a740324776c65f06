package asn

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"
	"github.com/oschwald/maxminddb-golang/v2/mmdbdata"

	"github.com/iot-milter/iot-milter/policy"
)

const (
	// maxFile is the largest file that is read, in bytes. GeoLite2-ASN has 10 MB,
	// IPinfo Lite 60.
	maxFile = 1 << 30
	// maxName is what is kept of a holder's name, in bytes.
	maxName = 100
	// maxFields bounds the work for one record: vendors write up to 20.
	maxFields = 64
	// sample is how many records are looked at for a number, to tell a database of
	// networks from one of countries.
	sample = 1000
)

const download = "hint: download it anew, e.g. with geoipupdate, and move it into place"

// base is one database. It is read into memory and not mapped: a mapped file that
// somebody truncates, as a plain copy onto it does, ends the process by SIGBUS.
// The garbage collector frees it when the last Look is done with it.
type base struct {
	db    *maxminddb.Reader
	info  os.FileInfo
	kind  string // what it calls itself
	built time.Time
}

func load(path string) (*base, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w; hint: the key database of [asn] names a file that may be read", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s: not a file; hint: name the .mmdb file itself", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("%s: %d bytes are more than %d; hint: a database of networks alone is smaller", path, info.Size(), maxFile)
	}
	data := make([]byte, info.Size())
	if _, err := io.ReadFull(f, data); err != nil {
		return nil, fmt.Errorf("%s: %w; hint: is it being written? Move it into place instead", path, err)
	}
	b, err := parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	b.info = info
	return b, nil
}

// parse checks all of a database. The library says that it returns errors for
// whatever is in the file; should it panic all the same that is one more error.
func parse(data []byte) (b *base, err error) {
	defer contain(&err)
	b, err = unverified(data)
	if err != nil {
		return nil, err
	}
	if err := verify(b.db); err != nil {
		return nil, fmt.Errorf("damaged: %w; %s", err, download)
	}
	seen := 0
	for r := range b.db.Networks() {
		if seen++; seen > sample {
			break
		}
		if rec, err := decode(r); err == nil && rec.asn != 0 {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%q has no numbers of autonomous systems; hint: GeoLite2-ASN, DB-IP ASN Lite or IPinfo Lite, not a database of countries", b.kind)
}

func unverified(data []byte) (*base, error) {
	db, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; %s", errNoDatabase, err, download)
	}
	b := &base{db: db, kind: clean(db.Metadata.DatabaseType), built: db.Metadata.BuildTime()}
	if b.kind == "" {
		b.kind = "a database without a name"
	}
	return b, nil
}

// verify checks the tree and every record. What the library says of metadata that
// the format only recommends, as a description, is no damage.
func verify(db *maxminddb.Reader) error {
	m := &db.Metadata
	if len(m.Description) == 0 {
		m.Description = map[string]string{"en": m.DatabaseType}
	}
	if m.DatabaseType == "" {
		m.DatabaseType = "unnamed"
	}
	return db.Verify()
}

func contain(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("damaged: %v; %s", p, download)
	}
}

// find returns the record of an address: a zero one if there is none.
func (b *base) find(addr netip.Addr) (r record, err error) {
	if !addr.IsValid() || addr.Is6() && b.db.Metadata.IPVersion == 4 {
		return record{}, nil
	}
	defer contain(&err)
	return decode(b.db.Lookup(addr))
}

// record is what is read of an entry.
type record struct {
	asn         uint32
	name        string
	kind        policy.NetworkKind
	typed, said bool // kind and name are the holder's own
}

// The library keeps the pointer that it decodes into, so that a record on the
// stack would cost an allocation for each Look.
var records = sync.Pool{New: func() any { return new(record) }}

func decode(result maxminddb.Result) (record, error) {
	r := records.Get().(*record)
	*r = record{}
	err := result.Decode(r)
	found := *r
	records.Put(r)
	return found, err
}

var (
	errNoDatabase = errors.New("not a database of networks")
	errFields     = errors.New("a record has too many fields")
)

// UnmarshalMaxMindDBCursor reads the fields of all vendors by their names; of a
// field that has another type than expected nothing is read. Implements
// mmdbdata.CursorUnmarshaler.
func (r *record) UnmarshalMaxMindDBCursor(c mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	fields, err := c.Map()
	if err != nil {
		return mmdbdata.Cursor{}, mmdbdata.NormalizeUnmarshalError[record](err)
	}
	if fields.Size() > maxFields {
		return mmdbdata.Cursor{}, errFields
	}
	var next mmdbdata.Cursor
	for {
		key, value, ok := fields.Next(next)
		if !ok {
			return fields.End()
		}
		switch string(key) {
		case "autonomous_system_number", "asn", "as_number": // MaxMind and DB-IP; IPinfo and IPLocate; sing-box
			next, err = r.readNumber(value)
		case "autonomous_system_organization", "as_name", "as_organization", "name":
			next, err = r.readName(value, string(key) == "name")
		case "as_type", "type":
			next, err = r.readKind(value, string(key) == "type")
		default:
			next, err = value.Skip()
		}
		if err != nil {
			return mmdbdata.Cursor{}, err
		}
	}
}

func (r *record) readNumber(value mmdbdata.Cursor) (mmdbdata.Cursor, error) {
	kind, err := value.Kind()
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	switch kind {
	case mmdbdata.KindUint16, mmdbdata.KindUint32, mmdbdata.KindUint64:
		n, next, err := value.ReadUint()
		if n <= 1<<32-1 && err == nil {
			r.asn = uint32(n)
		}
		return next, err
	case mmdbdata.KindString:
		s, next, err := value.ReadStringMaxSize(64)
		if n, ok := number(s); ok && err == nil {
			r.asn = n
		}
		return next, err
	}
	return value.Skip()
}

// readName keeps a name; "name" may be a customer's, and yields to the others.
func (r *record) readName(value mmdbdata.Cursor, maybe bool) (mmdbdata.Cursor, error) {
	if kind, err := value.Kind(); err != nil || kind != mmdbdata.KindString {
		return skip(value, err)
	}
	s, next, err := value.ReadStringMaxSize(4096)
	if err == nil && s != "" && !(maybe && r.said) {
		r.name, r.said = clean(s), !maybe
	}
	return next, err
}

// readKind keeps a kind; "type" may be a customer's, and yields to the other.
func (r *record) readKind(value mmdbdata.Cursor, maybe bool) (mmdbdata.Cursor, error) {
	if kind, err := value.Kind(); err != nil || kind != mmdbdata.KindString {
		return skip(value, err)
	}
	s, next, err := value.ReadStringMaxSize(4096)
	if err != nil || maybe && r.typed {
		return next, err
	}
	r.typed, r.kind = !maybe, policy.NetworkUnknown
	switch s {
	case "hosting":
		r.kind = policy.NetworkHosting
	case "education":
		r.kind = policy.NetworkEducation
	case "business":
		r.kind = policy.NetworkBusiness
	}
	return next, nil
}

func skip(value mmdbdata.Cursor, err error) (mmdbdata.Cursor, error) {
	if err != nil {
		return mmdbdata.Cursor{}, err
	}
	return value.Skip()
}

// number reads "AS64496", "as64496" or "64496".
func number(s string) (uint32, bool) {
	if len(s) > 2 && (s[0]|0x20) == 'a' && (s[1]|0x20) == 's' {
		s = s[2:]
	}
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 32)
	return uint32(n), err == nil
}

// clean returns a name that is short and can be printed; nearly all are already.
func clean(s string) string {
	if len(s) > maxName {
		end := maxName
		for end > 0 && !utf8.RuneStart(s[end]) {
			end--
		}
		s = s[:end]
	}
	for _, r := range s {
		if !printable(r) {
			return strings.Map(func(r rune) rune {
				if printable(r) {
					return r
				}
				return '?'
			}, s)
		}
	}
	return s
}

// printable leaves out control characters, and what turns the direction of
// writing or hides.
func printable(r rune) bool {
	switch {
	case r < ' ', r >= 0x7f && r < 0xa0, r == utf8.RuneError,
		r >= 0x200b && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2060 && r <= 0x206f, r == 0xfeff:
		return false
	}
	return true
}
