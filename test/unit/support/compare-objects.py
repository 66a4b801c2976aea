# compare-objects.py SOCKET LIST PID...: compares the shared objects of these processes, page by page, with those that SOCKET gives out.
# LIST has the inode of each object, `DEVICE:INODE`, a line each.
import array, ctypes, os, socket, struct, sys

PAGE = 4096


def theirs(inode):
    """Asks for the object of an inode, as CRIU does."""
    with socket.socket(socket.AF_UNIX) as asked:
        asked.connect(sys.argv[1])
        asked.send(struct.pack("=Q", inode))
        _, control, _, _ = asked.recvmsg(1, socket.CMSG_SPACE(4))
        files = array.array("i")
        files.frombytes(control[0][2][:4])
        return files[0]


def paths():
    """A path below /proc for each inode of shared memory."""
    found = {}
    for pid in sys.argv[3:]:
        folders = [f"/proc/{pid}/map_files", f"/proc/{pid}/fd"]
        for link in [f"{folder}/{name}" for folder in folders for name in os.listdir(folder)]:
            if os.readlink(link).startswith(("/dev/zero", "/memfd:")):
                found[os.stat(link).st_ino] = link
    return found


libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p


def segments(pid):
    """The bytes of each System V segment in the namespace of a process, by its id."""
    namespace = os.open(f"/proc/{pid}/ns/ipc", os.O_RDONLY)
    if libc.setns(namespace, 0):
        sys.exit("setns failed")
    found = {}
    with open("/proc/sysvipc/shm") as table:
        head = next(table).split()
        for row in table:
            row = dict(zip(head, row.split()))
            size = -(-int(row["size"]) // PAGE) * PAGE
            at = libc.shmat(int(row["shmid"]), None, 0o10000)
            found[int(row["shmid"])] = ctypes.string_at(at, size)
    return found


def compare(what, here, there):
    if len(here) != len(there):
        sys.exit(f"{what} has {len(here)} bytes, the store {len(there)}")
    for at in range(0, len(here), PAGE):
        if here[at : at + PAGE] != there[at : at + PAGE]:
            sys.exit(f"{what} differs at {at:#x}")


def contents(fd):
    return os.pread(fd, os.fstat(fd).st_size, 0)


listed = {int(line.split(":")[1]) for line in open(sys.argv[2])}
files = paths()
in_namespace = segments(sys.argv[3])
if listed != set(files) | set(in_namespace):
    sys.exit(f"listed: {listed}; mapped or open: {files}; segments: {set(in_namespace)}")
for inode, path in files.items():
    compare(path, contents(os.open(path, os.O_RDONLY)), contents(theirs(inode)))
for inode, here in in_namespace.items():
    compare(f"segment {inode}", here, contents(theirs(inode)))
print(len(files), "objects and", len(in_namespace), "segments are equal")
