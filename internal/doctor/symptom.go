package doctor

import (
	"regexp"
	"strings"
)

// kind groups symptoms by what is looked at besides.
type kind string

const (
	environmentKind kind = "environment"
	moduleKind      kind = "module"
	fileKind        kind = "file"
	ownSocketKind   kind = "own socket"
	certainKind     kind = "certain"  // the words say the cause
	uncaughtKind    kind = "uncaught" // they say where it failed, and not why
)

// symptom is something that programs say when they fail, and what it means. The
// first group of the pattern is the name of what is missing.
type symptom struct {
	kind    kind
	pattern *regexp.Regexp
	what    string // with $1
	remedy  string // with $1; may be empty
}

func say(k kind, pattern, what, remedy string) symptom {
	return symptom{k, regexp.MustCompile(pattern), what, remedy}
}

// symptoms are in the order in which they are believed: what names its cause
// comes before what only says that something failed.
var symptoms = []symptom{
	// An environment variable that is not there.
	say(environmentKind, `(?s)(?:environ|<frozen os>|/os\.py).{0,400}KeyError: '(\w+)'`, "it needs the environment variable $1", ""),
	say(environmentKind, `key not found: "(\w+)" \(KeyError\)`, "it needs the environment variable $1", ""),
	say(environmentKind, `\$ENV\{["']?(\w+)["']?\}`, "it needs the environment variable $1", ""),
	say(environmentKind, `\b([A-Z][A-Z0-9_]{2,})["']?(?: environment variable)?:? (?:(?:is|was) (?:not|un) ?set|(?:is )?(?:not defined|undefined)|(?:is )?unset|must be set|is required|is missing|parameter not set|unbound variable)\b`,
		"it needs the environment variable $1", ""),
	say(environmentKind, `\b([A-Z][A-Z0-9_]{2,})["']? environment variable`, "it needs the environment variable $1", ""),
	say(environmentKind, `(?i:environment variable)[ :]+["'$]?([A-Z][A-Z0-9_]{2,})`, "it needs the environment variable $1", ""),

	// A library or module that is not there.
	say(certainKind, `error while loading shared libraries: (\S+):`, "the shared library $1 is not there", "install the package that has $1 (apt-file search $1), or ldconfig"),
	say(certainKind, "version `([^']+)' not found", "it was built for a newer system: its libraries have no version $1", "build it on this release of the system"),
	say(moduleKind, `(?:ModuleNotFoundError|ImportError): No module named '?([\w.]+)'?`, "Python does not find the module $1", ""),
	say(certainKind, `(?m)^(ImportError: .*)$`, "an import fails: $1", "see the lines below"),
	say(moduleKind, `Can't locate (\S+) in @INC`, "Perl does not find the module $1", "install it, or set PERL5LIB in environment"),
	say(moduleKind, `cannot load such file -- (\S+)`, "Ruby does not find $1", "install the gem for this user and Ruby, or set GEM_PATH or RUBYLIB in environment"),
	say(moduleKind, `Cannot find module '([^']+)'`, "Node does not find the module $1", "npm install in the application's folder, or set NODE_PATH in environment"),
	say(moduleKind, `module '([^']+)' not found`, "Lua does not find the module $1", "install it, or set LUA_PATH in environment"),
	say(moduleKind, `(?:Failed opening required|Class) ["']([^"']+)["'] (?:\(include_path|not found)`, "PHP does not find $1", "composer install, or use __DIR__ in the path"),

	// Written for another version of its language.
	say(certainKind, `(Missing parentheses in call to 'print')`, "it is written for Python 2 and read by Python 3", "name the interpreter that it was written for in the #! line"),
	say(certainKind, `(SyntaxError: [^\n]*)`, "its source has a mistake: $1", ""),
	say(certainKind, `(syntax error at \S+ line \d+)`, "its source has a mistake: $1", ""),
	say(certainKind, `(?:PHP )?(Parse error: [^\n]*)`, "its source has a mistake: $1", ""),
	say(certainKind, `(?m)^(\S+:\d+: syntax error[^\n]*)`, "its source has a mistake: $1", ""),
	say(certainKind, `(Unicode(?:En|De)codeError: 'ascii'[^\n]*|invalid byte sequence in US-ASCII)`, "it meets a character outside ASCII: $1", `environment = { LANG = "C.UTF-8", PYTHONUTF8 = "1" }`),

	// It asks somebody who is not there.
	say(certainKind, `(?m)^sudo: ((?:a password is|a terminal is|sorry, you must|no tty)[^\n]*)`, "it calls sudo, which refuses: $1", "leave sudo out: user in the pool is whom the workers run as"),
	say(certainKind, `(?s)(input\().*(?:OSError: \[Errno 22\]|EOFError)`, "it asks a question on standard input, and there is nobody: descriptor 0 is the socket", "give the answer in an argument, in environment or in a file"),
	say(certainKind, `((?:unable to open database file|attempt to write a readonly database)[^\n]*)`, "SQLite says: $1", "the worker's user must be allowed to write to the database's folder, as well as to its file"),

	// A socket of its own.
	say(ownSocketKind, `(?i)(address already in use|port \d+ is in use)`, "it opens a socket of its own, and that address is in use, instead of taking connections from descriptor 0",
		"remove bindAddress, app.run() or the port from the program: the socket is on descriptor 0"),

	// What a limit or a service has refused.
	say(certainKind, `(?i)(too many open files|EMFILE)`, "it runs out of file descriptors", "raise nofile in limits, and look for files that it never closes"),
	say(certainKind, `(?m)(MemoryError|Allowed memory size of \d+ bytes exhausted|std::bad_alloc|[Cc]annot allocate memory|JavaScript heap out of memory|fatal error: out of memory|Out of memory!)`,
		"it runs out of memory: $1", "see the memory limit of the language, of the unit (MemoryMax=) and of the machine (free -m)"),
	say(certainKind, `(?i)(no space left on device)`, "a file system is full", "df -h; df -i"),
	say(certainKind, `(?i)(read-only file system)`, "it writes to a file system that is read-only", "see ReadWritePaths= of the unit"),
	say(fileKind, `(?i)permission denied(?::? | @ \w+ - |, \w+ )["'(]?(/[^"'\s):]+)`, "its user may not use $1", "see namei -l $1"),
	say(fileKind, `(?i)(?:open|opening|read|write|create|access|mkdir|stat|exec|Can't open(?: perl script)?)\w* ["'(]?(/[^"'\s):]+)["')]?: [Pp]ermission denied`, "its user may not use $1", "see namei -l $1"),
	say(fileKind, `(?m)(?:^|: )(/[^"'\s:]+): [Pp]ermission denied`, "its user may not use $1", "see namei -l $1"),

	// A file that is not there; an absolute name is judged as it stands.
	say(fileKind, `(?i)(?:fopen|file_get_contents|require|include)\w*\(([^)]+)\): failed to open stream: no such file`, "it does not find the file $1", ""),
	say(fileKind, `(?i)no such file or directory(?:: | @ \w+ - |, \w+ )["'(]?([^"'\s)]*[^"'\s).,:])`, "it does not find the file $1", ""),
	say(fileKind, `(?i)\bopen\w* ["'(]?([^"'\s):]+)["')]?:(?: failed to open stream:)? no such file or directory`, "it does not find the file $1", ""),
	say(fileKind, `(?im)(?:^|: )["']?([^"'\s:]+)["']?: no such file or directory`, "it does not find the file $1", ""),

	say(certainKind, `(?m)(?:^|: )([\w./-]+): (?:command )?not found$`, "the program $1 is not in the worker's PATH", "write its whole path, or set PATH in environment"),
	say(certainKind, `(?i)((?:connect\w*|dial)[^\n]{0,100}(?:connection refused|ECONNREFUSED))`, "a service that it needs does not answer: $1", "is that service running, and its address right?"),
	say(certainKind, `(?i)((?:connection refused|ECONNREFUSED)[^\n]{0,100})`, "a service that it needs does not answer: $1", "is that service running, and its address right?"),
	say(certainKind, `(?i)((?:could not translate host name|Name or service not known|Temporary failure in name resolution|ENOTFOUND)[^\n]{0,100})`,
		"it asks for a host whose name is not known: $1", "see /etc/resolv.conf and the host's name in its configuration"),
	say(certainKind, `no python application found|unable to (?:load app|find "application" callable)`, "uWSGI does not find the application", "see --module FILE:CALLABLE and the lines below"),

	say(certainKind, `(?im)^([^\n]*permission denied[^\n]*)$`, "something is refused to its user: $1", "a worker writes only where its user may; one that stays in the foreground needs no pid file"),

	// How languages say that something was not caught.
	say(uncaughtKind, `(?s)Traceback \(most recent call last\).*\n(\w[\w.]*(?:Error|Exception|Exit|Interrupt|Warning)?(?:: [^\n]*)?)\s*(?:\n|$)`, "Python ends with $1", "see the traceback below"),
	say(uncaughtKind, `(?m)^(panic: .*|fatal error: .*)$`, "the Go program ends with $1", "see the stack below"),
	say(uncaughtKind, `(?m)^(?:PHP )?(Fatal error: .*)$`, "PHP ends with $1", ""),
	say(uncaughtKind, `(?m)^(?:Uncaught )?((?:\w*Error|\w*Exception): .+)$`, "the program ends with $1", "see the lines below"),
	say(uncaughtKind, `(?m)^\S+:\d+:in .*: (.* \(\w*(?:Error|Exception)\))$`, "Ruby ends with $1", "see the lines below"),
	say(uncaughtKind, `(?m)^(.+ at \S+ line \d+)\.?$`, "Perl says: $1", ""),
	say(uncaughtKind, `(?m)^lua\S*: (.+)$`, "Lua says: $1", ""),
}

// vague says that something else may be behind what the program has said.
func (d diagnosis) vague() bool {
	return d.kind != certainKind && d.kind != environmentKind && d.kind != ownSocketKind
}

// diagnosis is a symptom that was found in a program's words.
type diagnosis struct {
	kind   kind
	name   string // what the first group of the pattern found
	what   string
	remedy string
}

// recognise finds what the words of a program mean. absent says whether the worker
// lacks an environment variable: one that it has is not to blame.
func recognise(text string, absent func(name string) bool) (diagnosis, bool) {
	text = strings.ReplaceAll(text, "\r\n", "\n")
	for _, s := range symptoms {
		all := s.pattern.FindAllStringSubmatchIndex(text, -1)
		for i := len(all) - 1; i >= 0; i-- { // the last one is what it ended with
			found := all[i]
			d := diagnosis{kind: s.kind, what: expand(s.pattern, s.what, text, found), remedy: expand(s.pattern, s.remedy, text, found)}
			if len(found) > 3 && found[2] >= 0 {
				d.name = text[found[2]:found[3]]
			}
			if s.kind == environmentKind && !absent(d.name) {
				continue
			}
			return d, true
		}
	}
	return diagnosis{}, false
}

func expand(pattern *regexp.Regexp, template, text string, found []int) string {
	return string(pattern.ExpandString(nil, template, text, found))
}
