#!/bin/bash
# A tree of shells that hang together by pipes, fifos, signals and locks. Prints a number for each round in which all of it
# worked, and what was wrong otherwise. Set up once, so that everything has to live through the moves.
cd /tmp && mkfifo ask answer && echo 0 >shared

wrong() {
	echo "WRONG: $*"
	exit 1
}

# A lock that one job holds for good, and one that several take in turns.
(
	flock 9
	echo held >holder
	while :; do sleep 1; done
) 9>held.lock &
for _ in 1 2 3; do
	(
		while :; do
			flock 8
			read -r n <shared
			echo $((n + 1)) >shared.new
			mv shared.new shared
			echo done >>turns
			flock -u 8
			# Each turn starts four programs: without a rest these jobs alone would fill a processor.
			sleep 0.3
		done
	) 8>turn.lock &
done

# A job that answers over fifos, through a pipeline of three.
(
	exec 3<ask 4>answer
	stdbuf -oL cat <&3 | sed -u 's/^/:/' | while read -r line; do echo "$line:" >&4; done
) &
exec 5>ask 6<answer

# What is written to a file of the root goes on being heard by who follows it.
touch notes
(tail -f -n +1 notes >heard) &

# A job that counts its signals, and asks back with another one.
caught=0
trap 'caught=$((caught + 1))' USR1
(
	trap 'kill -USR1 $$' USR2
	while :; do sleep 0.1; done
) &
echoer=$!
ends=0
trap 'ends=$((ends + 1))' CHLD
until [ -e holder ]; do sleep 0.01; done

round=0
while :; do
	echo "round $round" >&5
	read -r line <&6
	[ "$line" = ":round $round:" ] || wrong "the pipeline says '$line'"
	flock -n held.lock true && wrong "a lock that is held was given away"
	before=$caught
	# No $(…) while a signal may come: bash 5.2 then ends with "unexpected EOF" (seen without any move, under a flood of signals).
	kill -USR2 "$echoer" || wrong "the job is gone"
	for ((i = 0; i < 100; i++)); do
		[ "$caught" -gt "$before" ] && break
		sleep 0.1
	done
	[ "$caught" -gt "$before" ] || wrong "no signal came back"
	echo "note $round" >>notes
	for ((i = 0; i < 100; i++)); do
		[ "$(tail -n 1 heard)" = "note $round" ] && break
		sleep 0.1
	done
	cmp -s notes heard || wrong "what follows the notes heard '$(tail -n 1 heard)'"
	(exit 7) &
	wait $!
	[ $? = 7 ] || wrong "a child's exit status was lost"
	exec 7<>turn.lock
	flock 7
	read -r n <shared
	turns=$(wc -l <turns)
	flock -u 7
	[ "$n" = "$turns" ] || wrong "$n turns were counted, and $turns taken"
	echo $round
	round=$((round + 1))
	sleep 0.1
done
