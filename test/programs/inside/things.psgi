# Answers the requests of clients/counts.py over HTTP. The processes of the server share files, which they lock; a process of its own
# counts ticks.
use strict;
use warnings;
use Fcntl qw(:flock SEEK_SET);

my $folder = '/tmp/sums';
my $size = 20_000;
mkdir $folder or die "$folder: $!";

sub text_of { my ($key, $version) = @_; return "$key:$version:" x 20 }

my %things = map { $_ => [0, text_of($_, 0)] } 0 .. $size - 1;

# Adds to the number in a file, and returns the sum.
sub add {
    my ($name, $more) = @_;
    open my $file, '+>>', "$folder/$name" or die "$name: $!";
    flock $file, LOCK_EX or die "$name: $!";
    seek $file, 0, SEEK_SET;
    my $sum = (<$file> // 0) + $more;
    if ($more) {
        truncate $file, 0;
        print $file $sum;
    }
    close $file or die "$name: $!";
    return $sum;
}

sub replace {
    for (1 .. 20) {
        my $key = int rand $size;
        my $version = $things{$key}[0] + 1;
        $things{$key} = [$version, text_of($key, $version)];
    }
}

sub check {
    my $found = grep { $things{$_}[1] eq text_of($_, $things{$_}[0]) } keys %things;
    return $found == $size ? "whole $found" : "$found of $size are whole";
}

if (!fork) {
    while (getppid > 0) {
        select undef, undef, undef, 0.1;
        add('ticks', 1);
    }
}

sub {
    my (undef, $what, $worker) = split m{/}, shift->{PATH_INFO};
    replace();
    my $text = $what eq 'check' ? check() : $what eq 'ticks' ? add('ticks', 0) : add($worker, $what eq 'add' ? 1 : 0);
    return [200, ['Content-Type' => 'text/plain', 'Content-Length' => length $text], [$text]];
};
