# compare-objects.py SOCKET LIST PID...: compares the shared objects of these processes, page by page, with those that SOCKET gives out.
# LIST has the inode of each object, `DEVICE:INODE`, a line each.
import array, os, socket, struct, sys

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


listed = {int(line.split(":")[1]) for line in open(sys.argv[2])}
ours = paths()
if listed != set(ours):
    sys.exit(f"listed: {listed}; mapped or open: {ours}")
for inode, path in ours.items():
    here, there = os.open(path, os.O_RDONLY), theirs(inode)
    size = os.fstat(here).st_size
    if size != os.fstat(there).st_size:
        sys.exit(f"{path} has {size} bytes, the store {os.fstat(there).st_size}")
    for at in range(0, size, PAGE):
        if os.pread(here, PAGE, at) != os.pread(there, PAGE, at):
            sys.exit(f"{path} differs at {at:#x}")
print(len(ours), "objects are equal")
