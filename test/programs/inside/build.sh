#!/bin/sh
# Builds the same program again and again with two jobs. /tmp/results has the checksum of the program and its objects, and what it prints.
set -e
mkdir /tmp/tree
cd /tmp/tree
for file in $(seq 24); do
  for function in $(seq 60); do
    echo "long f${file}_$function(long a, long *b) { for (long i = 0; i < a; i++) b[i & 7] += (a * $function) ^ (b[i & 3] >> $((file % 9))); return b[$((function % 8))]; }"
  done >"part$file.c"
  echo "long part$file(long a, long *b) { return $(seq -s ' + ' -f "f${file}_%.0f(a, b)" 60); }" >>"part$file.c"
done
{
  seq -f 'long part%.0f(long, long *);' 24
  cat <<MAIN
int printf(const char *, ...);
int main(void) {
  long b[8] = {1, 2, 3};
  printf("%ld\\n", $(seq -s ' + ' -f 'part%.0f(99, b)' 24));
}
MAIN
} >main.c
cat >Makefile <<'MAKE'
objects = $(patsubst %.c,%.o,$(wildcard *.c))
program: $(objects)
	gcc -o $@ $^
%.o: %.c
	gcc -O2 -pipe -c $<
clean:
	rm -f program $(objects)
MAKE
while true; do
  make -j2 >>/tmp/progress
  { ./program; cat program ./*.o; } | sha256sum >>/tmp/results
  make clean >>/tmp/progress
done
