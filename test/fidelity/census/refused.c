/* What CRIU refuses, or dumps in part only. Each is an area of its own. */
#include "census.h"
#include <linux/io_uring.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

static mqd_t queue;

static void give_mqueue(void) {
  struct mq_attr attributes = {.mq_maxmsg = 5, .mq_msgsize = 100};
  mq_unlink("/census-queue");
  queue = mq_open("/census-queue", O_RDWR | O_CREAT | O_NONBLOCK, 0640, &attributes);
  if (!given("refused-mqueue.attributes", queue)) return;
  hold("refused-mqueue.queue", queue);
  mq_send(queue, "urgent", 6, 9);
  mq_send(queue, "later", 5, 1);
}

static void tell_mqueue(void) {
  struct mq_attr now = {0};
  char room[100];
  unsigned priority = 0;
  if (mq_getattr(queue, &now)) tell_number("refused-mqueue.attributes", -1);
  else
    tell("refused-mqueue.attributes", "%ld of %ld messages, %ld bytes, flags %#lx", now.mq_curmsgs, now.mq_maxmsg, now.mq_msgsize,
         now.mq_flags);
  if (!draining) return;
  ssize_t got = mq_receive(queue, room, sizeof room, &priority);
  tell("refused-mqueue.content", "%.*s, priority %u", (int)(got > 0 ? got : 0), room, priority);
}

static int packet_pipe[2];

static void give_packet_pipe(void) {
  if (!given("refused-packet-pipe.messages", pipe2(packet_pipe, O_DIRECT | O_NONBLOCK))) return;
  hold("refused-packet-pipe.read", packet_pipe[0]);
  if (write(packet_pipe[1], "one", 3) < 0 || write(packet_pipe[1], "two", 3) < 0) return;
}

static void tell_packet_pipe(void) { tell_file_queue("refused-packet-pipe.messages", packet_pipe[0]); }

static int semaphore;

static void give_semaphore(void) { semaphore = hold("eventfd-semaphore.counter", eventfd(5, EFD_SEMAPHORE | EFD_NONBLOCK)); }

/* A read of a semaphore takes 1; it is put back. */
static void tell_semaphore(void) {
  uint64_t got = 0, one = 1;
  tell("eventfd-semaphore.counter", "%s", descriptor_line(semaphore, "eventfd-count:"));
  ssize_t size = read(semaphore, &got, sizeof got);
  tell("eventfd-semaphore.reads", "%ld", size < 0 ? -1 : (long)got);
  if (size > 0 && got == 1 && write(semaphore, &one, sizeof one) < 0) return;
}

static int ring;

static void give_ring(void) {
  struct io_uring_params parameters = {0};
  ring = hold("refused-io_uring.ring", (int)syscall(SYS_io_uring_setup, 8, &parameters));
}

static void tell_ring(void) { tell("refused-io_uring.ring", "%s", descriptor_line(ring, "SqMask:")); }

static int faults;

static void give_faults(void) {
  struct uffdio_api api = {.api = UFFD_API};
  faults = hold("refused-userfaultfd.descriptor", (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1));
  char *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct uffdio_register range = {.range = {(uintptr_t)memory, 65536}, .mode = UFFDIO_REGISTER_MODE_MISSING};
  given("refused-userfaultfd.registered", ioctl(faults, UFFDIO_API, &api));
  given("refused-userfaultfd.registered", ioctl(faults, UFFDIO_REGISTER, &range));
}

static void tell_faults(void) { tell("refused-userfaultfd.registered", "%s", descriptor_line(faults, "API:")); }

static int secret;

static void give_secret(void) {
  secret = hold("refused-secretmem.file", (int)syscall(447, O_CLOEXEC));
  char *memory = MAP_FAILED;
  if (given("refused-secretmem.content", ftruncate(secret, 4096))) memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, secret, 0);
  if (given("refused-secretmem.content", memory == MAP_FAILED ? -1 : 0)) strcpy(memory, "secret");
}

static void tell_secret(void) { tell("refused-secretmem.content", "%s", fcntl(secret, F_GETFL) < 0 ? "gone" : "there"); }

static int counter;

static void give_perf(void) {
  struct perf_event_attr event = {
      .type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK, .exclude_kernel = 1};
  counter = hold("refused-perf.counter", (int)syscall(SYS_perf_event_open, &event, 0, -1, -1, PERF_FLAG_FD_CLOEXEC));
}

static void tell_perf(void) {
  uint64_t value = 0;
  tell("refused-perf.counter", "%s", read(counter, &value, sizeof value) == sizeof value && value ? "counts" : "does not count");
}

static int marks;

static void give_fanotify(void) {
  marks = hold("fanotify.group", (int)syscall(SYS_fanotify_init, FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY));
  given("fanotify.mark", syscall(SYS_fanotify_mark, marks, FAN_MARK_ADD, (uint64_t)FAN_MODIFY, AT_FDCWD, folder));
}

static const char *mask_of(const char *line) {
  const char *at = strstr(line, "mask:");
  return text("%.*s", (int)(at && strstr(at, " fhandle") ? strstr(at, " fhandle") - at : 200), at ? at : line);
}

static void tell_fanotify(void) {
  tell("fanotify.group", "%s", descriptor_line(marks, "fanotify flags:"));
  tell("fanotify.mark", "%s", mask_of(descriptor_line(marks, "fanotify ino:")));
}

static unsigned long context;

static void give_aio(void) { given("aio.context", syscall(SYS_io_setup, 16, &context)); }

static void tell_aio(void) { tell_number("aio.context", syscall(SYS_io_getevents, context, 0, 0, NULL, NULL)); }

static int map_fd;

static void give_map(void) {
  struct {
    uint32_t type, key_size, value_size, entries, flags, inner, node;
    char name[16];
  } attributes = {.type = 2, .key_size = 4, .value_size = 8, .entries = 4, .name = "census_map"};
  map_fd = hold("bpf-map.map", (int)syscall(SYS_bpf, 0, &attributes, sizeof attributes));
}

static void tell_map(void) { tell("bpf-map.map", "%s, %s", descriptor_line(map_fd, "map_type:"), descriptor_line(map_fd, "max_entries:")); }

static int task_file, full;

static void give_proc(void) {
  pid_t child = start_child(NULL);
  task_file = hold("refused-proc-file.status", open(text("/proc/%d/task/%d/status", child, child), O_RDONLY));
  given("refused-proc-file.status", child);
}

static void tell_proc(void) {
  char byte;
  tell("refused-proc-file.status", "%s", pread(task_file, &byte, 1, 0) == 1 ? "reads" : error_name(errno));
}

static void give_device(void) { full = hold("device.full", open("/dev/full", O_RDWR)); }
static void tell_device(void) { tell("device.full", "%s", write(full, "x", 1) < 0 ? error_name(errno) : "accepts"); }

const struct area refused_areas[] = {
    {"refused-mqueue", give_mqueue, tell_mqueue, true, true, "mq_overview(7); refused in the dump"},
    {"refused-packet-pipe", give_packet_pipe, tell_packet_pipe, true, true, "a pipe of O_DIRECT; refused in the dump"},
    {"eventfd-semaphore", give_semaphore, tell_semaphore, true, false, "EFD_SEMAPHORE"},
    {"refused-io_uring", give_ring, tell_ring, true, true, "io_uring(7); refused in the dump"},
    {"refused-userfaultfd", give_faults, tell_faults, true, true, "userfaultfd(2); refused in the dump"},
    {"refused-secretmem", give_secret, tell_secret, true, true, "memfd_secret(2); refused in the dump"},
    {"refused-perf", give_perf, tell_perf, true, true, "perf_event_open(2); refused in the dump"},
    {"refused-proc-file", give_proc, tell_proc, true, true, "an open file below /proc/PID/task of another process"},
    {"fanotify", give_fanotify, tell_fanotify, true, false, "fanotify(7), needs CAP_SYS_ADMIN"},
    {"aio", give_aio, tell_aio, true, false, "io_setup(2)"},
    {"bpf-map", give_map, tell_map, true, true, "a map of bpf(2); refused in the dump"},
    {"device", give_device, tell_device, false, false, "open device files"},
    {0},
};
