# usage: perl clock.pl
# Prints this machine's time, in seconds, for every line. A line with a number first moves the clock by that many seconds.
# It calls clock_gettime (228 on x86_64) and settimeofday (164) by number: perl-base has no Time::HiRes.
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
