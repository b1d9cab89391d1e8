#!/usr/bin/perl
# One process a request; its parent is the fcgiwrap that is the worker.
use strict;
use warnings;
use Time::HiRes 'sleep';

my $worker = getppid;
my ($path, $value) = $ENV{REQUEST_URI} =~ m{^(/\w*)(?:\?\w+=(.*))?};
binmode $_ for *STDIN, *STDOUT;
print "Content-Type: application/octet-stream\r\nX-Pid: $worker\r\n\r\n";
if ($path eq '/mirror') {
    local $/;
    print <STDIN>;
} elsif ($path eq '/bytes') {
    print substr pack('C*', 0 .. 255) x (1 + $value / 256), 0, $value;
} elsif ($path eq '/sleep') {
    sleep $value / 1000;
    print 'slept';
} else {
    print $worker;
}
