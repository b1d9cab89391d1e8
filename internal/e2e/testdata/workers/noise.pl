# Before each answer it writes to stderr what no log wants: all byte values,
# a line of 200,000 bytes, terminal escapes, and an end without newline.
use strict;
use warnings;
use FCGI;

# FCGI ties STDERR to the request's error stream: keep the real one.
open my $log, '>&', \*STDERR or die;
binmode $log;
my $request = FCGI::Request();
while ($request->Accept() >= 0) {
    syswrite $log, $_ for pack('C*', 0 .. 255), 'x' x 200_000 . "\n", "\e]0;owned\a\e[2J\xff\xfe\n", "no end";
    print "Content-Type: text/plain\r\n\r\n$$";
}
