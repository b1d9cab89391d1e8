# Answers, and ends for nobody: neither it nor its two children hear TERM.
use strict;
use warnings;
use FCGI;

$SIG{TERM} = $SIG{USR1} = $SIG{HUP} = $SIG{INT} = 'IGNORE';
for (1 .. 2) {
    next if fork;
    sleep 1000 while 1;
}
my $request = FCGI::Request();
while (1) {
    print "Content-Type: text/plain\r\n\r\n$$" if $request->Accept() >= 0;
}
