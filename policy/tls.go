package policy

// tls quotes what the session was encrypted with. It carries no weight: TLS
// tells the year of a mail rather than its host.
func tls(f *Facts, out *Findings) {
	if f.Greeting.TLSVersion != "" {
		out.Add(StatusNeutral, "tls", f.Greeting.TLSVersion)
	}
}
