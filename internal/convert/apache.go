package convert

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// apache reads mod_fastcgi's FastCgiServer and its relatives, and mod_fcgid's
// directives under their new and old names (docs/mod_fastcgi.html,
// mod_fcgid.html). A program gets one pool, however often it is named.
func apache(s *source, path string) ([]*pool, error) {
	r := &apacheReader{source: s, variables: map[string]string{}}
	if err := r.read(path); err != nil {
		return nil, err
	}
	a := apacheFile{reader: r}
	for _, d := range r.found {
		a.collect(d)
	}
	for _, d := range r.found {
		a.convert(d)
	}
	for _, p := range a.pools {
		a.complete(p)
	}
	var pools []*pool
	for _, p := range a.pools {
		pools = append(pools, p.pool)
	}
	return pools, nil
}

// apacheFile is what all directives say together.
type apacheFile struct {
	reader      *apacheReader
	user, group string
	ipcDir      string
	settings    []directive // of mod_fcgid, for all of its programs
	pools       []*apachePool
}

type apachePool struct {
	*pool
	fcgid bool
	own   bool // FcgidCmdOptions: settings for all do not hold
}

// fcgidNames are the old names of mod_fcgid's directives.
var fcgidNames = map[string]string{
	"busytimeout": "fcgidbusytimeout", "busyscaninterval": "fcgidbusyscaninterval", "defaultinitenv": "fcgidinitialenv", "defaultmaxclassprocesscount": "fcgidmaxprocessesperclass",
	"defaultminclassprocesscount": "fcgidminprocessesperclass", "errorscaninterval": "fcgiderrorscaninterval", "fcgiwrapper": "fcgidwrapper",
	"idlescaninterval": "fcgididlescaninterval", "idletimeout": "fcgididletimeout", "ipccommtimeout": "fcgidiotimeout", "ipcconnecttimeout": "fcgidconnecttimeout",
	"maxprocesscount": "fcgidmaxprocesses", "maxrequestinmem": "fcgidmaxrequestinmem", "maxrequestlen": "fcgidmaxrequestlen",
	"maxrequestsperprocess": "fcgidmaxrequestsperprocess", "outputbuffersize": "fcgidoutputbuffersize", "passheader": "fcgidpassheader",
	"php_fix_pathinfo_enable": "fcgidfixpathinfo", "processlifetime": "fcgidprocesslifetime", "sharemempath": "fcgidprocesstablefile", "socketpath": "fcgidipcdir",
	"spawnscore": "fcgidspawnscore", "spawnscoreuplimit": "fcgidspawnscoreuplimit", "terminationscore": "fcgidterminationscore", "timescore": "fcgidtimescore",
	"zombiescaninterval": "fcgidzombiescaninterval",
}

// newName is a directive of mod_fcgid under its present name.
func newName(d directive) string {
	if name, old := fcgidNames[d.name]; old {
		return name
	}
	return d.name
}

func (a *apacheFile) collect(d directive) {
	name := newName(d)
	switch {
	case name == "user" && len(d.args) == 1 && !strings.Contains(d.args[0], "$"):
		a.user = d.args[0]
	case name == "group" && len(d.args) == 1 && !strings.Contains(d.args[0], "$"):
		a.group = d.args[0]
	case name == "fastcgiipcdir" && len(d.args) == 1:
		a.ipcDir = a.reader.absolute(d.args[0])
	case strings.HasPrefix(name, "fcgid") && name != "fcgidwrapper" && name != "fcgidcmdoptions":
		a.settings = append(a.settings, d)
	}
}

func (a *apacheFile) convert(d directive) {
	if len(d.args) == 0 {
		return
	}
	origin := fmt.Sprintf("%s in %s:%d", d.raw, d.file, d.line)
	switch newName(d) {
	case "fastcgiserver":
		a.fastCgiServer(d, origin)
	case "fastcgiexternalserver":
		a.add(&pool{origin: origin, fault: fmt.Errorf("somebody else starts it; Apache's side of it is what webconf apache prints")})
	case "fastcgiconfig":
		a.add(&pool{origin: origin, fault: fmt.Errorf("dynamic programs have no names here; write a pool for each, or try: convert apache with FastCgiServer lines for them")})
	case "fcgidwrapper":
		argv, err := words(d.args[0])
		p := a.fcgid(argv, origin)
		if err != nil {
			p.fault = err
		}
		for _, rest := range d.args[1:] {
			p.drop("FcgidWrapper ... "+rest, "which requests a pool gets, the web server's configuration says: webconf apache")
		}
	case "fcgidcmdoptions":
		p := a.fcgid([]string{a.reader.absolute(d.args[0])}, origin)
		p.own = true
		a.commandOptions(p, d.args[1:])
	case "scriptalias":
		if len(d.args) == 2 && filepath.Ext(d.args[1]) == ".fcgi" && a.hasFcgid() {
			p := a.fcgid([]string{a.reader.absolute(d.args[1])}, origin)
			p.keep(strings.Join(d.args, " "), "where it is found, the web server's configuration says: webconf apache --prefix "+d.args[0])
		}
	}
}

func (a *apacheFile) hasFcgid() bool {
	return len(a.settings) > 0 || slices.ContainsFunc(a.reader.found, func(d directive) bool {
		return newName(d) == "fcgidwrapper" || slices.Contains(d.args, "fcgid-script") || slices.Contains(d.args, "fcgid_module")
	})
}

func (a *apacheFile) add(p *pool) *apachePool {
	added := &apachePool{pool: p}
	a.pools = append(a.pools, added)
	return added
}

// fcgid is the pool of a program of mod_fcgid, made when it is first named.
func (a *apacheFile) fcgid(argv []string, origin string) *apachePool {
	for _, p := range a.pools {
		if known, _ := p.value("command").([]string); p.fcgid && slices.Equal(known, argv) {
			return p
		}
	}
	p := a.add(&pool{origin: origin})
	p.fcgid = true
	if len(argv) > 0 {
		p.set("command", argv, origin, "")
	}
	return p
}

// complete adds what holds for all programs.
func (a *apacheFile) complete(p *apachePool) {
	if p.fault != nil {
		return
	}
	if p.fcgid && !p.own {
		for _, d := range a.settings {
			p.fcgidOption(newName(d), d.args, d.written())
		}
	}
	if p.fcgid {
		p.setDefault("processes", 5, "mod_fcgid starts up to 100, as requests come; take as many as you have seen at once")
		p.keep("one request at a time to each process", "a web server connects to the pool's socket as often as it likes; the others wait in its queue")
	}
	if a.user != "" && p.index("user") < 0 {
		p.set("user", a.user, "User "+a.user, "")
	}
	if a.group != "" && p.index("user") >= 0 && p.index("group") < 0 {
		p.set("group", a.group, "Group "+a.group, "")
	}
	if p.index("listen") < 0 {
		name := "app"
		if argv, _ := p.value("command").([]string); len(argv) > 0 {
			name = unusedName(strings.TrimSuffix(filepath.Base(argv[0]), filepath.Ext(argv[0])), map[string]bool{})
		}
		p.set("listen", "unix:/run/fcgi-supervisor/"+name+".sock", "", "theirs was made up by Apache")
	}
}

// fcgidGone are directives of mod_fcgid that have no counterpart.
var fcgidGone = map[string]string{
	"fcgidmaxprocesses": "each pool has its own number", "fcgidminprocessesperclass": "all workers start at once, and stay",
	"fcgididletimeout": "idle workers stay", "fcgididlescaninterval": "idle workers stay", "fcgidprocesslifetime": "workers are not replaced for their age",
	"fcgidmaxrequestsperprocess": "workers are not replaced for what they have done; php-cgi has PHP_FCGI_MAX_REQUESTS",
	"fcgidbusytimeout":           "no worker is killed for a long request", "fcgidbusyscaninterval": "no worker is killed for a long request",
	"fcgiderrorscaninterval": "a worker that ends is replaced at once", "fcgidzombiescaninterval": "a worker that ends is replaced at once",
	"fcgidspawnscore": "there is no score: a pool whose workers fail slows down", "fcgidspawnscoreuplimit": "there is no score: a pool whose workers fail slows down",
	"fcgidterminationscore": "there is no score: a pool whose workers fail slows down", "fcgidtimescore": "there is no score: a pool whose workers fail slows down",
	"fcgidipcdir": "the socket is where listen says", "fcgidprocesstablefile": "status tells it",
	"fcgidaccesschecker": "authorizers are no part of webconf", "fcgidauthenticator": "authorizers are no part of webconf", "fcgidauthorizer": "authorizers are no part of webconf",
}

// fcgidStays are directives whose place is the web server's configuration.
var fcgidStays = map[string]string{
	"fcgidiotimeout": "timeout= of ProxyPass, which webconf writes", "fcgidconnecttimeout": "connectiontimeout= of ProxyPass, which webconf writes",
	"fcgidmaxrequestlen": "LimitRequestBody", "fcgidmaxrequestinmem": "Apache passes bodies on", "fcgidoutputbuffersize": "Apache passes answers on",
	"fcgidpassheader": "CGIPassAuth On, which webconf writes", "fcgidfixpathinfo": "webconf --php writes the right PATH_INFO",
}

func (p *apachePool) fcgidOption(name string, args []string, written string) {
	value := strings.Join(args, " ")
	switch {
	case fcgidGone[name] != "":
		p.drop(written, fcgidGone[name])
	case fcgidStays[name] != "":
		p.drop(written, "the web server's business: "+fcgidStays[name])
	case name == "fcgidinitialenv" && len(args) > 0:
		variable, assigned, found := strings.Cut(args[0], "=")
		switch {
		case found:
			p.env(variable, assigned, written)
		case len(args) > 1:
			p.env(variable, args[1], written)
		default:
			p.inherit(variable, written)
		}
	case name == "fcgidmaxprocessesperclass":
		n, err := strconv.Atoi(value)
		if err != nil {
			p.drop(written, "it is no number")
			return
		}
		p.set("processes", n, written, "all of them, always; take as many as you have seen at once")
	default:
		p.drop(written, "unknown")
	}
}

// commandOptions reads FcgidCmdOptions: names of options, each with a value.
func (a *apacheFile) commandOptions(p *apachePool, args []string) {
	names := map[string]string{
		"connecttimeout": "fcgidconnecttimeout", "idletimeout": "fcgididletimeout", "initialenv": "fcgidinitialenv", "iotimeout": "fcgidiotimeout",
		"maxprocesses": "fcgidmaxprocessesperclass", "maxprocesslifetime": "fcgidprocesslifetime", "maxrequestsperprocess": "fcgidmaxrequestsperprocess",
		"minprocesses": "fcgidminprocessesperclass",
	}
	for i := 0; i+1 < len(args); i += 2 {
		p.fcgidOption(names[strings.ToLower(args[i])], args[i+1:i+2], args[i]+" "+args[i+1])
	}
	if len(args)%2 == 1 {
		p.drop(args[len(args)-1], "it has no value")
	}
}

// fastCgiGone are options of FastCgiServer that have no counterpart.
var fastCgiGone = map[string]string{
	"-idle-timeout": "the web server's business: timeout= of ProxyPass, which webconf writes", "-appconntimeout": "the web server's business: connectiontimeout= of ProxyPass, which webconf writes",
	"-pass-header": "the web server's business: CGIPassAuth On, which webconf writes", "-init-start-delay": "all workers start at once",
	"-min-server-life": "a worker that was ready is replaced at once; one that was not slows the pool down",
	"-restart-delay":   "a worker that was ready is replaced at once; one that was not slows the pool down",
}

// fastCgiServer reads FastCgiServer FILE -OPTION VALUE...
func (a *apacheFile) fastCgiServer(d directive, origin string) {
	p := a.add(&pool{origin: origin})
	p.set("command", []string{a.reader.absolute(d.args[0])}, "FastCgiServer "+d.args[0], "")
	for args := d.args[1:]; len(args) > 0; {
		name := strings.ToLower(args[0])
		if name == "-flush" || name == "-nph" {
			p.drop(args[0], "the web server's business: flushpackets=on of ProxyPass")
			args = args[1:]
			continue
		}
		if len(args) < 2 {
			p.fault = fmt.Errorf("%s has no value", args[0])
			return
		}
		a.fastCgiOption(p, name, args[1], args[0]+" "+args[1])
		args = args[2:]
	}
	p.setDefault("processes", 1, "theirs without -processes; ours would be 5")
}

func (a *apacheFile) fastCgiOption(p *apachePool, name, value, written string) {
	if why, ok := fastCgiGone[name]; ok {
		p.drop(written, why)
		return
	}
	switch name {
	case "-processes":
		p.count("processes", value, written)
	case "-listen-queue-depth":
		p.count("listen_backlog", value, written)
	case "-priority":
		p.count("limits.nice", value, written)
	case "-initial-env":
		variable, assigned, found := strings.Cut(value, "=")
		if found {
			p.env(variable, assigned, written)
		} else {
			p.inherit(variable, written)
		}
	case "-port":
		p.set("listen", "tcp:0.0.0.0:"+value, written, "as theirs, on every interface; tcp:127.0.0.1 is safer")
	case "-socket":
		path := value
		if !filepath.IsAbs(path) {
			folder := a.ipcDir
			if folder == "" {
				folder = "/run/fcgi-supervisor"
			}
			path = filepath.Join(folder, path)
		}
		p.set("listen", "unix:"+path, written, "")
	case "-user", "-group":
		p.set(name[1:], strings.TrimPrefix(value, "#"), written, "theirs needed FastCgiWrapper")
	default:
		p.drop(written, "unknown")
	}
}
