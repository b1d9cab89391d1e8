# A PSGI application that tells what it was sent, in the shape of worker-params.
use strict;
use warnings;
use Digest::SHA 'sha256';
use JSON::PP;
use MIME::Base64 'encode_base64';

sub {
    my $env = shift;
    my $body = '';
    while ($env->{'psgi.input'}->read(my $piece, 65536)) { $body .= $piece }
    my @params = map { [encode_base64($_, ''), encode_base64($env->{$_}, '')] }
        grep { !ref $env->{$_} && defined $env->{$_} && !/^psgi/ } sort keys %$env;
    my $text = encode_json({Params => \@params, Bytes => length $body, Sum => encode_base64(sha256($body), '')});
    my @headers = ('Content-Type' => 'application/json', 'X-Pid' => $$);
    push @headers, map { ('X-Large' => 'x' x $1) } 1 .. 3 if $env->{QUERY_STRING} =~ /^header=(\d+)/;
    return [200, [@headers, 'X-Seen' => encode_base64($text, '')], []] if $env->{REQUEST_METHOD} eq 'HEAD';
    return [200, \@headers, [$text]];
};
