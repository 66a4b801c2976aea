/** What runs containers in a host: its command, which speaks as Docker's does, and where it needs other words. */
export interface Engine {
  command: string;
  /** Starts a container in the background. */
  run: string;
  /** Takes a saved image on its standard input. */
  load: string;
  /** Removes all containers, with what they left. */
  clear: string;
  version: string;
}

export const engines: Record<"docker" | "podman", Engine> = {
  docker: {
    command: "docker",
    run: "docker run --pull never --detach",
    load: "docker load",
    clear: "docker ps -aq | xargs -r docker rm --force --volumes; docker volume rm --force bulk",
    version: "docker version --format 'Docker {{.Server.Version}}'",
  },
  podman: {
    command: "podman",
    // A lab's host may have no controllers to limit processes by; a network would only make its moves slower.
    run: "podman run --pull never --network none --pids-limit 0 --detach",
    load: "podman load",
    clear: "podman rm --all --force --time 0 && rm -rf /var/lib/containers/move",
    version: "podman version --format 'Podman {{.Client.Version}}'",
  },
};
