/** Fixed places on a host. The runtime hook knows the first two by the same names. */
export const pendingFolder = "/var/lib/godwit/pending";
export const runFolder = "/run/godwit";
export const stateFolder = "/var/lib/godwit";
export const checkpointsFolder = `${stateFolder}/checkpoints`;
/** Inits of other hosts' Docker, by the SHA-256 of their content: containers that came with one run it. */
export const initsFolder = `${stateFolder}/inits`;
/** Memory images on their way: tmpfs mounts, one a migration. */
export const imagesFolder = `${runFolder}/images`;
/** Where `godwit setup` puts what Docker calls. */
export const installFolder = "/usr/local/lib/godwit";
export const hookPath = `${installFolder}/godwit-runtime`;
export const lazyPagesPath = `${installFolder}/godwit-lazy-pages`;
/** Tells neighbours where an address is. */
export const announcePath = `${installFolder}/godwit-announce`;
/** Name under which Docker knows the runtime hook. */
export const hookName = "godwit";
