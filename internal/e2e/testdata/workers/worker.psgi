# Run by plackup -s FCGI.
use strict;
use warnings;
use Time::HiRes 'sleep';

sub {
    my $env = shift;
    my ($path, $value) = $env->{REQUEST_URI} =~ m{^(/\w*)(?:\?\w+=(.*))?};
    my $body = $$;
    if ($path eq '/mirror') {
        $body = '';
        while ($env->{'psgi.input'}->read(my $piece, 65536)) { $body .= $piece }
    } elsif ($path eq '/sleep') {
        sleep $value / 1000;
        $body = 'slept';
    }
    [200, ['Content-Type' => 'application/octet-stream', 'X-Pid' => $$], [$body]];
};
