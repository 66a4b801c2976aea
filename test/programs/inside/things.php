<?php
// Answers the requests of clients/counts.py in lines. Processes that share a listening socket serve one connection each; the sums stand
// in shared memory of System V, and a semaphore guards it.
const SIZE = 20_000;
const TICKS = 1000;

$semaphore = sem_get(0x7431);
$memory = shm_attach(0x7432, 65536);

function text_of(int $key, int $version): string
{
    return str_repeat("$key:$version:", 20);
}

$things = [];
for ($key = 0; $key < SIZE; $key++) {
    $things[$key] = [0, text_of($key, 0)];
}

function add(int $name, int $more): int
{
    global $semaphore, $memory;
    sem_acquire($semaphore);
    $sum = (shm_has_var($memory, $name) ? shm_get_var($memory, $name) : 0) + $more;
    if ($more > 0) {
        shm_put_var($memory, $name, $sum);
    }
    sem_release($semaphore);
    return $sum;
}

function check(): string
{
    global $things;
    $found = 0;
    foreach ($things as $key => [$version, $text]) {
        $found += $text === text_of($key, $version) ? 1 : 0;
    }
    return ($found === SIZE ? 'whole ' : 'only ') . $found;
}

function answer(string $line): string
{
    global $things;
    for ($i = 0; $i < 20; $i++) {
        $key = random_int(0, SIZE - 1);
        $version = $things[$key][0] + 1;
        $things[$key] = [$version, text_of($key, $version)];
    }
    [$what, $worker] = explode(' ', "$line 0");
    return match ($what) {
        'add' => add((int) $worker, 1),
        'sum' => add((int) $worker, 0),
        'ticks' => add(TICKS, 0),
        'check' => check(),
    };
}

function serve($link): void
{
    stream_set_timeout($link, 3600);
    while (($line = fgets($link)) !== false) {
        fwrite($link, answer(trim($line)) . "\n");
    }
    fclose($link);
}

$listener = stream_socket_server('tcp://0.0.0.0:8080', $code, $message) or die($message);
for ($i = 0; $i < 8; $i++) {
    if (pcntl_fork() === 0) {
        while (true) {
            $link = @stream_socket_accept($listener, 3600);
            if ($link) {
                serve($link);
            }
        }
    }
}
while (true) {
    usleep(100_000);
    add(TICKS, 1);
}
