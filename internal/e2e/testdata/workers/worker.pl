use strict;
use warnings;
use FCGI;
use Time::HiRes 'sleep';

my $block = pack 'C*', 0 .. 255;
my $request = FCGI::Request();
while ($request->Accept() >= 0) {
    my ($path, $value) = $ENV{REQUEST_URI} =~ m{^(/\w*)(?:\?\w+=(.*))?};
    print "Content-Type: application/octet-stream\r\nX-Pid: $$\r\n\r\n";
    if ($path eq '/mirror') {
        read STDIN, my $body, $ENV{CONTENT_LENGTH} || 0;
        print $body;
    } elsif ($path eq '/bytes') {
        print substr $block x (1 + $value / 256), 0, $value;
    } elsif ($path eq '/sleep') {
        sleep $value / 1000;
        print 'slept';
    } else {
        print $$;
    }
}
