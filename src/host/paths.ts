/*
 * Fixed places on a host. They cannot be configured: Docker calls the runtime hook without a setting, and it knows `pendingFolder`
 * and `agentPidFile` by these names.
 */
export const stateFolder = "/var/lib/godwit";
/** Restores that wait for their state, a folder each. */
export const pendingFolder = `${stateFolder}/pending`;
export const runFolder = "/run/godwit";
/** Of the agent's process, while it listens: the hook tells by it whether the agent is there. */
export const agentPidFile = `${runFolder}/agent.pid`;
/** Where the agent answers commands on this host. */
export const agentSocket = `${runFolder}/agent.sock`;
export const checkpointsFolder = `${stateFolder}/checkpoints`;
/** Inits of other hosts' Docker, by the SHA-256 of their content: containers that came with one run it. */
export const initsFolder = `${stateFolder}/inits`;
/** Memory images on their way: tmpfs mounts, one a migration. */
export const imagesFolder = `${runFolder}/images`;
/** Where `godwit setup` puts what Docker calls. */
export const installFolder = "/usr/local/lib/godwit";
export const hookPath = `${installFolder}/godwit-runtime`;
export const lazyPagesPath = `${installFolder}/godwit-lazy-pages`;
export const blocksPath = `${installFolder}/godwit-blocks`;
export const memoryPath = `${installFolder}/godwit-memory`;
export const statePath = `${installFolder}/godwit-state`;
/** Preloaded into CRIU: runtime/criu/objects.c. */
export const criuLibraryPath = `${installFolder}/godwit-criu.so`;
/** Tells neighbours where an address is. */
export const announcePath = `${installFolder}/godwit-announce`;
/** Name under which Docker knows the runtime hook. */
export const hookName = "godwit";
