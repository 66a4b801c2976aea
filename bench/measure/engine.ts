/** What runs containers in a host: a command with Docker's syntax, and shell scripts for what differs from Docker. */
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
    clear: "docker ps -aq | xargs -r docker rm --force --volumes; docker volume rm --force bulk pgdata",
    version: "docker version --format 'Docker {{.Server.Version}}'",
  },
  podman: {
    command: "podman",
    // A lab's host may have no controller that limits processes. A network would only make Podman's moves slower.
    run: "podman run --pull never --network none --pids-limit 0 --detach",
    load: "podman load",
    clear: "podman rm --all --force --time 0 && rm -rf /var/lib/containers/move",
    version: "podman version --format 'Podman {{.Client.Version}}'",
  },
};
