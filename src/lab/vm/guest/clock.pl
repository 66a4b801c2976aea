# usage: perl clock.pl
# Says this machine's time, in seconds, for every empty line; a line with a number moves the clock by so many seconds.
# In Perl's own words: perl-base has no Time::HiRes. The numbers are those of clock_gettime and settimeofday on x86_64.
use strict;
$| = 1;
sub now { my $t = pack("qq", 0, 0); syscall(228, 0, $t); my ($s, $n) = unpack("qq", $t); return ($s, $n / 1000) }
while (my $line = <STDIN>) {
	my ($s, $us) = now();
	if ($line =~ /^(-?[0-9.]+)$/) {
		$us += $1 * 1e6;
		my $whole = int($us / 1e6) - ($us < 0 ? 1 : 0);
		syscall(164, pack("qq", $s + $whole, int($us - $whole * 1e6)), 0) == 0 or die "settimeofday: $!\n";
	}
	printf "%d.%06d\n", now();
}
