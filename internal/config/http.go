package config

import "fcgi-supervisor/internal/listen"

// finishHTTP checks what only both keys together tell. A nil draft is a
// configuration without that table.
func (d *draft) finishHTTP(damaged map[string]bool) HTTP {
	if d == nil {
		return HTTP{}
	}
	h := &d.http
	if h.Listen == (listen.Address{}) && !d.wrong["listen"] && !damaged[d.header.File] {
		switch {
		case d.header.Line > 0:
			d.mistakes.add(d.header, "missing key \"listen\" in [http]")
		case h.WebConfigFile != "":
			d.complain("web_config_file", "is given without an address to listen on; try: --http 127.0.0.1:9843")
		}
	}
	h.places = d.places
	return *h
}
