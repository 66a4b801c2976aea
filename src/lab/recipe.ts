import { createHash } from "node:crypto";
import type { AptSource } from "./roots/apt-source.ts";

export const releases = ["trixie", "forky"] as const;
/** The Debian release of a host: trixie has Docker 26, forky has Docker 28. Both get the CRIU of forky. */
export type Release = (typeof releases)[number];

/** What a root is built from. The root's name contains a hash of all of it. */
export interface Recipe {
  name: string;
  release: Release | "bookworm";
  /** `extract` unpacks the packages and their dependencies, and configures nothing. */
  variant: "minbase" | "essential" | "extract";
  packages: string[];
  /** Paths, with wildcards, that are left out of the packages. */
  without: string[];
  /** Packages from a newer release, with the libraries that they need from it. */
  newer: { release: Release; packages: string[] } | undefined;
}

const hostPackages = [
  ...["docker.io", "docker-cli", "docker-compose", "containerd", "runc", "criu"],
  ...["iproute2", "nftables", "iptables", "procps", "util-linux", "tini"],
  ...["rsync", "tar", "perl-base", "busybox-static"],
];

/**
 * The root of a host, with `more` packages. Trixie gets CRIU and its libraries from forky: its own CRIU (4.1) cannot dump a
 * TCP socket on kernels from 6.16 on, and both hosts of a migration must have the same page-server protocol.
 */
export function hostRecipe(release: Release, more: readonly string[] = []): Recipe {
  const criu = { release: "forky" as const, packages: ["criu", "libcompel1", "libnet9", "libnl-3-200"] };
  const newer = release === "trixie" ? criu : undefined;
  const name = [...more, release].join("-");
  return { name, release, variant: "minbase", packages: [...hostPackages, ...more], without: [], newer };
}

/** The root of a host that is a virtual machine: it loads kernel modules and security profiles itself, and is reached by ssh. */
export function vmRecipe(release: Release): Recipe {
  const recipe = hostRecipe(release);
  return { ...recipe, name: `vm-${release}`, packages: [...recipe.packages, "kmod", "openssh-server", "apparmor"] };
}

/** The kernel of virtual machines: it has dirty tracking (CONFIG_MEM_SOFT_DIRTY), which many kernels lack. */
export const kernelRecipe: Recipe = {
  name: "kernel",
  release: "bookworm",
  variant: "extract",
  packages: ["linux-image-cloud-amd64"],
  without: [],
  newer: undefined,
};

/** The root of the test image that compiles C programs. */
export const gccRecipe: Recipe = {
  name: "gcc",
  release: "trixie",
  variant: "essential",
  packages: ["gcc", "libc6-dev", "procps", "busybox-static"],
  // Link-time optimisation and the sanitizers are half of the compiler's size.
  without: ["/usr/libexec/gcc/*/lto1", "/usr/bin/*-lto-dump-*", "/usr/lib/*san.*"],
  newer: undefined,
};

/** The root of the test image with servers and interpreters that people run in containers. */
export const appsRecipe: Recipe = {
  name: "apps",
  release: "trixie",
  variant: "essential",
  packages: [
    ...["redis-server", "redis-tools", "nginx-light", "postgresql", "python3", "nodejs"],
    ...["procps", "iproute2", "busybox-static"],
  ],
  without: ["/usr/include/*"],
  newer: undefined,
};

/** The name of the folder or file made from a recipe; different recipes have different names. */
export function recipeKey(recipe: Recipe): string {
  const text = JSON.stringify([recipe, fixedArguments]);
  return `${recipe.name}-${createHash("sha256").update(text).digest("hex").slice(0, 12)}`;
}

// Check-Valid-Until: release files of an unreleased Debian expire quickly, and mirrors lag. force-unsafe-io: no fsync is
// needed, because a root gets its name only when it is complete, and an incomplete root is built again.
const fixedArguments = [
  "--mode=root",
  '--aptopt=Acquire::Check-Valid-Until "false"',
  '--aptopt=Acquire::Languages "none"',
  "--dpkgopt=force-unsafe-io",
  ...["doc", "man", "locale", "info"].map((folder) => `--dpkgopt=path-exclude=/usr/share/${folder}/*`),
];

/**
 * The arguments of mmdebstrap. `acquire` has the machine's apt settings for downloads, such as proxies, as lines of
 * `apt-config dump`: mmdebstrap does not read them by itself.
 */
export function mmdebstrapArguments(
  recipe: Recipe,
  source: AptSource,
  acquire: string[],
  target: string,
  format: "directory" | "tar",
): string[] {
  const keyring = source.signedBy ?? "/usr/share/keyrings/debian-archive-keyring.gpg";
  const line = (release: string) => `deb [signed-by=${keyring}] ${source.uri} ${release} main`;
  const pin = recipe.newer && [
    "Package: *",
    `Pin: release n=${recipe.newer.release}`,
    "Pin-Priority: 100",
    "",
    `Package: ${recipe.newer.packages.join(" ")}`,
    `Pin: release n=${recipe.newer.release}`,
    "Pin-Priority: 990",
  ];
  return [
    `--variant=${recipe.variant}`,
    `--format=${format}`,
    ...fixedArguments,
    ...recipe.without.map((path) => `--dpkgopt=path-exclude=${path}`),
    ...acquire.map((setting) => `--aptopt=${setting}`),
    ...(pin ? [`--setup-hook=printf '%s\\n' '${pin.join("' '")}' > "$1/etc/apt/preferences.d/newer"`] : []),
    `--include=${recipe.packages.join(",")}`,
    recipe.release,
    target,
    line(recipe.release),
    ...(recipe.newer ? [line(recipe.newer.release)] : []),
  ];
}
